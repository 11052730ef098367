import { describe, expect, test } from 'vitest';
import type { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import type { Finding } from '../../shared/model/finding.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import { holdAgainstPlans, missingMonitors, type PlanRules, verifyPlan } from '../../shared/model/plan-match.ts';
import {
  alarm,
  facts,
  given,
  history,
  instanceVariant,
  later,
  monitor,
  NOW,
  opened,
  openedPlan,
  outcome,
  plan,
  plannedFacts,
  REQUEST,
  requested,
  type Written,
} from '../builders.ts';

const HUMAN = 'prod-human-approval';
const BUDGET = 'prod-budget';
const rules = (overrides: Partial<PlanRules> = {}): PlanRules => ({
  requirePlan: false,
  outOfBand: 'ask',
  ...overrides,
});

const approvedPlan = (generation = 1, document = plan(), reasons = [HUMAN]): Written[] => [
  openedPlan(generation, document),
  requested(generation, { reasons }),
  given({ generation, approver: 'asha', reason: 'load test passed' }),
  outcome(generation, 'approved'),
];
const ended = (result: RecordOf<'outcome'>['result'], generation = 1): Written[] => [
  openedPlan(generation),
  outcome(generation, result, { reason: 'the reason' }),
];
const matched = (generation = 1): Written => ({ kind: 'plan-matched', generation, digest: opened().digest, change: 1 });

/** What is held against the plans: the perfect endpoint, about which a person has to be asked. */
function held(
  plans: Written[],
  { read = facts(), asking = [HUMAN], by = rules(), now = NOW, baseline = opened().baseline } = {},
) {
  return holdAgainstPlans(opened(1, read, { baseline }), asking, history(...plans), by, now);
}
const big: Partial<EndpointFacts> = { variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] };
const bigPlan = plan({
  variants: [
    {
      instanceType: 'ml.m5.xlarge',
      instances: 2,
      model: { image: 'fraud:3.4.1', artifacts: plan().variants[0]?.model?.artifacts },
    },
  ],
});

describe('a change that carries out an accepted plan', () => {
  test('is not asked about again, and names the plan, who approved it, why and for what', () => {
    const { finding, plan: authority } = held(approvedPlan());
    expect(finding).toMatchObject({ policy: 'planned-change', outcome: 'pass' });
    expect(finding.messages).toEqual(['The change carries out plan 1, approved by asha.']);
    expect(authority).toEqual({
      generation: 1,
      digest: opened().digest,
      request: REQUEST,
      approvers: ['asha'],
      reason: 'load test passed',
      approvedFor: [HUMAN],
    });
  });
  test('may be carried out again while the plan is valid', () => {
    expect(held([...approvedPlan(), matched()]).plan?.generation).toBe(1);
  });
  test('is covered by an older plan of the same deployment, too', () => {
    expect(held([...approvedPlan(), ...approvedPlan(2, bigPlan)]).plan?.generation).toBe(1);
    const both = held([...approvedPlan(1, plan(), [HUMAN, BUDGET]), ...approvedPlan(2)], { asking: [HUMAN, BUDGET] });
    expect(both.plan?.generation).toBe(1);
  });
  test('needs nobody where nothing asks and the plan was compliant', () => {
    const { plan: authority, finding } = held(ended('compliant'), { asking: [] });
    expect(finding.outcome).toBe('pass');
    expect(authority).toMatchObject({ generation: 1, approvers: [], approvedFor: [] });
  });
  test('has what the endpoint was approved for before, where the plan changed nothing', () => {
    const baseline = {
      digest: opened().digest,
      deployment: opened().deployment,
      result: 'approved' as const,
      approvedFor: [HUMAN],
      generation: 1,
      at: NOW,
    };
    const plans: Written[] = [{ ...openedPlan(), baseline }, outcome(1, 'unchanged')];
    expect(held(plans).plan?.approvedFor).toEqual([HUMAN]);
    expect(held(plans, { asking: [BUDGET] }).plan).toBeUndefined();
  });
  test('may be on the way to it: before auto scaling is registered', () => {
    const scaling = { min: 2, max: 4 };
    const scaled = plan({
      variants: [{ ...plan().variants[0], scaling } as ReturnType<typeof plan>['variants'][number]],
    });
    const { finding, plan: authority } = held(approvedPlan(1, scaled));
    expect(finding.messages).toEqual(['The change is a step on the way to plan 1, approved by asha.']);
    expect(authority?.digest).toBe(openedPlan(1, scaled).digest);
    const registered = facts({ variants: [instanceVariant({ maxInstances: 4 })] });
    expect(held(approvedPlan(1, scaled), { read: registered }).finding.messages[0]).toContain('carries out plan 1');
    const beyond = facts({ variants: [instanceVariant({ maxInstances: 5 })] });
    expect(held(approvedPlan(1, scaled), { read: beyond }).plan).toBeUndefined();
  });
});

