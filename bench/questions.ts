// `npm run bench:questions`: what each question of docs/audit.md costs on a long ledger: requests, read units, time. Exit
// code 1 where one scans. `--records n` for a shorter ledger, `--cli` asks with the AWS CLI too, where it is installed.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { awsCli } from '../scripts/audit-questions.ts';
import { keepSettings } from '../shared/aws/kept-settings.ts';
import { append, readStream } from '../shared/aws/ledger.ts';
import { askAll, decidedUnderPrices, listBreakGlass, listWaivers, noCost } from '../shared/aws/questions.ts';
import { gateActor } from '../shared/model/actor.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import { type LedgerQuery, QUERIES, spanOfMonths } from '../shared/model/ledger-question.ts';
import type { RecordBody } from '../shared/model/ledger-record.ts';
import { digestsOf } from '../shared/policies/judge.ts';
import { fillLedger } from './change-stories.ts';
import { startRuntime } from './driver.ts';
import { table } from './ratio.ts';
import { thinServices } from './waiting-requests.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    endpoints: { type: 'string', default: '1000' },
    waivers: { type: 'string', default: '300' },
    'break-glass': { type: 'string', default: '30' },
    cli: { type: 'boolean', default: false },
  },
});
const CONFIG = 'approvals:\n  approvers:\n    - { id: approver-one, name: Approver One, email: one@example.com }\n';
const DAY_MS = 86_400_000;

