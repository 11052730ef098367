import { describe, expect, test } from 'vitest';
import { run } from '../../functions/check-policies.ts';
import { digestOf } from '../../shared/model/canonical-json.ts';
import type { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { baselineAfter } from '../../shared/model/endpoint-history.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import { policies } from '../../shared/policies/index.ts';
import {
  alarm,
  change,
  facts,
  finding,
  findings,
  history,
  inDev,
  instanceVariant,
  monitor,
  opened,
  outcome,
  prices,
  requested,
  settings,
  type Written,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { wayOf } from '../way-of.ts';

function setUp(...written: Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed(...written);
  const check = (generation = 1, more = {}) =>
    wayOf(run({ change: change(), generation, approvalTimeoutSeconds: 60, ...more }, aws.services));
  const recorded = () => tables.bodies().find((body): body is RecordOf<'findings'> => body.kind === 'findings');
  return { aws, tables, check, recorded, services: aws.services };
}
const small = instanceVariant({ minInstances: 1, maxInstances: 1 });

describe('check policies', () => {
  test('puts every finding on record, with the cost and the limits and prices it was judged by', async () => {
    const { check, recorded } = setUp(opened());
    expect(await check()).toBe('ApprovalNeededError');
    const { prices: table, ...limits } = settings();
    expect(recorded()).toMatchObject({
      generation: 1,
      digest: opened().digest,
      decision: 'needs-approval',
      unchanged: false,
      cost: { ceilingUsd: 0.23, pricesAsOf: prices.asOf },
      policyDigest: digestOf(limits),
      priceDigest: digestOf(table),
    });
    expect(recorded()?.findings.map(({ policy }) => policy)).toEqual([
      ...policies.map(({ id }) => id),
      'planned-change',
    ]);
  });

  test.each<[string, EndpointFacts, string]>([
    ['one instance in prod', facts({ variants: [small] }), 'blocked'],
    ['one instance in dev', facts({ environment: inDev, variants: [small] }), 'compliant'],
  ])('%s is %s', async (_what, read, decision) => {
    const { check, tables } = setUp(opened(1, read));
    expect(await check()).toBe(decision === 'blocked' ? 'RefusedError' : decision);
    expect(tables.records().at(-1)).toMatchObject({ id: 'findings#1', actor: { kind: 'gate' }, body: { decision } });
  });

  test('run twice it has the same record and the same answer', async () => {
    const { check, tables, aws } = setUp(opened());
    const first = await check();
    const records = tables.records();
    aws.services.config.policySettings = settings({ prod: { ...settings().prod, minInstances: 9 } });
    expect(await check()).toEqual(first);
    expect(tables.records()).toEqual(records);
  });

  test('where another run was faster, its findings count', async () => {
    const { check, tables } = setUp(opened());
    tables.hooks.beforeInsert = () =>
      tables.add({
        body: findings(1, [{ policy: 'p', statement: 's', outcome: 'violation', messages: ['m'] }]),
        id: 'findings#1',
      });
    expect(await check()).toBe('RefusedError');
    expect(tables.kinds()).toEqual(['change-opened#1', 'findings#1']);
  });

  test('a change that joined another needs no decision of its own', async () => {
    const joined = {
      kind: 'change-joined',
      generation: 2,
      cause: 'x',
      eventId: 'e',
      changedAt: facts().readAt,
      digest: opened().digest,
      joined: 1,
    } as const;
    const { check, recorded } = setUp(opened(), joined);
    expect(await check(2)).toBe('JoinedError');
    expect(recorded()).toBeUndefined();
  });

  test('a change that was never opened is about an endpoint that is gone', async () => {
    expect(await setUp(opened()).check(2)).toBe('GoneError');
  });
});

describe('a deployment that was accepted before', () => {
  const accepted = baselineAfter(history(opened(), requested(), outcome()));
  const again = (read = facts(), baseline = accepted) => opened(2, read, { baseline });

  test('is unchanged where nothing new is found: nobody is asked twice', async () => {
    const { check, recorded } = setUp(opened(), outcome(), again());
    expect(await check(2)).toBe('compliant');
    expect(recorded()).toMatchObject({ decision: 'needs-approval', unchanged: true });
    expect(await check(2)).toBe('compliant');
  });
  test('is asked about again where another policy asks now', async () => {
    const asking = accepted && { ...accepted, approvedFor: ['some-other-policy'] };
    const { check, recorded } = setUp(opened(), outcome(), again(facts(), asking));
    expect(await check(2)).toBe('ApprovalNeededError');
    expect(recorded()?.unchanged).toBe(false);
  });
  test('is blocked where it violates something now, accepted or not', async () => {
    const { check, recorded } = setUp(
      opened(),
      outcome(),
      again(facts({ monitors: [monitor({ status: 'Stopped' })] })),
    );
    expect(await check(2)).toBe('RefusedError');
    expect(recorded()?.unchanged).toBe(false);
  });
  test('keeps its approval through a rename of its config and new monitors', async () => {
    const alarms = facts({
      configName: 'renamed',
      deployment: {
        known: true,
        strategy: 'rolling',
        rollbackAlarms: [alarm('ModelMonitorAlarm'), alarm('DataDriftAlarm')],
      },
      monitors: [monitor({ name: 'another' })],
    });
    expect(await setUp(opened(), outcome(), again(alarms)).check(2)).toBe('compliant');
  });
  test('is another one with one more instance', async () => {
    const more = facts({ variants: [instanceVariant({ minInstances: 3, maxInstances: 3 })] });
    expect(await setUp(opened(), outcome(), again(more)).check(2)).toBe('ApprovalNeededError');
  });
});

describe('a change that replaced one that people were asked about', () => {
  const other = facts({ configName: 'config-1', variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] });
  const ended: Written = {
    kind: 'decided',
    generation: 1,
    digest: opened(1, other).digest,
    request: requested().request,
    answer: 'superseded',
    reason: 'change 2 replaced it',
  };
  const asked = [opened(1, other), findings(1), requested(1, { digest: opened(1, other).digest })];

  test('has its execution woken first, every time it is run, and then goes its own way', async () => {
    const { check, recorded } = setUp(...asked, opened(2), ended);
    expect(await check(2)).toBe('ReplacesRequestError');
    expect(await check(2)).toBe('ReplacesRequestError');
    expect(recorded()).toBeDefined();
    expect(await check(2, { woken: { resumed: 1 } })).toBe('ApprovalNeededError');
    expect(await check(2, { woken: { Error: 'States.Timeout', Cause: '' } })).toBe('ApprovalNeededError');
  });
  test('wakes nobody once that change has ended', async () => {
    const { check } = setUp(...asked, opened(2), ended, outcome(1, 'superseded'));
    expect(await check(2)).toBe('ApprovalNeededError');
  });
  test('wakes nobody where people decided nothing of that kind', async () => {
    const { check } = setUp(...asked, opened(2));
    expect(await check(2)).toBe('ApprovalNeededError');
  });
});

describe('what was refused goes on to be put back', () => {
  test('not where the settings want nothing of that', async () => {
    const { check, services } = setUp(opened(1, facts({ variants: [small] })));
    services.config.policySettings.prod.remediation = 'off';
    expect(await check()).toBe('BlockedError');
  });
  test('again where its execution is started anew, even if only the telling may be left', async () => {
    const refused = [opened(), findings(1, [finding('prod-budget', 'violation')]), outcome(1, 'blocked')];
    expect(await setUp(...refused).check()).toBe('RefusedError');
    const digest = opened().digest;
    const over = { kind: 'remediation-done', generation: 1, digest, result: 'abandoned', reason: 'gone' } as const;
    expect(await setUp(...refused, over).check()).toBe('RefusedError');
  });
});
