import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { parse as parseYaml } from 'yaml';
import { createServices } from '../shared/aws/all-services.ts';
import { listOpenRequests } from '../shared/aws/approvals.ts';
import { countFleets } from '../shared/aws/count-fleets.ts';
import { listEndpoints } from '../shared/aws/endpoint-list.ts';
import { refreshPrices } from '../shared/aws/refresh-prices.ts';
import { MalformedSecretError, problemsWithSecrets, readSecrets } from '../shared/aws/secrets.ts';
import type { Services } from '../shared/aws/services.ts';
import type { Config } from '../shared/config.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import type { SweepSummary } from '../shared/model/sweep-summary.ts';
import { approversIn } from './approvers-file.ts';
import { Fleet } from './aws/fleet.ts';
import { callInProcess, OWN_SERVICES } from './aws/in-process.ts';
import { connectRpc, type Rpc, RpcError } from './aws/rpc.ts';
import { openStore } from './aws/store.ts';
import type { QueuedEvent, WorkerOptions } from './aws/worker.ts';
import { encryptionFrom, problemsWithEncryption } from './encryption-settings.ts';
import { createEngine, type Engine } from './engine.ts';
import { problemsWithEnvironmentFiles } from './environment-files.ts';
import { createDelivery } from './event-delivery.ts';
import { createConsole } from './http.ts';
import { returnMemoryWhenIdle } from './idle-memory.ts';
import { createMetrics } from './metrics.ts';
import { problemsWithOutgoingTls } from './outgoing-tls.ts';
import { runningIn } from './running-in.ts';
import { cipherWith, claimEncryption } from './sealed-directory.ts';
import { openSecurityLog, type SecurityLog, SecurityLogError } from './security-log.ts';
import { servingFrom } from './serving.ts';
import { ensureTables } from './tables.ts';
import { wholeSweep } from './whole-sweep.ts';

/** The account and region of the loopback AWS; the region whose prices are shipped. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';
/** The gate's own access key id at the loopback AWS, which takes it for a name. */
export const GATE_KEY_ID = 'portcullis';
const SWEEP_EVERY_MS = 15 * 60_000;
const PRICES_EVERY_MS = 24 * 3_600_000;

/** A real account that is watched: read with the ordinary AWS credentials, and never written to. */
export type Watch = { account: string; region: string };

export type LocalOptions = {
  dataDir: string;
  awsPort: number;
  consolePort: number;
  /** IP address that the console listens on; the loopback AWS, which believes everybody, stays on this machine. */
  consoleAddress: string;
  /** YAML file of endpoints to start with; undefined for an empty account. */
  fleet?: string | undefined;
  transitionMs: number;
  duplicateEvents: number;
  delayEventsMs: number;
  /** Where checkpoints of the ledger are kept; undefined for a directory beside the store. */
  checkpoints?: string | undefined;
  /** Instead of the fleet of the loopback AWS; then that has only what is the gate's own. */
  watch?: Watch | undefined;
};

/** The runtime cannot start; the message says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export type LocalRuntime = {
  /** Whose endpoints these are. */
  place: Watch;
  services: Services;
  /** Looks now for what no event told of. */
  sweep: () => Promise<SweepSummary>;
  engine: Engine;
  aws: Rpc;
  awsUrl: string;
  consoleUrl: string;
  resumed: number;
  /** Events accepted and not handled yet. */
  eventsUnderWay: () => number;
  stop: () => Promise<void>;
};