const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:endpoint-compliance';
const runtime = await startRuntime(CONFIG);
try {
  const thin = thinServices(runtime.awsUrl);
  const services = { ...thin, config: { ...thin.config, stateMachineArn: MACHINE } };
  let scans = 0;
  const send = services.dynamodb.send as unknown as (command: { constructor: { name: string } }) => Promise<object>;
  services.dynamodb.send = ((command: { constructor: { name: string } }) => {
    if (command.constructor.name === 'ScanCommand') scans += 1;
    return send(command);
  }) as never;
  const started = performance.now();
  const filled = await fillLedger(services, {
    records: Number(values.records),
    endpoints: Number(values.endpoints),
    weeks: 12,
    waiting: 0,
  });
  await keepSettings(services, services.config.policySettings);
  const nowMs = Date.parse(services.now());
  const day = (days: number) => new Date(nowMs + days * DAY_MS).toISOString();
  const write = async (index: number, at: string, body: RecordBody) => {
    const ref = filled.endpoints[index % filled.endpoints.length];
    if (!ref) throw new Error('There are no endpoints.');
    const clocked = { ...services, now: () => at };
    await append(clocked, await readStream(clocked, ref), () => ({
      id: `bench#${index}#${body.kind}`,
      body,
      actor: gateActor,
    }));
  };
  const digest = 'ab'.repeat(32);
  for (let index = 0; index < Number(values.waivers); index += 1) {
    const [from, until] = [day(-80 + (index % 80)), day(-80 + (index % 80) + 1 + (index % 60))];
    const common = { policy: 'prod-model-monitor', environment: 'prod', reason: 'it is being rebuilt' } as const;
    const waiver = { ...common, id: `waiver-${index}`, from, until, approver: 'approver-one', names: ['approver-one'] };
    await write(index, from, { kind: 'waiver-granted', generation: 1, waiver });
  }
  for (let index = 0; index < Number(values['break-glass']); index += 1) {
    const [at, request] = [day(-60 + index), `request-${index}`];
    const common = { generation: 1, digest, request, reason: 'the service was down' };
    await write(index, at, {
      kind: 'approval-given',
      ...common,
      approver: 'approver-one',
      answer: 'approved',
      decides: true,
      breakGlass: true,
    });
    if (index % 2 === 0)
      await write(index, day(-59 + index), {
        kind: 'break-glass-reviewed',
        ...common,
        reviewer: 'approver-two',
        finding: 'justified',
      });
  }
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `${filled.records} records of ${filled.changes} changes of ${filled.endpoints.length} endpoints, ${values.waivers} waivers; written in ${seconds.toFixed(0)} s`,
  );

  const month = spanOfMonths(day(-20).slice(0, 7));
  const { policyDigest, priceDigest } = digestsOf(services.config.policySettings);
  const first = filled.endpoints[0];
  if (!first) throw new Error('There are no endpoints.');
  const all = (queries: readonly LedgerQuery[]) => (cost: ReturnType<typeof noCost>) => askAll(services, queries, cost);
  const wholeYear = { ...spanOfMonths(day(0).slice(0, 7), 12) };
  const questions: Record<
    string,
    {
      ask: (cost: ReturnType<typeof noCost>) => AsyncIterable<unknown> | Promise<readonly unknown[]>;
      queries: readonly LedgerQuery[];
    }
  > = {
    'everything about one endpoint': {
      ask: all(QUERIES.stream(streamOf(first))),
      queries: QUERIES.stream(streamOf(first)),
    },
    'prod changes of a month': {
      ask: all(QUERIES.environment('prod', month)),
      queries: QUERIES.environment('prod', month),
    },
    'blocked in a month': { ask: all(QUERIES.result('blocked', month)), queries: QUERIES.result('blocked', month) },
    'approved by a person in a month': {
      ask: all(QUERIES.approvedBy('approver-one', month)),
      queries: QUERIES.approvedBy('approver-one', month),
    },
    'without a plan in a month': { ask: all(QUERIES.unplanned(month)), queries: QUERIES.unplanned(month) },
    'out of band in a month': { ask: all(QUERIES.outOfBand(month)), queries: QUERIES.outOfBand(month) },
    'broken glass of a year, with reviews': {
      ask: (cost) => listBreakGlass(services, wholeYear, cost),
      queries: QUERIES.breakGlass(wholeYear),
    },
    'waivers in force on a day': {
      ask: (cost) => listWaivers(services, { from: day(-30), to: day(-29) }, cost),
      queries: QUERIES.waiversOn({ from: day(-30), to: day(-29) }),
    },
    'limits of a decision (the entry)': {
      ask: all(QUERIES.settings('limits', policyDigest)),
      queries: QUERIES.settings('limits', policyDigest),
    },
    'all decisions under these limits': {
      ask: all(QUERIES.underLimits(policyDigest)),
      queries: QUERIES.underLimits(policyDigest),
    },
    'all decisions under these prices': {
      ask: (cost) => decidedUnderPrices(services, priceDigest, cost),
      queries: QUERIES.underPrices(priceDigest, [policyDigest]),
    },
  };
  const rows: string[][] = [];
  for (const [asks, { ask, queries }] of Object.entries(questions)) {
    const cost = noCost();
    const began = performance.now();
    let answers = 0;
    for await (const _answer of await ask(cost)) answers += 1;
    const ms = performance.now() - began;
    rows.push([
      asks,
      queries[0]?.index ?? 'the table',
      String(answers),
      String(cost.requests),
      cost.readUnits.toFixed(1),
      `${ms.toFixed(0)} ms`,
    ]);
  }
  console.log(table([['question', 'uses', 'records', 'requests', 'read units', 'time'], ...rows]).join('\n'));
  console.log(`${scans} scans`);

  if (values.cli) {
    const env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: 'cli',
      AWS_SECRET_ACCESS_KEY: 'cli',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: runtime.awsUrl,
    };
    for (const [asks, { queries }] of Object.entries(questions)) {
      const [query] = queries;
      if (!query) continue;
      const command = awsCli(query, services.config.tables.ledger);
      const { status, stdout, stderr } = spawnSync('bash', ['-c', `${command} --output json`], {
        env,
        encoding: 'utf8',
        maxBuffer: 1 << 30,
      });
      const count = status === 0 ? (JSON.parse(stdout) as { Count: number }).Count : stderr.trim();
      console.log(`aws dynamodb query, ${asks}: ${count}`);
    }
  }
  process.exitCode = scans === 0 ? 0 : 1;
} finally {
  await runtime.stop();
}
