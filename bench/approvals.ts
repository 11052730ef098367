import { parseArgs } from 'node:util';
import { formToken } from '../shared/model/form-token.ts';
import {
  call,
  changeWeight,
  createEndpoint,
  percentile,
  putGroupAlarms,
  type Running,
  sleep,
  startRuntime,
} from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';
import { askedOf, openCount, withWaiting } from './waiting-requests.ts';

// `npm run bench:approvals`: many people wait for an answer. Listing them, deciding while changes come in, and being
// there again after kill -9. Requests that are only waited for are written into the stores as the gate writes them;
// those that are decided came in as changes of endpoints.

const GOALS = { listRatio: 1.5, decisionMs: 100, readyMs: 10_000 };
/** Decided under the same load before the count begins: a runtime that has just started still compiles. */
const WARM_UP = 60;

/** One page of the list: how long it took, and where it goes on. */
async function listPage(consoleUrl: string, path: string): Promise<{ ms: number; next: string | undefined }> {
  const started = performance.now();
  const response = await fetch(`${consoleUrl}${path}`);
  const html = await response.text();
  const ms = performance.now() - started;
  if (response.status !== 200 || !html.includes('/approvals/')) throw new Error(`${path} answered ${response.status}.`);
  return { ms, next: /href="(\/approvals\?after=[^"]+)">More/.exec(html)?.[1] };
}

/** Reads through two lists by turns, page by page, and begins again at the end. */
async function listByTurns(few: Running, many: Running, pages: number) {
  const sides = [few, many].map((runtime) => ({ runtime, path: '/approvals', times: [] as number[] }));
  for (let page = -20; page < pages; page += 1) {
    for (const side of sides) {
      const { ms, next } = await listPage(side.runtime.consoleUrl, side.path);
      side.path = next ?? '/approvals';
      if (page >= 0) side.times.push(ms);
    }
  }
  return sides.map(({ times }) => times) as [number[], number[]];
}

