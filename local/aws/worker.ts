import { randomUUID } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openCheckpointWriter } from '../checkpoint-writer.ts';
import type { EncryptionKeys } from '../encryption-settings.ts';
import { returnMemoryWhenIdle } from '../idle-memory.ts';
import { resealDirectory } from '../reseal-directory.ts';
import { CHECKPOINT_KEY, cipherWith } from '../sealed-directory.ts';
import { autoScaling } from './auto-scaling.ts';
import { CALL_HISTORY, cloudtrail } from './call-history.ts';
import { cloudwatch } from './cloudwatch.ts';
import { type Inserted, openDynamoDb, storedItems } from './dynamodb.ts';
import type { Fleet } from './fleet.ts';
import { recordIn, signWhatIsLeft } from './ledger-items.ts';
import type { BusEvent, Loopback, ServiceTable } from './loopback.ts';
import { pricing } from './pricing.ts';
import { connectRpc } from './rpc.ts';
import { handleS3 } from './s3.ts';
import { resumeTransitions, sagemaker } from './sagemaker.ts';
import { seedFleet } from './seed.ts';
import { createLoopback, createLoopbackServer, type WireRequest } from './server.ts';
import { events, kms, ses, sts } from './small-services.ts';
import { openStore } from './store.ts';

/** What the main thread tells this one at start. */
export type WorkerOptions = {
  dataDir: string;
  port: number;
  account: string;
  region: string;
  transitionMs: number;
  /** Whether the process before this one ended in order; the first one's predecessor did. */
  stoppedCleanly: boolean;
  /** What the store is encrypted with, and whether something may still be sealed with another key than the first. */
  encryption: { keys?: EncryptionKeys; stale: boolean };
  /** Where checkpoints of the ledger are kept, and which table that is. */
  checkpoints: string;
  ledgerTable: string;
};
/** An event as the main thread gets it: the key under which it waits in the store, and the event. */
export type QueuedEvent = { key: string; event: Record<string, unknown> };

if (!parentPort) throw new Error('local/aws/worker.ts runs as a worker thread.');
const options = workerData as WorkerOptions;
const { account, region } = options;
const { keys, stale } = options.encryption;
const cipher = keys && cipherWith(keys);
if (keys && stale) {
  const rows = await resealDirectory(options.dataDir, keys, { plain: false });
  console.error(`${rows} rows were encrypted anew with key ${keys[0].id}. No other key is needed any more.`);
}
const databasePath = join(options.dataDir, 'dynamodb');
// First: it says so where nothing here can be read.
const store = openStore(join(options.dataDir, 'aws.sqlite'), ['outbox', CALL_HISTORY], cipher);
const checkpoints = openCheckpointWriter({
  directory: options.checkpoints,
  keyFile: join(options.dataDir, CHECKPOINT_KEY),
  cipher,
  now: () => new Date().toISOString(),
});
// What was stored and not signed when the last process was killed. A clean stop leaves nothing of that kind.
if (!options.stoppedCleanly || checkpoints.covered().size === 0)
  await signWhatIsLeft(checkpoints, storedItems(databasePath, options.ledgerTable, cipher));
const noteRecord = ({ table, item }: Inserted) => {
  const record = table === options.ledgerTable ? recordIn(item) : undefined;
  if (record) checkpoints.add(record);
};
const dynamodb = openDynamoDb(databasePath, noteRecord, cipher);
const timers = new Set<NodeJS.Timeout>();
let sequence = Math.max(0, ...store.keys('event-queue').map(Number));

let eventsAreLost = false;
/** Stored and still to be handed over, those of one call together. */
const emitted: QueuedEvent[] = [];

/** Stored with the change that caused it, delivered after; it leaves the store when it has been handled. */
function emit(event: BusEvent): void {
  if (eventsAreLost) return;
  sequence += 1;
  const key = String(sequence).padStart(12, '0');
  const whole = { version: '0', id: randomUUID(), account, region, resources: [], ...event };
  store.put('event-queue', key, whole);
  if (emitted.push({ key, event: whole }) > 1) return;
  setImmediate(() => main.tell('events', emitted.splice(0)));
}

const loopback: Loopback = {
  store,
  account,
  region,
  now: () => new Date(),
  newId: randomUUID,
  transitionMs: options.transitionMs,
  after: (ms, work) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  },
  emit,
};

/** Step Functions lives beside the engine, in the main thread. */
const forwarded: ServiceTable = Object.fromEntries(
  ['StartExecution', 'DescribeExecution', 'ListExecutions', 'StopExecution', 'SendTaskSuccess', 'SendTaskFailure'].map(
    (operation) => [operation, (input: Record<string, unknown>) => main.call('step-functions', { operation, input })],
  ),
);

const answer = createLoopback({
  account,
  region,
  dynamodb,
  checkpoints: { directory: options.checkpoints, flush: checkpoints.flush },
  loseEvents: (lost) => {
    eventsAreLost = lost;
  },
  services: {
    SageMaker: sagemaker(loopback),
    GraniteServiceVersion20100801: cloudwatch(loopback),
    AnyScaleFrontendService: autoScaling(loopback),
    AWSEvents: events(loopback),
    CloudTrail_20131101: cloudtrail(loopback),
    TrentService: kms(loopback),
    SESv2: ses(loopback),
    STS: sts(loopback),
    AWSPriceListService: pricing(loopback),
    AWSStepFunctions: forwarded,
  },
  s3: (request, caller) => handleS3(loopback, request, caller),
});

const server = createLoopbackServer(answer);
let stopping = false;

returnMemoryWhenIdle();

const main = connectRpc(parentPort, {
  listen: () =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address ? address.port : options.port);
        // This thread's own, as the command line does for the main one's.
        flushCompileCache();
      });
    }),
  /** Events that were accepted but not handled before the last stop. */
  pending: (): QueuedEvent[] =>
    store
      .keys('event-queue')
      .sort()
      .map((key) => ({ key, event: store.get<Record<string, unknown>>('event-queue', key) ?? {} })),
  resume: () => resumeTransitions(loopback),
  handled: (keys: string[]) =>
    store.together(() => {
      for (const key of keys) store.delete('event-queue', key);
    }),
  emit,
  seed: (fleet: Fleet) => seedFleet(loopback, fleet),
  outbox: () => store.list('outbox'),
  /** What the gate itself asks. */
  request: (request: WireRequest) => {
    if (stopping) throw new Error('The loopback AWS is stopping.');
    return answer(request);
  },
  stop: async () => {
    stopping = true;
    for (const timer of timers) clearTimeout(timer);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await dynamodb.close();
    checkpoints.flush();
    store.close();
  },
});
