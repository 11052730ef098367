import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { putObject } from '../bench/typical-parts.ts';
import { connectRpc } from '../local/aws/rpc.ts';
import { openStore } from '../local/aws/store.ts';
import type { QueuedEvent, WorkerOptions } from '../local/aws/worker.ts';
import { createEngine } from '../local/engine.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../local/main.ts';
import { ensureTables } from '../local/tables.ts';
import { createServices } from '../shared/aws/all-services.ts';
import type { Services } from '../shared/aws/services.ts';
import { configFrom, type PackagedSettings } from '../shared/config.ts';
import type { Invocation } from './invocation.ts';
import { invoke, newInvocation } from './meter.ts';
import { matches, patternsOf, stateMachineOf, type Template, tasksOf } from './template.ts';
import { PATIENCE_MS } from './until.ts';

/** As the outbox keeps it; `at` is ISO 8601. */
export type Mail = { at: string; to: string[]; text: string };

/** Waits until something has been so for a while. */
async function quiet(is: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let times = 0; times < 5; times = is() ? times + 1 : 0) {
    if (Date.now() > deadline) throw new Error(`${what} after ${PATIENCE_MS / 1000} s.`);
    await sleep(50);
  }
}

type Run = (input: unknown, services: Services) => Promise<unknown>;

const ARCHIVE = 'portcullis-archive';
/** Longer than it takes to be noticed, gathered and checked, so that every deployment is still under way by then. */
const TRANSITION_MS = 1_500;
const LOOK_EVERY_MS = 300;
/** CloudTrail's events come after those of SageMaker itself, which name nobody. */
const TRAIL_IS_LATE_MS = 600;
/** The engine takes executions that wait longer out of memory and starts them anew; AWS does nothing like it. */
const APPROVAL_HOURS = 50 / 3600;

/** The functions by name of their file: the console's answers requests, the others are tasks or take events. */
async function loadFunctions(): Promise<Map<string, Run>> {
  const folder = new URL('../functions/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  return new Map(
    await Promise.all(
      files.map(async (file): Promise<[string, Run]> => {
        const module = (await import(new URL(file, folder).href)) as { run?: Run; respond?: Run };
        const run = module.run ?? module.respond;
        if (!run) throw new Error(`functions/${file} exports neither run nor respond.`);
        return [file.replace('.ts', ''), run];
      }),
    ),
  );
}

/**
 * The loopback AWS, and around it our Lambdas, every call of them in a container of its own and counted. What calls
 * them is what the template says: its rules, its state machine.
 */
export async function openRuntime(template: Template, { file, prices }: PackagedSettings) {
  const functions = await loadFunctions();
  const patterns = patternsOf(template);
  const tasks = tasksOf(stateMachineOf(template));
  const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-cost-'));
  const invocations: Invocation[] = [];
  let busy = 0;

  const workerData: WorkerOptions = {
    dataDir,
    port: 0,
    account: LOCAL_ACCOUNT,
    region: LOCAL_REGION,
    transitionMs: TRANSITION_MS,
    stoppedCleanly: true,
    checkpoints: join(dataDir, 'checkpoints'),
    ledgerTable: 'portcullis-ledger',
    // It is gone after the run; sealing would only cost time.
    encryption: { stale: false },
  };
  const worker = new Worker(new URL('../local/aws/worker.ts', import.meta.url), { workerData });
  let engine: ReturnType<typeof createEngine> | undefined;
  const aws = connectRpc(worker, {
    events: (events: QueuedEvent[]) => {
      for (const { key, event } of events) void deliver(event).then(() => aws.call('handled', [key]));
    },
    'step-functions': ({ operation, input }: { operation: string; input: Record<string, unknown> }) =>
      engine?.stepFunctions(operation, input),
  });
  const awsUrl = `http://127.0.0.1:${await aws.call<number>('listen')}`;
  process.env.AWS_ENDPOINT_URL = awsUrl;
  process.env.AWS_ACCESS_KEY_ID = 'portcullis';
  process.env.AWS_SECRET_ACCESS_KEY = 'none';
  const config = configFrom(
    {
      AWS_REGION: LOCAL_REGION,
      PORTCULLIS_STATE_MACHINE_ARN: `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:endpoint-compliance`,
      PORTCULLIS_ARCHIVE_BUCKET: ARCHIVE,
      PORTCULLIS_CHECKPOINT_KEY_ID: 'checkpoints',
    },
    { ...file, approvals: { ...file.approvals, timeoutHours: APPROVAL_HOURS } },
    prices,
    [],
  );
  const own = createServices(config);
  await ensureTables(own.dynamodb, config.tables);
  await putObject(awsUrl, `/${ARCHIVE}`);

  async function call(lambda: string, input: unknown, from: Pick<Invocation, 'state' | 'execution'> = {}, at?: number) {
    const run = functions.get(lambda);
    if (!run) throw new Error(`There is no functions/${lambda}.ts.`);
    const invocation = { ...newInvocation(lambda), ...from };
    invocations.push(invocation);
    return invoke(config, invocation, (services) => run(input, services), at);
  }

  let queue = Promise.resolve();
  /** One event after the other, and only what a rule lets through. */
  async function deliver(event: Record<string, unknown>): Promise<void> {
    if (!patterns.some((pattern) => matches(pattern, event))) return;
    busy += 1;
    if (event['detail-type'] === 'AWS API Call via CloudTrail') await sleep(TRAIL_IS_LATE_MS);
    const turn = queue.then(async () => {
      await call('receive-event', event);
    });
    queue = turn.catch((error: Error) => console.error(`An event was lost: ${error.message}`));
    await queue;
    busy -= 1;
  }

  engine = createEngine({
    store: openStore(':memory:'),
    services: own,
    stateMachineArn: config.stateMachineArn,
    settleMs: LOOK_EVERY_MS,
    tasks: Object.fromEntries(
      [...tasks].map(([state, lambda]) => [
        state,
        (input) => {
          const { change, generation } = input as { change?: { endpoint: { name: string } }; generation?: number };
          return call(lambda, input, { state, execution: `${change?.endpoint.name}-${generation}` });
        },
      ]),
    ),
  });
  const running = engine;

  return {
    awsUrl,
    config,
    services: own,
    /** Calls a Lambda as something other than the bus or the state machine does; `at` is what its clock shows. */
    call: (lambda: string, input: unknown, at?: number) => call(lambda, input, {}, at),
    mails: () => aws.call<Mail[]>('outbox'),
    /** Hands out what was counted since it was last asked. */
    take: () => invocations.splice(0),
    /** Waits until every event was handled. */
    delivered: () => quiet(() => busy === 0, 'Events are not handled'),
    /** Waits until every event was handled and every execution has ended. */
    idle: () => quiet(() => busy === 0 && running.running() === 0, 'Executions have not ended'),
    stop: async () => {
      running.stop();
      await aws.call('stop');
      await worker.terminate();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
export type Runtime = Awaited<ReturnType<typeof openRuntime>>;