/** A session of somebody with this mailbox. */
async function logIn(consoleUrl: string, email: string): Promise<string> {
  const post = (path: string, fields: Record<string, string>, cookie = '') =>
    fetch(`${consoleUrl}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      body: new URLSearchParams(fields),
    });
  const cookieOf = (response: Response) => response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const binding = cookieOf(await post('/login/code', { email, next: '/' }));
  const mails = (await (await fetch(`${consoleUrl}/outbox?format=json`)).json()) as { to: string[]; text: string }[];
  const codes = mails.flatMap(({ to, text }) =>
    to[0] === email ? (/Portcullis: (\S+)$/m.exec(text) ?? []).slice(1) : [],
  );
  const session = cookieOf(await post('/login/verify', { code: codes.at(-1) ?? '', next: '/' }, binding));
  if (!session.startsWith('portcullis=')) throw new Error('Nobody could log in.');
  return session.slice('portcullis='.length);
}

/** Decides so many requests a second while changes come in; milliseconds from the click to the answer. */
async function decideUnderLoad(runtime: Running, count: number, decisionsPerSecond: number, changesPerSecond: number) {
  const secret = await logIn(runtime.consoleUrl, 'one@example.com');
  const asked = await Promise.all(
    Array.from({ length: count }, (_, index) => askedOf(runtime.awsUrl, `asks-${index}`)),
  );
  const busy = Array.from({ length: 20 }, (_, index) => `busy-${index}`);
  await call(runtime.awsUrl, 'SageMaker.CreateEndpointConfig', {
    EndpointConfigName: 'small',
    ProductionVariants: [
      {
        VariantName: 'A',
        ModelName: 'model',
        InstanceType: 'ml.m5.large',
        InitialInstanceCount: 1,
        InitialVariantWeight: 1,
      },
    ],
  });
  await putGroupAlarms(runtime.awsUrl, 'busy', busy);
  for (const name of busy) await createEndpoint(runtime.awsUrl, name, 'busy', 'dev');
  await sleep(8_000);
  let changes = 0;
  let going = true;
  const started = performance.now();
  const load = (async () => {
    for (; going; changes += 1) {
      const ahead = started + (changes * 1_000) / changesPerSecond - performance.now();
      if (ahead > 0) await sleep(ahead);
      await changeWeight(runtime.awsUrl, busy[changes % busy.length] ?? '', 2 + (changes % 97)).catch(() => undefined);
    }
  })();
  const times: number[] = [];
  for (const [index, request] of asked.entries()) {
    const ahead = started + 1_000 + (index * 1_000) / decisionsPerSecond - performance.now();
    if (ahead > 0) await sleep(ahead);
    if (!request) throw new Error(`asks-${index} asks nobody.`);
    const { request: id, digest } = request;
    const fields = {
      digest,
      token: formToken(secret, 'answer', id, digest),
      reason: 'ok',
      answer: 'approved',
      name: '',
    };
    const clicked = performance.now();
    const response = await fetch(`${runtime.consoleUrl}/approvals/${id}/answer`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: `portcullis=${secret}` },
      body: new URLSearchParams(fields),
    });
    await response.text();
    if (index >= WARM_UP) times.push(performance.now() - clicked);
    if (response.status !== 303) throw new Error(`A decision was answered with ${response.status}.`);
  }
  going = false;
  await load;
  return { times, changesPerSecond: changes / ((performance.now() - started) / 1_000) };
}

const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: { waiting: { type: 'string', default: '10000' }, decisions: { type: 'string', default: '200' } },
  });
  const [many, few, decisions] = [Number(values.waiting), 100, Number(values.decisions)];
  const small = await withWaiting(few, 0);
  const large = await withWaiting(many, decisions + WARM_UP).catch(async (error: Error) => {
    await small.stop();
    throw error;
  });
  let running: Running = large;
  try {
    console.log(
      `${many} requests wait (written in ${(large.fillMs / 1_000).toFixed(0)} s), and ${few} in another runtime.`,
    );
    const [fewTimes, manyTimes] = await listByTurns(small, large, 400);
    const [p99Few, p99Many] = [percentile(fewTimes, 0.99), percentile(manyTimes, 0.99)];
    const ratio = p99Many / p99Few;
    const halves = `median ${ms(percentile(fewTimes, 0.5))} and ${ms(percentile(manyTimes, 0.5))}`;
    console.log(
      `list, p99: ${ms(p99Few)} with ${few}, ${ms(p99Many)} with ${many}: ${ratio.toFixed(2)}x (goal ${GOALS.listRatio}x; ${halves})`,
    );
    const { times, changesPerSecond } = await decideUnderLoad(large, decisions + WARM_UP, 5, 20);
    const p99 = percentile(times, 0.99);
    console.log(
      `decide, p99: ${ms(p99)} (goal ${ms(GOALS.decisionMs)}; median ${ms(percentile(times, 0.5))}, most ${ms(Math.max(...times))}) while ${changesPerSecond.toFixed(1)} changes a second came in; ${WARM_UP} before that not counted`,
    );
    await large.end('SIGKILL');
    running = await startRuntime(BENCH_CONFIG, [], large.dataDir);
    const { ms: listMs } = await listPage(running.consoleUrl, '/approvals');
    const open = await openCount(running.awsUrl);
    console.log(
      `ready ${ms(running.readyMs)} after kill -9 (goal ${ms(GOALS.readyMs)}), the list ${ms(listMs)} after that; ${open} still wait`,
    );
    const kept = open >= many - decisions - WARM_UP;
    return ratio <= GOALS.listRatio && p99 <= GOALS.decisionMs && running.readyMs <= GOALS.readyMs && kept;
  } finally {
    await Promise.all([small.stop(), running.stop()]);
  }
}

const met = await main();
console.log(met ? 'met' : 'MISSED');
process.exit(met ? 0 : 1);
