import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ListTablesCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { Config } from '../shared/config.ts';

const key = (hash: string, range?: string) => [
  { AttributeName: hash, KeyType: 'HASH' as const },
  ...(range ? [{ AttributeName: range, KeyType: 'RANGE' as const }] : []),
];
const text = (...names: string[]) => names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const }));

// What lists and questions need; the records themselves are in the table.
const LISTED = ['kind', 'cause', 'endpoint', 'generation', 'environment', 'result', 'reason', 'violations', 'answer'];
// What the answers to the other questions show: decisions, waivers, broken glass.
const ASKED = [
  ...['at', 'kind', 'cause', 'endpoint', 'generation', 'environment', 'result', 'reason', 'violations', 'answer'],
  ...['actor', 'decision', 'request', 'waiver', 'policy', 'from', 'until'],
];
const index = (IndexName: string, hash: string, listed: string[], range = 'at') => ({
  IndexName,
  KeySchema: key(hash, range),
  Projection: { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: listed },
});

/** The three tables. DynamoDB needs all global indexes declared together with their table here. */
export function tableDefinitions(tables: Config['tables']): CreateTableCommandInput[] {
  return [
    {
      TableName: tables.ledger,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: key('pk', 'sk'),
      AttributeDefinitions: text(
        'pk',
        'sk',
        'at',
        'environmentMonth',
        'outcomeMonth',
        'actor',
        'question',
        'questionAt',
      ),
      GlobalSecondaryIndexes: [
        index('by-environment-month', 'environmentMonth', [...LISTED, 'actor']),
        index('by-outcome-month', 'outcomeMonth', [...LISTED, 'actor']),
        index('by-actor', 'actor', LISTED),
        index('by-question', 'question', ASKED, 'questionAt'),
      ],
    },
    {
      TableName: tables.approvals,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: key('id'),
      AttributeDefinitions: text('id', 'open', 'expiresAt'),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-open',
          KeySchema: key('open', 'expiresAt'),
          Projection: {
            ProjectionType: 'INCLUDE',
            NonKeyAttributes: [
              ...['account', 'region', 'endpoint', 'planned', 'generation'],
              ...['askedAt', 'notified', 'notifyErrors'],
            ],
          },
        },
      ],
    },
    {
      TableName: tables.work,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: key('pk', 'sk'),
      AttributeDefinitions: text('pk', 'sk'),
    },
  ];
}

/** Creates a table, which may be used only once it exists. */
export async function createTable(dynamodb: DynamoDBClient, definition: CreateTableCommandInput): Promise<void> {
  await dynamodb.send(new CreateTableCommand(definition));
  const waiting = { client: dynamodb, minDelay: 0.02, maxDelay: 1, maxWaitTime: 60 };
  await waitUntilTableExists(waiting, { TableName: definition.TableName });
}

/** Creates what is not there yet. */
export async function ensureTables(dynamodb: DynamoDBClient, tables: Config['tables']): Promise<void> {
  const { TableNames: existing = [] } = await dynamodb.send(new ListTablesCommand({}));
  for (const definition of tableDefinitions(tables)) {
    if (!existing.includes(definition.TableName ?? '')) await createTable(dynamodb, definition);
  }
}