/** A directory that only its owner can read, held by one runtime at a time. Returns whether the last stop was clean. */
function claimDirectory(dataDir: string): { clean: boolean; release: () => void } {
  const pidFile = join(dataDir, 'runtime.pid');
  try {
    if (existsSync(dataDir) && !statSync(dataDir).isDirectory()) {
      throw new StartError(`${dataDir} is a file. Choose a directory with --data.`);
    }
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    chmodSync(dataDir, 0o700);
    const fresh = !existsSync(join(dataDir, 'aws.sqlite'));
    const pid = runningIn(dataDir);
    if (pid !== undefined && pid !== process.pid)
      throw new StartError(`${dataDir} is in use by process ${pid}. Stop it, or choose another directory with --data.`);
    const clean = fresh || !existsSync(pidFile);
    writeFileSync(pidFile, String(process.pid), { mode: 0o600 });
    return { clean, release: () => rmSync(pidFile, { force: true }) };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The data directory ${dataDir} cannot be used: ${(error as Error).message}`);
  }
}

/** How the store is encrypted, settled before anything in it is opened. */
function encryptionOf(dataDir: string): ReturnType<typeof claimEncryption> {
  try {
    return claimEncryption(dataDir, encryptionFrom(process.env));
  } catch (error) {
    throw new StartError((error as Error).message);
  }
}

/** Where security events are written. */
const logDirectory = (dataDir: string) => resolve(process.env.PORTCULLIS_LOG_DIRECTORY ?? join(dataDir, 'logs'));

function loadFleet(path: string): Fleet {
  try {
    return Fleet.parse(parseYaml(readFileSync(path, 'utf8')));
  } catch (error) {
    const { issues, message } = error as Error & { issues?: { path: PropertyKey[]; message: string }[] };
    const what =
      issues?.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('\n  ') ?? message;
    throw new StartError(`The fleet file ${path} cannot be used:\n  ${what}`);
  }
}

function listenOn(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolvePort, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      const bound = server.address();
      resolvePort(typeof bound === 'object' && bound ? bound.port : port);
    });
  });
}

const portProblem = (what: string, option: string, port: number, error: unknown): Error => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EADDRINUSE'
    ? new StartError(`Port ${port} for the ${what} is taken. Stop what uses it, or choose another with ${option}.`)
    : new StartError(`The ${what} cannot listen on port ${port}: ${message}`);
};

/** Everything on one machine: the loopback AWS in a thread of its own, and the gate as it runs on AWS. */
export async function startLocal(options: LocalOptions): Promise<LocalRuntime> {
  const fleet = options.fleet === undefined ? undefined : loadFleet(options.fleet);
  const { account, region } = options.watch ?? { account: LOCAL_ACCOUNT, region: LOCAL_REGION };
  const transport: string[] = [];
  const serving = servingFrom(process.env, options.consoleAddress, new Date().toISOString(), transport);
  const before = [
    ...problemsWithEnvironmentFiles(process.env, process.execArgv),
    ...problemsWithSecrets(process.env),
    ...problemsWithEncryption(process.env),
    ...problemsWithOutgoingTls(process.env),
    ...transport,
  ];
  const base: Config = loadConfig({ ...process.env, AWS_REGION: region }, before);
  if (!serving) throw new StartError(transport.join('\n'));
  const dataDir = resolve(options.dataDir);
  const { clean, release } = claimDirectory(dataDir);
  let encryption: ReturnType<typeof claimEncryption>;
  try {
    encryption = encryptionOf(dataDir);
  } catch (error) {
    if (clean) release();
    throw error;
  }

  const workerData: WorkerOptions = {
    dataDir,
    port: options.awsPort,
    account,
    region,
    transitionMs: options.transitionMs,
    stoppedCleanly: clean,
    encryption,
    checkpoints: resolve(options.checkpoints ?? join(dataDir, 'checkpoints')),
    ledgerTable: base.tables.ledger,
  };
  let engine: Engine | undefined;
  let stopped = false;
  let delivery: ReturnType<typeof createDelivery> | undefined;
  const early: QueuedEvent[] = [];
  const stepFunctions: Engine['stepFunctions'] = (operation, input) => {
    if (!engine) throw new RpcError('ServiceUnavailable', 'The runtime is still starting.');
    return engine.stepFunctions(operation, input);
  };
  const worker = new Worker(new URL('./aws/worker.ts', import.meta.url), {
    workerData,
    // Not what it needs but where V8 starts to collect in earnest; without it, it spreads over the machine.
    resourceLimits: { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 512 },
  });
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', (error) =>
      reject(
        new StartError(
          `The data directory ${dataDir} cannot be opened: ${error.message}. Restore it, or start with an empty one (--data).`,
        ),
      ),
    );
  });
  failed.catch(() => undefined);
  const gone = new Promise<void>((resolveGone) => worker.once('exit', () => resolveGone()));
  const aws = connectRpc(worker, {
    events: (events: QueuedEvent[]) => {
      if (delivery) for (const event of events) delivery.deliver(event);
      else early.push(...events);
    },
    'step-functions': ({ operation, input }: { operation: string; input: Record<string, unknown> }) =>
      stepFunctions(operation, input),
  });
  const abandon = async (error: Error): Promise<never> => {
    await worker.terminate();
    // After an unclean stop the mark stays, or the next start would not sign what is left.
    if (clean) release();
    throw error;
  };

  let awsPort = 0;
  try {
    awsPort = await Promise.race([aws.call<number>('listen'), failed]);
  } catch (error) {
    await abandon(
      error instanceof StartError ? error : portProblem('loopback AWS', '--aws-port', options.awsPort, error),
    );
  }
  const awsUrl = `http://127.0.0.1:${awsPort}`;
  if (!options.watch) {
    // The one seam: from here on the SDK talks to the loopback AWS, as it would to any other endpoint.
    process.env.AWS_ENDPOINT_URL = awsUrl;
    process.env.AWS_ACCESS_KEY_ID = GATE_KEY_ID;
    process.env.AWS_SECRET_ACCESS_KEY = GATE_KEY_ID;
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_ENDPOINT_URL_')) delete process.env[name];
    delete process.env.AWS_SESSION_TOKEN;
    delete process.env.AWS_PROFILE;
  }

  const config: Config = {
    ...base,
    stateMachineArn: `arn:aws:states:${region}:${account}:stateMachine:endpoint-compliance`,
    // What is watched is never written to, so the way back is only proposed.
    ...(options.watch && { ownServices: { endpoint: awsUrl, accessKeyId: GATE_KEY_ID }, putsBack: false }),
  };
  let log: SecurityLog;
  try {
    log = openSecurityLog(logDirectory(dataDir), () => new Date().toISOString());
  } catch (error) {
    return abandon(error instanceof SecurityLogError ? new StartError(error.message) : (error as Error));
  }
  const { note } = log;
  note({
    event: 'configuration',
    actor: 'portcullis',
    subject: 'start',
    detail: `off: ${config.off.join(' ') || 'nothing'}`,
  });
  if (encryption.keys) note({ event: 'key-use', actor: 'portcullis', subject: encryption.keys[0].id, detail: 'store' });
  const approvers = approversIn(resolve(process.env.PORTCULLIS_CONFIG ?? 'portcullis.yaml'), config, () =>
    note({ event: 'configuration', actor: 'portcullis', subject: 'approvers' }),
  );
  const metrics = createMetrics();
  const services = createServices(config, { readApprovals: approvers, measure: metrics.measure, note });
  callInProcess(services, { aws, stepFunctions }, GATE_KEY_ID, options.watch && OWN_SERVICES);
  try {
    // Found out now, and not when the first request waits for an answer.
    await readSecrets(services);
  } catch (error) {
    await abandon(error instanceof MalformedSecretError ? new StartError(error.message) : (error as Error));
  }
  const store = openStore(join(dataDir, 'executions.sqlite'), [], encryption.keys && cipherWith(encryption.keys));
  await ensureTables(services.dynamodb, config.tables);
  // Nobody can say what a fleet costs before it has been counted. What was there before is known by now.
  const listed = (await listEndpoints(services)).map((each) => ({ ...each, environment: undefined }));
  await countFleets(services, { account, region }, listed);
  // The loopback AWS has the prices that are shipped; a real account has AWS's own, also in regions that these do not know.
  const refreshNow = async () => {
    for (const result of await refreshPrices(services)) {
      if ('error' in result) console.error(`Prices of ${result.region} were not read: ${result.error.message}`);
    }
  };
  if (options.watch) await refreshNow();
  const refreshing = options.watch && setInterval(() => void refreshNow(), PRICES_EVERY_MS).unref();

  const consoleServer = createConsole(services, () => aws.call('outbox'), metrics, serving.tls);
  const sweepEveryMs = options.watch ? config.file.reading.watchMinutes * 60_000 : SWEEP_EVERY_MS;
  metrics.watch({
    services,
    eventsUnderWay: () => delivery?.underWay() ?? 0,
    executionsUnderWay: () => engine?.running() ?? 0,
    sweepEverySeconds: sweepEveryMs / 1_000,
  });
  let consolePort = 0;
  try {
    consolePort = await listenOn(consoleServer, options.consolePort, serving.address);
  } catch (error) {
    await abandon(portProblem('console', '--console-port', options.consolePort, error));
  }
  config.consoleUrl = serving.url(consolePort);

  engine = createEngine({
    store,
    services,
    stateMachineArn: config.stateMachineArn,
    // The state machine looks 40 times, which must be longer than a transition takes.
    settleMs: Math.max(100, Math.min(1_000, options.transitionMs), options.transitionMs / 20),
    onEnd: (execution) => {
      // What AWS puts on the bus when an execution ends; ours that fail have left nothing else behind.
      if (execution.status !== 'SUCCEEDED') {
        void aws.call('emit', {
          source: 'aws.states',
          'detail-type': 'Step Functions Execution Status Change',
          time: services.now(),
          // With a key of one's own, Step Functions leaves out what the execution was given and what became of it.
          detail: {
            executionArn: `${config.stateMachineArn.replace(':stateMachine:', ':execution:')}:${execution.name}`,
            stateMachineArn: config.stateMachineArn,
            name: execution.name,
            status: execution.status,
          },
        });
      }
    },
  });
  delivery = createDelivery({
    services,
    handled: (keys) => aws.tell('handled', keys),
    copies: 1 + options.duplicateEvents,
    maxDelayMs: options.delayEventsMs,
  });
  const resumed = engine.resume();
  const known = new Set(early.map(({ key }) => key));
  for (const event of [...(await aws.call<QueuedEvent[]>('pending')).filter(({ key }) => !known.has(key)), ...early]) {
    delivery.deliver(event);
  }
  await aws.call('resume');
  returnMemoryWhenIdle();
  const sweepNow = () => void wholeSweep(services).catch((error: Error) => console.error(`Sweep: ${error.message}`));
  const sweeping = setInterval(sweepNow, sweepEveryMs).unref();
  // A clean stop loses nothing. After another, somebody may have decided before the waiting execution was woken.
  if (!clean) sweepNow();

  const running = { engine, delivery };
  let deploying = 0;
  const deploy = async (endpoints: Fleet['endpoints']) => {
    if (endpoints.length > 0) await aws.call('seed', { endpoints });
  };
  /** Nothing moves any more: every event is handled, and what still runs waits for people. */
  const isQuiet = async () => {
    const waiting = (await listOpenRequests(services)).filter(({ notified }) => notified).length;
    return running.delivery.underWay() === 0 && running.engine.running() <= waiting;
  };
  /** What was told to come last, once nothing of the others is under way. */
  const deployLast = async (endpoints: Fleet['endpoints']) => {
    while (!stopped && !(await isQuiet())) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!stopped) await deploy(endpoints);
  };
  if (fleet) {
    await deploy(fleet.endpoints.filter(({ deployedLast }) => !deployedLast));
    deploying += 1;
    deployLast(fleet.endpoints.filter(({ deployedLast }) => deployedLast))
      .catch((error: Error) => {
        if (!stopped) console.error(`Fleet: ${error.message}`);
      })
      .finally(() => {
        deploying -= 1;
      });
  }
  return {
    place: { account, region },
    services,
    sweep: () => wholeSweep(services),
    engine,
    aws,
    awsUrl,
    consoleUrl: config.consoleUrl,
    resumed,
    eventsUnderWay: () => running.delivery.underWay() + deploying,
    stop: async () => {
      stopped = true;
      clearInterval(sweeping);
      if (refreshing) clearInterval(refreshing);
      running.delivery.stop();
      running.engine.stop();
      consoleServer.close();
      consoleServer.closeAllConnections();
      // Should it fall over while closing, there is nothing left to wait for: its stores survive worse.
      await Promise.race([aws.call('stop'), gone]);
      await worker.terminate();
      store.close();
      log.close();
      release();
    },
  };
}
