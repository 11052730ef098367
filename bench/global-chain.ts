import { ExecuteStatementCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Services } from '../shared/aws/services.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import { GENESIS, sortKey } from '../shared/model/ledger-record.ts';

/**
 * One chain for everybody, to compare with: the same conditional insert, and whoever is late reads the end of the chain
 * again (one item) and tries anew. All that is left out of it makes it faster than it would be.
 */
export function insertedAlone(services: Services, pk: string): () => Promise<void> {
  const { dynamodb, config } = services;
  const readEnd = async () => {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: config.tables.ledger,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: pk } },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: 1,
      }),
    );
    const [item] = Items;
    return { sequence: Number(item?.sk?.S?.slice(0, 9) ?? 0), hash: item?.hash?.S ?? GENESIS };
  };
  // What a process knows of the end: its writers share it, as containers would not.
  let end = { sequence: 0, hash: GENESIS };
  return async () => {
    for (;;) {
      const [sequence, previous] = [end.sequence + 1, end.hash];
      const text = JSON.stringify({ sequence, previous, text: 'comment' });
      const hash = sha256(text);
      try {
        await dynamodb.send(
          new ExecuteStatementCommand({
            Statement: `INSERT INTO "${config.tables.ledger}" VALUE {'pk': '${pk}', 'sk': '${sortKey(sequence, previous)}', 'hash': ?, 'record': ?}`,
            Parameters: [{ S: hash }, { S: text }],
          }),
        );
        if (sequence > end.sequence) end = { sequence, hash };
        return;
      } catch (error) {
        if ((error as Error).name !== 'DuplicateItemException') throw error;
        end = await readEnd();
      }
    }
  };
}