describe('people are asked again', () => {
  test('about what the plan was not approved for', () => {
    const { finding, plan: authority } = held(approvedPlan(1, plan(), [BUDGET]));
    expect(authority).toBeUndefined();
    expect(finding.messages).toEqual([
      'Plan 1 is the same deployment, but nobody was asked about prod-human-approval then, so people are asked now.',
    ]);
  });
  test('where a compliant plan asked nobody and something asks now', () => {
    expect(held(ended('compliant')).plan).toBeUndefined();
  });
  test.each<[string, Written[], string, string]>([
    ['rejected', ended('rejected'), NOW, 'ended as rejected: the reason'],
    ['withdrawn', ended('withdrawn'), NOW, 'ended as withdrawn'],
    ['unanswered', ended('expired'), NOW, 'ended as expired'],
    ['blocked', ended('blocked'), NOW, 'ended as blocked'],
    ['undetermined', ended('undetermined'), NOW, 'ended as undetermined'],
    ['superseded', ended('superseded'), NOW, 'ended as superseded'],
    ['not decided', [openedPlan(), requested()], NOW, 'nobody has decided about it yet'],
    ['decided and not ended', approvedPlan().slice(0, 3), NOW, 'nobody has decided about it yet'],
    ['out of date', approvedPlan(), later(7 * 86_400), `until ${later(7 * 86_400)} only`],
  ])('where the plan is %s', (_what, plans, now, why) => {
    for (const requirePlan of [false, true]) {
      const { finding, plan: authority } = held(plans, { now, by: rules({ requirePlan }) });
      expect(authority).toBeUndefined();
      expect(finding.outcome).toBe(requirePlan ? 'violation' : 'not-applicable');
      expect(finding.messages[0]).toContain(`Plan 1 is the same deployment, but`);
      expect(finding.messages[0]).toContain(why);
    }
  });
  test('not a millisecond before the plan is out of date', () => {
    const last = new Date(Date.parse(later(7 * 86_400)) - 1).toISOString();
    expect(held(approvedPlan(), { now: last }).plan?.generation).toBe(1);
  });
  test('where a record in the stream of plans is no plan', () => {
    const { plan: _plan, ...opening } = openedPlan();
    expect(held([opening, outcome(1, 'approved')]).plan).toBeUndefined();
  });
});

describe('another change than the one that was planned', () => {
  const read = facts(big);
  test('is out of band, with exactly the fields that differ', () => {
    const { finding, plan: authority } = held(approvedPlan(), { read });
    expect(authority).toBeUndefined();
    expect(finding.outcome).toBe('needs-approval');
    expect(finding.messages).toEqual([
      'Out-of-band change: plan 1 was accepted for this endpoint, and this is another.',
      'variants[AllTraffic].instanceType: planned ml.m5.large; deployed ml.m5.xlarge.',
    ]);
  });
  test.each<[Partial<PlanRules>, Finding['outcome']]>([
    [{ outOfBand: 'ask' }, 'needs-approval'],
    [{ outOfBand: 'block' }, 'violation'],
    [{ requirePlan: true }, 'violation'],
  ])('with %o is: %s', (by, expected) => {
    expect(held(approvedPlan(), { read, by: rules(by) }).finding.outcome).toBe(expected);
  });
  test('names the newest plan that is still to be carried out', () => {
    const plans = [...approvedPlan(), ...approvedPlan(2)];
    expect(held(plans, { read }).finding.messages[0]).toContain('plan 2');
    expect(held([...plans, matched(2)], { read }).finding.messages[0]).toContain('plan 1');
  });
  test('is out of band even where a plan of it once was valid', () => {
    const old = approvedPlan(1, bigPlan);
    const expired = { ...openedPlan(1, bigPlan, { validUntil: NOW }) };
    const { finding } = held([expired, ...old.slice(1), ...approvedPlan(2)], { read });
    expect(finding.outcome).toBe('needs-approval');
    expect(finding.messages.at(-1)).toContain('Plan 1 is the same deployment, but it could be carried out until');
  });
  test.each<[string, Written[], string]>([
    ['no plan', [], NOW],
    ['one that was carried out', [...approvedPlan(), matched()], NOW],
    ['one that is out of date', approvedPlan(), later(8 * 86_400)],
    ['one that was rejected', ended('rejected'), NOW],
    ['one that waits', [openedPlan(), requested()], NOW],
  ])('is not, where there is %s; where plans are required it is a violation', (_what, plans, now) => {
    expect(held(plans, { read, now }).finding).toMatchObject({
      outcome: 'not-applicable',
      messages: ['There is no accepted plan for this endpoint that is still to be carried out.'],
    });
    expect(held(plans, { read, now, by: rules({ requirePlan: true }) }).finding.outcome).toBe('violation');
  });
  test('is none where the same deployment was accepted before: its tags or alarms were changed', () => {
    const { digest, deployment } = opened(1, read);
    const baseline = { digest, deployment, result: 'approved' as const, approvedFor: [], generation: 1, at: NOW };
    const { finding } = held(approvedPlan(), { read, baseline, by: rules({ requirePlan: true, outOfBand: 'block' }) });
    expect(finding.outcome).toBe('not-applicable');
    const other = { ...baseline, digest: opened().digest };
    expect(held(approvedPlan(), { read, baseline: other }).finding.outcome).toBe('needs-approval');
  });
  test('lists at most twenty fields', () => {
    const variants = Array.from({ length: 6 }, (_, index) => instanceVariant({ name: `v${index}` }));
    const { finding } = held(approvedPlan(), { read: facts({ variants }) });
    expect(finding.messages).toHaveLength(22);
    expect(finding.messages.at(-1)).toMatch(/^And \d+ more fields\.$/);
  });
});

