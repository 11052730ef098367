import { flushCompileCache } from 'node:module';
import { type LocalRuntime, StartError, startLocal } from '../local/main.ts';
import { listEndpointNames } from '../shared/aws/account.ts';
import { listOpenRequests } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { SweepIncompleteError } from '../shared/aws/sweep-tally.ts';
import { standingChange } from '../shared/model/endpoint-history.ts';
import type { RecordOf } from '../shared/model/ledger-record.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';
import { sayWhatItDoes, watchedAccount } from './up-watch.ts';

/** Where everything is kept, unless another place is given; an account that is watched has its own. */
export const DATA = '.portcullis';
/** A large account takes a while to be read for the first time. */
const WATCH_MS = 1_800_000;

export type UpOptions = {
  data: string;
  awsPort: string;
  consolePort: string;
  consoleAddress: string;
  fleet: string;
  once?: boolean;
  json?: boolean;
  transitionMs: string;
  duplicateEvents: string;
  delayEvents: string;
  checkpoints?: string;
  watch?: boolean;
  region?: string;
};

function wholeNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new CliError(`${option} is ${text}; it must be a whole number from 0 to ${max}.`, EXIT.usage);
}

/** Where each endpoint's newest change stands: its result, or what it waits for. */
async function standings(runtime: LocalRuntime) {
  const { services } = runtime;
  const rows: {
    endpoint: string;
    environment: string;
    state: string;
    because: string[];
    reason: string;
    link?: string;
  }[] = [];
  const open = new Map((await listOpenRequests(services)).map((request) => [request.endpoint.name, request.id]));
  for (const name of await listEndpointNames(services)) {
    const ref = { ...runtime.place, name };
    const { history } = await readStream(services, ref);
    const change = standingChange(history);
    const found = change?.findings?.findings ?? [];
    const waits = change?.request !== undefined && !change.outcome && !change.decided;
    const result: RecordOf<'outcome'>['result'] | undefined = change?.outcome?.result;
    // How many changes the events of one deployment make is up to timing, and what was accepted stands as accepted.
    const stands =
      result === 'unchanged' ? (change?.opened?.baseline?.approvedFor.length ? 'approved' : 'compliant') : result;
    rows.push({
      endpoint: name,
      environment: change?.opened?.environment.name ?? 'unknown',
      state: stands ?? (waits ? 'waiting' : 'open'),
      because: waits
        ? (change.request?.reasons ?? [])
        : [
            ...new Set([
              ...(change?.outcome?.violations ?? []),
              ...found.filter(({ outcome }) => outcome === 'violation').map(({ policy }) => policy),
            ]),
          ],
      reason: change?.outcome?.reason ?? (waits ? 'a person must approve it' : 'under way'),
      ...(waits
        ? { link: `${services.config.consoleUrl}/approvals/${open.get(name) ?? change.request?.request ?? ''}` }
        : {}),
    });
  }
  return rows.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1));
}

