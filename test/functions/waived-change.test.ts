import { expect, test } from 'vitest';
import { run as checkPolicies } from '../../functions/check-policies.ts';
import { run as gatherFacts } from '../../functions/gather-facts.ts';
import { keepSettings } from '../../shared/aws/kept-settings.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import { change, granted, later, opened, outcome, revoked, waiver } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { wayOf } from '../way-of.ts';

/** A prod endpoint without a monitor, of which change 1 was blocked, and a waiver for it. */
async function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  aws.world.schedules = [];
  tables.seed(opened(), outcome(1, 'blocked'), granted());
  const input = {
    change: change({ cause: 'waiver granted', eventId: 'e2' }),
    generation: 2,
    approvalTimeoutSeconds: 60,
  };
  const last = <K extends 'change-opened' | 'findings'>(kind: K) =>
    tables.bodies().findLast((body): body is RecordOf<K> => body.kind === kind);
  const ofMonitor = () => last('findings')?.findings.find(({ policy }) => policy === 'prod-model-monitor')?.outcome;
  return {
    aws,
    tables,
    last,
    ofMonitor,
    gather: () => gatherFacts(input, aws.services),
    check: () => checkPolicies(input, aws.services),
  };
}

test('a waiver goes from change to change and excuses what it is for', async () => {
  const { gather, check, last, ofMonitor } = await setUp();
  await gather();
  expect(last('change-opened')?.waivers).toEqual([waiver()]);
  expect(await wayOf(check())).toBe('ApprovalNeededError');
  expect(ofMonitor()).toBe('waived');
});
test('without it the same change is blocked', async () => {
  const { tables, gather, check, last, ofMonitor } = await setUp();
  tables.add(revoked());
  await gather();
  expect(last('change-opened')).not.toHaveProperty('waivers');
  expect(await wayOf(check())).toBe('RefusedError');
  expect(ofMonitor()).toBe('violation');
});
test('one that is revoked after the facts were read does not count', async () => {
  const { tables, gather, check, ofMonitor } = await setUp();
  await gather();
  tables.add(revoked({}, 2));
  expect(await wayOf(check())).toBe('RefusedError');
  expect(ofMonitor()).toBe('violation');
});
test('one that is revoked while it is being judged does not count: the record after it is judged anew', async () => {
  const { aws, tables, gather, check, ofMonitor } = await setUp();
  await gather();
  // Their digests are kept first, in streams of their own.
  await keepSettings(aws.services, aws.services.config.policySettings);
  tables.hooks.beforeInsert = () => tables.add(revoked({}, 2));
  expect(await wayOf(check())).toBe('RefusedError');
  expect(ofMonitor()).toBe('violation');
});
test('one that has ended does not count', async () => {
  const { aws, gather, check, ofMonitor } = await setUp();
  await gather();
  aws.clock.now = later(7 * 86_400);
  expect(await wayOf(check())).toBe('RefusedError');
  expect(ofMonitor()).toBe('violation');
});