describe('what is known only afterwards', () => {
  const deployment = facts().deployment;
  if (!deployment.known) throw new Error('the perfect deployment is known');
  const other: [string, EndpointFacts['deployment'], string][] = [
    [
      'an alarm that is missing',
      { ...deployment, rollbackAlarms: deployment.rollbackAlarms.slice(0, 1) },
      'Rollback alarms: planned fraud-prod-5xx, fraud-prod-DataDriftAlarm, fraud-prod-ModelMonitorAlarm; deployed with fraud-prod-ModelMonitorAlarm.',
    ],
    [
      'one alarm more',
      { ...deployment, rollbackAlarms: [...deployment.rollbackAlarms, alarm('x')] },
      'deployed with fraud-prod-5xx, fraud-prod-DataDriftAlarm, fraud-prod-ModelMonitorAlarm, x.',
    ],
    ['no alarms', { ...deployment, rollbackAlarms: [] }, 'deployed with none.'],
    [
      'another strategy',
      { ...deployment, strategy: 'rolling' },
      'Deployment strategy: planned blue-green; deployed rolling.',
    ],
  ];
  test.each(other)('%s asks, or is a violation where it has settled since', (_what, deployed, message) => {
    const read = facts({ deployment: deployed });
    const { finding, plan: authority } = held(approvedPlan(), { read });
    expect(authority).toBeUndefined();
    expect(finding.outcome).toBe('needs-approval');
    expect(finding.messages.join(' ')).toContain(message);
    expect(held(approvedPlan(), { read, by: rules({ outOfBand: 'block' }) }).finding.outcome).toBe('violation');
    const verified = verifyPlan(plannedFacts(), read, rules());
    expect(verified).toMatchObject({ policy: 'planned-change', outcome: 'violation' });
    expect(verified.messages.join(' ')).toContain(message);
  });
  test('is not judged while the deployment is under way', () => {
    const read = facts({ deployment: { known: false, reason: 'under way' }, underWay: true });
    expect(held(approvedPlan(), { read }).plan?.generation).toBe(1);
  });
  test('an update without a strategy is blue/green; a plan without one compares none', () => {
    const none = facts({ deployment: { ...deployment, strategy: 'none' } });
    expect(held(approvedPlan(), { read: none }).plan?.generation).toBe(1);
    const { rollbackAlarms } = plan().deploymentConfig;
    const silent = plan({ deploymentConfig: { rollbackAlarms } });
    const rolling = facts({ deployment: { ...deployment, strategy: 'rolling' } });
    expect(held(approvedPlan(1, silent), { read: rolling }).plan?.generation).toBe(1);
  });
  test('a planned monitor that does not watch is missing', () => {
    expect(missingMonitors(plannedFacts(), facts())).toEqual([]);
    for (const monitors of [[], [monitor({ status: 'Stopped' })], [monitor({ type: 'ModelBias' })]]) {
      const read = facts({ monitors });
      expect(missingMonitors(plannedFacts(), read)).toEqual(['A DataQuality monitor was planned and is not there.']);
      expect(verifyPlan(plannedFacts(), read, rules()).outcome).toBe('violation');
    }
    expect(verifyPlan(plannedFacts(), facts(), rules())).toMatchObject({ outcome: 'pass', messages: [] });
  });
});

test('the statement says whether every change must be planned', () => {
  expect(held([]).finding.statement).toBe('What was planned must be carried out as it was planned.');
  expect(held([], { by: rules({ requirePlan: true }) }).finding.statement).toContain('every change must be planned');
});
