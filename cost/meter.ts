import { createServices } from '../shared/aws/all-services.ts';
import { allClients } from '../shared/aws/clients.ts';
import type { Metric, Services } from '../shared/aws/services.ts';
import type { Config } from '../shared/config.ts';
import type { Invocation } from './invocation.ts';
import { signingKey } from './signing-key.ts';

type Input = Record<string, unknown> & {
  TableName?: string;
  RequestItems?: Record<string, unknown>;
  Statement?: string;
  Parameters?: { S?: string }[];
  Message?: Uint8Array;
};
type Consumed = { CapacityUnits?: number };
type Output = { ConsumedCapacity?: Consumed | Consumed[]; PublicKey?: Uint8Array; Signature?: Uint8Array };
type Next = (args: { input: Input }) => Promise<{ output: Output }>;
/** What the SDK's clients have in common, and their types do not. */
type Client = {
  middlewareStack: {
    add: (
      middleware: (next: Next, context: { clientName?: string; commandName?: string }) => Next,
      options: { step: 'initialize'; name: string },
    ) => void;
  };
};

const WRITES = ['BatchWriteItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'ExecuteStatement'];
const bytesOf = (value: unknown) =>
  typeof value === 'string' ? Buffer.byteLength(value) : value instanceof Uint8Array ? value.length : 0;

/** The kind of the record among the values of an insert. */
function kindIn(values: readonly (string | undefined)[]): string {
  const text = values.find((value) => value?.startsWith('{'));
  return text === undefined ? '' : (JSON.parse(text) as { body: { kind: string } }).body.kind;
}

/** Counts what a call of DynamoDB consumed, by asking for it. A write that lost its condition consumes too: one unit at least. */
async function callDynamoDb(invocation: Invocation, operation: string, next: Next, input: Input) {
  const named = input.TableName ?? Object.keys(input.RequestItems ?? {})[0];
  const table = named ?? /"([\w.-]+)"/.exec(input.Statement ?? '')?.[1] ?? '';
  if (!invocation.tables.includes(table)) invocation.tables.push(table);
  const count = (units: number) => {
    if (WRITES.includes(operation)) invocation.writeUnits += units;
    else invocation.readUnits += units;
  };
  try {
    const result = await next({ input: { ...input, ReturnConsumedCapacity: 'INDEXES' } });
    const [{ CapacityUnits } = {}] = [result.output.ConsumedCapacity ?? []].flat();
    if (CapacityUnits === undefined) throw new Error(`DynamoDB.${operation} does not say what it consumed.`);
    count(CapacityUnits);
    if (operation === 'ExecuteStatement') {
      const values = (input.Parameters ?? []).map(({ S }) => S);
      const bytes = [input.Statement, ...values].reduce((sum, text) => sum + bytesOf(text), 0);
      invocation.ledgerBytes += bytes;
      invocation.inserts.push({ kind: kindIn(values), units: CapacityUnits, bytes });
    }
    return result;
  } catch (error) {
    if (/^(DuplicateItem|ConditionalCheckFailed)Exception$/.test((error as Error).name)) count(1);
    throw error;
  }
}

/** The loopback AWS has no keys that sign, so what they would answer is answered here. */
const { publicKey, signDigest } = signingKey();
const SIGNING: Record<string, (input: Input) => Output> = {
  'KMS.GetPublicKey': () => ({ PublicKey: publicKey.export({ type: 'spki', format: 'der' }) }),
  'KMS.Sign': ({ Message = new Uint8Array() }) => ({ Signature: signDigest(Message) }),
};

/** Services as a new container has them, that count into an invocation; `at` is what its clock shows, if not the time. */
export function meteredServices(config: Config, invocation: Invocation, at?: number): Services {
  const services = createServices(config, {
    measure: (metric: Metric) => invocation.metrics.push(metric),
    ...(at !== undefined && { now: () => new Date(at).toISOString() }),
  });
  for (const name of Object.keys(allClients)) {
    const client = services[name as keyof typeof allClients] as unknown as Client;
    client.middlewareStack.add(
      (next, { clientName = '', commandName = '' }) =>
        async (args) => {
          const operation = commandName.replace(/Command$/, '');
          const call = `${clientName.replace(/Client$/, '')}.${operation}`;
          invocation.calls[call] = (invocation.calls[call] ?? 0) + 1;
          if (call === 'S3.PutObject') invocation.archiveBytes += bytesOf(args.input.Body);
          const signed = SIGNING[call];
          if (signed) return { output: signed(args.input) };
          return call.startsWith('DynamoDB.') ? callDynamoDb(invocation, operation, next, args.input) : next(args);
        },
      { step: 'initialize', name: 'meter' },
    );
  }
  return services;
}

export const newInvocation = (lambda: string): Invocation => ({
  lambda,
  ms: 0,
  calls: {},
  readUnits: 0,
  writeUnits: 0,
  tables: [],
  inserts: [],
  ledgerBytes: 0,
  archiveBytes: 0,
  metrics: [],
});

/** Runs a function as Lambda does, in a container of its own, so that nothing is remembered from call to call. */
export async function invoke(
  config: Config,
  invocation: Invocation,
  run: (services: Services) => Promise<unknown>,
  at?: number,
): Promise<unknown> {
  const services = meteredServices(config, invocation, at);
  const started = performance.now();
  try {
    invocation.output = await run(services);
    return invocation.output;
  } catch (error) {
    invocation.error = (error as Error).name;
    throw error;
  } finally {
    invocation.ms = performance.now() - started;
    for (const name of Object.keys(allClients)) services[name as keyof typeof allClients].destroy();
  }
}
