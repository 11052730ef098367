import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, ExecuteStatementCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { openDynamoDb } from '../local/aws/dynamodb.ts';
import { openStore } from '../local/aws/store.ts';
import { cipherWith } from '../local/sealed-directory.ts';
import { createTable, tableDefinitions } from '../local/tables.ts';
import { encryptionKeyId } from '../shared/model/encryption-key.ts';
import type { RowCipher } from '../shared/model/row-cipher.ts';
import { formatRatio, goal, goalTable, interleave, median, ratioOf } from './ratio.ts';

const bytesIn = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
/** Text that compresses about as well as a record does: the same names again and again, and other values. */
const recordOf = (bytes: number) => {
  const lines: string[] = [];
  for (let size = 0; size < bytes; size += 70)
    lines.push(`"policy-${lines.length % 12}":{"outcome":"pass","digest":"${randomBytes(12).toString('hex')}"}`);
  return `{${lines.join(',')}}`.slice(0, bytes);
};

/** The tables of a gate, plain or encrypted, behind HTTP as the gate has them. */
async function tablesIn(directory: string, cipher: RowCipher | undefined) {
  const database = openDynamoDb(join(directory, 'dynamodb'), undefined, cipher);
  const server = createServer((request, response) => database.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const dynamodb = new DynamoDBClient({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials });
  const [ledger] = tableDefinitions({ ledger: 'ledger', approvals: 'approvals', work: 'work' });
  if (ledger) await createTable(dynamodb, ledger);
  return {
    /** One record with an entry in two indexes, as `appendRecord` inserts it. */
    insert: (stream: string, sequence: number, text: string) =>
      dynamodb.send(
        new ExecuteStatementCommand({
          Statement: `INSERT INTO "ledger" VALUE {'pk': '${stream}', 'sk': '${String(sequence).padStart(9, '0')}', 'record': ?, 'at': ?, 'actor': ?, 'environmentMonth': ?}`,
          Parameters: [text, '2026-11-21T09:00:00.000Z', 'bench', 'prod#2026-11'].map((S) => ({ S })),
        }),
      ),
    read: (stream: string) =>
      dynamodb.send(
        new QueryCommand({
          TableName: 'ledger',
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: stream } },
        }),
      ),
    close: async () => {
      dynamodb.destroy();
      server.closeAllConnections();
      server.close();
      await database.close();
    },
  };
}

/** What encryption at rest costs: records inserted and read, rows of the store put, by turns with the same in plain text. */
export async function benchEncryption({ rounds = 15, records = 60, rows = 2_000, bytes = 3_000 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  const key = randomBytes(32);
  const sides = await Promise.all(
    (['plain', 'encrypted'] as const).map(async (name) => {
      const cipher = name === 'plain' ? undefined : cipherWith([{ id: encryptionKeyId(key), bytes: key }]);
      const tables = await tablesIn(join(folder, name), cipher);
      return { name, tables, store: openStore(join(folder, name, 'aws.sqlite'), [], cipher) };
    }),
  );
  try {
    const text = recordOf(bytes);
    const timed = async (run: (side: (typeof sides)[number], round: number) => Promise<void> | void) => {
      const all = sides.map((side) => ({ name: side.name, run: (round: number) => run(side, round) }));
      const [plain = [], encrypted = []] = await interleave(all, { rounds, warmup: 3 });
      return { plain, encrypted, ratio: ratioOf(plain, encrypted) };
    };
    const inserts = await timed(async ({ tables }, round) => {
      for (let index = 1; index <= records; index += 1) await tables.insert(`stream-${round}`, index, text);
    });
    const reads = await timed(async ({ tables }) => {
      for (let round = 0; round < 10; round += 1) await tables.read(`stream-${round}`);
    });
    const puts = await timed(({ store }, round) => {
      store.together(() => {
        for (let index = 0; index < rows; index += 1) store.put('endpoint', `${round % 3}-${index}`, { text });
      });
    });
    const onDisk = sides.map(({ name }) => bytesIn(join(folder, name)));
    const perOne = (times: readonly number[], count: number) => `${((median(times) * 1_000) / count).toFixed(0)} µs`;
    const goals = [
      goal('records inserted, speed beside plain text', inserts.ratio, 0.5),
      goal('streams read, speed beside plain text', reads.ratio, 0.5),
    ];
    return {
      ok: goals.every(({ met }) => met),
      lines: [
        `encryption at rest: ${rounds} rounds by turns, records of ${bytes} bytes`,
        ...goalTable(goals),
        `an insert took ${perOne(inserts.plain, records)} in plain text, ${perOne(inserts.encrypted, records)} encrypted`,
        `a stream of ${records} records was read in ${perOne(reads.plain, 10)} and ${perOne(reads.encrypted, 10)}`,
        `a row of the store was put in ${perOne(puts.plain, rows)} and ${perOne(puts.encrypted, rows)}: speed ${formatRatio(puts.ratio)}, no goal`,
        `on disk ${onDisk.map((size) => `${(size / 1e6).toFixed(1)} MB`).join(' and ')}`,
      ],
      result: { inserts: inserts.ratio, reads: reads.ratio, puts: puts.ratio, bytesOnDisk: onDisk },
    };
  } finally {
    for (const { tables, store } of sides) {
      await tables.close();
      store.close();
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
