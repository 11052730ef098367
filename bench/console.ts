// `npm run bench:console`: how fast the pages are over a long ledger, and what each reads. `--records n` for a shorter
// one. Exit code 1 where a page misses the goal. `--keep` leaves the runtime up, to look around in.
import { parseArgs } from 'node:util';
import { createServices } from '../shared/aws/all-services.ts';
import { storeToken } from '../shared/aws/approvals.ts';
import type { Services } from '../shared/aws/services.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { fillLedger } from './change-stories.ts';
import { percentile, startRuntime } from './driver.ts';
import { eventOf } from './page-event.ts';
import { table } from './ratio.ts';
import { thinServices } from './waiting-requests.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    endpoints: { type: 'string', default: '1000' },
    waiting: { type: 'string', default: '300' },
    visits: { type: 'string', default: '60' },
    keep: { type: 'boolean', default: false },
  },
});
const GOAL_MS = 200;
const VISITS = Number(values.visits);

const CONFIG = `
approvals:
  timeoutHours: 24
  approvers:
    - { id: approver-one, name: Approver One, email: one@example.com }
    - { id: approver-two, name: Approver Two, email: two@example.com }
`;

/** Counts what the pages read: requests to DynamoDB, and the read units that these took. */
function counting(services: Services) {
  const counted = { requests: 0, units: 0 };
  services.dynamodb.middlewareStack.add(
    (next) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
      const result = await next(args);
      const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
      counted.requests += 1;
      counted.units += ConsumedCapacity?.CapacityUnits ?? 0;
      return result;
    },
    { step: 'initialize', name: 'countReads' },
  );
  return counted;
}

const runtime = await startRuntime(CONFIG);
try {
  const thin = thinServices(runtime.awsUrl);
  const started = performance.now();
  const filled = await fillLedger(thin, {
    records: Number(values.records),
    endpoints: Number(values.endpoints),
    weeks: 12,
    waiting: Number(values.waiting),
  });
  for (const { id, endpoint, generation, expiresAt, askedAt } of filled.waiting) {
    await storeToken({ ...thin, now: () => askedAt }, { id, endpoint, generation, expiresAt }, id);
  }
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `${filled.records} records of ${filled.changes} changes of ${filled.endpoints.length} endpoints, ${filled.waiting.length} waiting; written in ${seconds.toFixed(0)} s`,
  );

  const [first, middle] = [filled.endpoints[0], filled.endpoints[Math.floor(filled.endpoints.length / 2)]];
  if (!first || !middle) throw new Error('There are no endpoints.');
  const path = ({ account, region, name }: typeof first) => [account, region, name].join('/');
  const month = new Date().toISOString().slice(0, 7);
  const request = filled.waiting[0]?.id;
  const older = /href="(\/changes\?[^"]*after=[^"]+)"/.exec(
    await (await fetch(`${runtime.consoleUrl}/changes`)).text(),
  )?.[1];
  const history = await (await fetch(`${runtime.consoleUrl}/endpoints/${path(middle)}`)).text();
  const newest = new RegExp(`/changes/${path(middle)}/\\d+`).exec(history)?.[0] ?? '/nothing';
  const pages: [name: string, path: string][] = [
    ['overview', '/'],
    ['changes', '/changes'],
    ['changes, second page', older?.replaceAll('&amp;', '&') ?? '/changes'],
    ['changes, 200 rows', '/changes?rows=200'],
    ['of prod in a month', `/changes?environment=prod&month=${month}`],
    ['blocked', '/changes?result=blocked'],
    ['open', '/changes?result=open'],
    ['of one person', '/changes?person=ml-engineer'],
    ['without a plan', '/changes?origin=unplanned'],
    ['search by name', `/changes?endpoint=${middle.name}`],
    ['search in vain', '/changes?endpoint=no-such-name'],
    ['as CSV', '/changes.csv'],
    ['endpoint', `/endpoints/${path(middle)}`],
    ['newest change', newest],
    ['oldest change', `/changes/${path(middle)}/1`],
    ['waiting', '/approvals'],
    ...(request ? [['request', `/approvals/${request}`] as [string, string]] : []),
    ['quarantine', '/quarantine'],
  ];

  process.env.AWS_ENDPOINT_URL = runtime.awsUrl;
  process.env.AWS_ACCESS_KEY_ID = 'bench';
  process.env.AWS_SECRET_ACCESS_KEY = 'bench';
  const { respond } = await import('../local/http-api.ts');
  const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:endpoint-compliance';
  const config = { ...loadConfig({ AWS_REGION: 'us-east-1' }), consoleUrl: runtime.consoleUrl, stateMachineArn };
  const services = createServices(config);
  const counted = counting(services);
  const log = console.error;

  let missed = 0;
  const rows: string[][] = [];
  for (const [name, address] of pages) {
    const times: number[] = [];
    let [status, bytes] = [0, 0];
    for (let visit = 0; visit < VISITS; visit += 1) {
      const from = performance.now();
      const response = await fetch(`${runtime.consoleUrl}${address}`);
      const text = await response.text();
      times.push(performance.now() - from);
      [status, bytes] = [response.status, text.length];
    }
    if (status !== 200) throw new Error(`${address} answered ${status}.`);
    // The second visit in this process: the first one fills what a container keeps.
    console.error = () => undefined;
    const here = await respond(eventOf(runtime.consoleUrl, address), services);
    if (here.statusCode !== 200)
      throw new Error(`${address} answered ${here.statusCode} in this process: ${here.body}`);
    Object.assign(counted, { requests: 0, units: 0 });
    await respond(eventOf(runtime.consoleUrl, address), services);
    console.error = log;
    const p95 = percentile(times, 0.95);
    if (p95 > GOAL_MS) missed += 1;
    const ms = (value: number) => value.toFixed(0);
    rows.push([
      name,
      ms(times[0] ?? Number.NaN),
      ms(percentile(times, 0.5)),
      `${ms(p95)}${p95 > GOAL_MS ? ' MISSED' : ''}`,
      String(counted.requests),
      counted.units.toFixed(1),
      `${Math.ceil(bytes / 1024)} KiB`,
    ]);
  }
  console.log(
    table([
      ['page', 'first ms', 'p50 ms', `p95 ms (at most ${GOAL_MS})`, 'requests', 'read units', 'size'],
      ...rows,
    ]).join('\n'),
  );
  console.log(missed === 0 ? 'met' : `MISSED by ${missed} pages`);
  process.exitCode = missed === 0 ? 0 : 1;
  if (values.keep) {
    console.log(`${runtime.consoleUrl} is up; press Ctrl-C to end it.`);
    await new Promise((resolve) => process.once('SIGINT', resolve));
  }
} finally {
  await runtime.stop();
}