/** Nothing moves any more: every event is handled, and what still runs waits for people. */
async function quiet(runtime: LocalRuntime, deadline: number): Promise<void> {
  for (;;) {
    const waiting = (await listOpenRequests(runtime.services)).filter(({ notified }) => notified).length;
    if (runtime.eventsUnderWay() === 0 && runtime.engine.running() <= waiting) return;
    if (Date.now() > deadline) throw new CliError('The example fleet did not come to rest within two minutes.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function show(rows: Awaited<ReturnType<typeof standings>>, output: Output): void {
  output.out(
    table(
      ['ENDPOINT', 'ENV', 'STATE', 'POLICIES', 'REASON'],
      rows.map(({ endpoint, environment, state, because, reason }) => [
        endpoint,
        environment,
        state,
        because.join(', ') || '-',
        reason,
      ]),
    ),
  );
}

/** All of an account is looked at for the first time in portions, each a sweep. What cannot be read is said and goes on. */
async function lookAround(runtime: LocalRuntime, output: Output): Promise<void> {
  for (let postponed = 1; postponed > 0; ) {
    try {
      ({ postponed } = await runtime.sweep());
    } catch (error) {
      if (!(error instanceof SweepIncompleteError)) throw error;
      output.err(error.message);
      ({ postponed } = error.summary);
    }
  }
}

/** `portcullis up`: the whole gate on this machine, until Ctrl-C; with --once, the fleet to its end and a table. */
export async function up(options: UpOptions, output: Output): Promise<number> {
  const started = performance.now();
  const transitionMs = wholeNumber('--transition-ms', options.transitionMs, 3_600_000);
  const watch = options.watch ? await watchedAccount(options.region) : undefined;
  const data = watch && options.data === DATA ? `${DATA}-${watch.account}-${watch.region}` : options.data;
  if (watch) sayWhatItDoes(watch, data, { ...output, out: options.json ? output.err : output.out });
  let runtime: LocalRuntime;
  try {
    runtime = await startLocal({
      dataDir: data,
      watch,
      awsPort: wholeNumber('--aws-port', options.awsPort, 65_535),
      consolePort: wholeNumber('--console-port', options.consolePort, 65_535),
      consoleAddress: options.consoleAddress,
      fleet: watch || options.fleet === 'none' ? undefined : options.fleet,
      transitionMs,
      duplicateEvents: wholeNumber('--duplicate-events', options.duplicateEvents, 100),
      delayEventsMs: wholeNumber('--delay-events', options.delayEvents, 600_000),
      checkpoints: options.checkpoints ?? process.env.PORTCULLIS_CHECKPOINTS,
    });
  } catch (error) {
    if (error instanceof StartError) throw new CliError(error.message);
    throw error;
  }
  const { off } = runtime.services.config;
  if (off.length > 0) output.err(`Switched off, as every record says: ${off.join(', ')}.`);
  if (options.once) {
    try {
      if (watch) await lookAround(runtime, output);
      await quiet(runtime, Date.now() + (watch ? WATCH_MS : 120_000));
      const rows = await standings(runtime);
      if (options.json) output.out(json(rows));
      else show(rows, output);
    } finally {
      await runtime.stop();
    }
    return EXIT.fine;
  }

  const stopped = new Promise<void>((resolve) => {
    const stop = () => resolve();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
  const awsPort = new URL(runtime.awsUrl).port;
  const port = awsPort === '4566' ? '' : ` --aws-port ${awsPort}`;
  const local = `--local${port}${watch ? ` --region ${watch.region}` : ''}`;
  const ready = {
    ready: true,
    awsUrl: runtime.awsUrl,
    consoleUrl: runtime.consoleUrl,
    resumed: runtime.resumed,
    ms: Math.round(performance.now() - started),
  };
  // Node writes compiled code down when a process ends, and this one may be killed: then the next start would take twice
  // as long again.
  flushCompileCache();
  if (options.json) output.out(JSON.stringify(ready));
  else {
    output.out(
      [
        `Portcullis is ready after ${(ready.ms / 1000).toFixed(1)} s${ready.resumed > 0 ? `; ${ready.resumed} unfinished changes were taken up again` : ''}.`,
        `  console      ${ready.consoleUrl}`,
        `  mailboxes    ${ready.consoleUrl}/outbox`,
        ...(watch
          ? []
          : [`  loopback AWS ${ready.awsUrl}   (aws --endpoint-url ${ready.awsUrl} sagemaker list-endpoints)`]),
        '',
        'Try next, in another terminal:',
        `  npx portcullis changes ${local}            what changed and how it ended`,
        `  npx portcullis approvals list ${local}     what waits for a person`,
        `  npx portcullis audit verify ${local}       is the trail whole`,
        '',
      ].join('\n'),
    );
    // The fleet settles in the background; its table follows when it has.
    const settled = async () => {
      if (watch) await lookAround(runtime, output);
      await quiet(runtime, Date.now() + (watch ? WATCH_MS : 120_000));
    };
    settled()
      .then(async () => {
        const rows = await standings(runtime);
        if (rows.length > 0) show(rows, output);
        const waiting = rows.filter(({ link }) => link !== undefined);
        if (waiting.length > 0) {
          output.out(
            `\nWaiting for approval (the codes are in the mailboxes):\n${waiting.map(({ endpoint, link }) => `  ${endpoint}  ${link}`).join('\n')}`,
          );
        }
        output.out('\nCtrl-C stops it. What waits goes on waiting at the next start.');
      })
      .catch((error: Error) => output.err(error.message));
  }
  await stopped;
  output.err('Stopping.');
  await runtime.stop();
  return EXIT.fine;
}
