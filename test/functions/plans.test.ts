import { describe, expect, test } from 'vitest';
import { run as check } from '../../functions/check-policies.ts';
import { run as gather } from '../../functions/gather-facts.ts';
import { run as receive } from '../../functions/receive-event.ts';
import { run as recordOutcome } from '../../functions/record-outcome.ts';
import { run as verify } from '../../functions/verify-monitoring.ts';
import { ExecutionInput } from '../../shared/aws/executions.ts';
import { append, readStream } from '../../shared/aws/ledger.ts';
import { generationOfSubmission, readPlanState } from '../../shared/aws/plan-state.ts';
import { PlanBeingReadError, receivePlan } from '../../shared/aws/receive-plan.ts';
import { listQuarantined } from '../../shared/aws/work.ts';
import { readEvent } from '../../shared/model/aws-event.ts';
import type { DeploymentPlan } from '../../shared/model/deployment-plan.ts';
import type { RecordOf } from '../../shared/model/ledger-record.ts';
import { changeFromPlan, PLAN_SOURCE, PLAN_SUBMITTED } from '../../shared/model/submitted-plan.ts';
import {
  ARTIFACT,
  change,
  endpoint,
  facts,
  given,
  later,
  NOW,
  opened,
  openedPlan,
  outcome,
  person,
  plan,
  plannedEndpoint,
  REQUEST,
  requested,
  settings,
  type Written,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { wayOf } from '../way-of.ts';

const place = { account: endpoint.account, region: endpoint.region };
/** The event as EventBridge delivers it. */
const submitted = (document: object = plan(), id = 'event-1') => ({
  id,
  source: PLAN_SOURCE,
  'detail-type': PLAN_SUBMITTED,
  ...place,
  time: NOW,
  detail: document,
});

function setUp() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  const { services } = aws;
  const submission = (document = plan(), eventId = 'event-1', actor = person('dana')) =>
    changeFromPlan(document, place, { eventId, at: NOW, actor });
  const input = (document: DeploymentPlan, generation = 1, eventId = `event-${generation}`) => ({
    change: submission(document, eventId),
    generation,
    approvalTimeoutSeconds: 60,
  });
  const bodies = <K extends RecordOf<'findings'>['kind'] | 'change-opened' | 'plan-matched' | 'outcome'>(kind: K) =>
    tables.bodies().filter((body): body is RecordOf<K> => body.kind === kind);
  const started = () => [...aws.world.executions].map(([, { input: text }]) => ExecutionInput.parse(JSON.parse(text)));
  const plans = (...written: Written[]) => tables.seedAt(plannedEndpoint, ...written);
  return { aws, tables, services, submission, input, bodies, started, plans };
}
const approvedPlan = (document = plan()): Written[] => [
  openedPlan(1, document),
  requested(),
  given({ reason: 'load test passed' }),
  outcome(1, 'approved'),
];
const live = { change: change(), generation: 1, approvalTimeoutSeconds: 60 };

describe('a submitted plan', () => {
  test('starts an execution in the stream of the plans of its endpoint', async () => {
    const { services, started } = setUp();
    const event = submitted(plan({ requester: 'asha' }));
    expect(await receive(event, services)).toEqual({ as: 'started', detail: 'plan 1 of fraud-prod' });
    expect(started()).toMatchObject([
      {
        generation: 1,
        change: {
          endpoint: plannedEndpoint,
          kind: 'plan',
          cause: PLAN_SUBMITTED,
          plan: { endpoint: 'fraud-prod' },
          actor: { kind: 'unknown', person: 'asha', names: ['asha'], via: 'claim' },
        },
      },
    ]);
  });

  test('belongs to the account and region it was submitted in, if it names no others', () => {
    const { account: _account, region: _region, ...bare } = plan();
    expect(readEvent(submitted(bare))).toMatchObject({ change: { endpoint: plannedEndpoint } });
    const elsewhere = { ...bare, account: '222233334444', region: 'eu-west-1' };
    expect(readEvent(submitted(elsewhere))).toMatchObject({
      change: { endpoint: { account: '222233334444', region: 'eu-west-1' } },
    });
  });

  test('with mistakes is quarantined, with every one of them', async () => {
    const { services, started } = setUp();
    const { as, detail } = await receive(
      submitted({ ...plan(), environment: 'production', variants: [], typo: 1 }),
      services,
    );
    expect(as).toBe('quarantined');
    expect(detail).toContain(
      'detail.environment: "production": Invalid option: expected one of "dev"|"staging"|"prod"',
    );
    expect(detail).toContain('detail.variants: []');
    expect(detail).toContain('typo');
    expect(await listQuarantined(services)).toMatchObject([{ reason: expect.stringContaining('environment') }]);
    expect(started()).toEqual([]);
  });

  test('delivered twice starts one execution, whether its facts are on record or not', async () => {
    const { services, started, input } = setUp();
    expect((await receive(submitted(), services)).as).toBe('started');
    // The same name and input: Step Functions answers as it did.
    expect((await receive(submitted(), services)).as).toBe('started');
    await gather(input(plan()), services);
    expect(await receive(submitted(), services)).toEqual({
      as: 'joined',
      detail: 'plan 1 of fraud-prod holds it already',
    });
    expect(started()).toHaveLength(1);
  });

  test('submitted again word for word while it is open starts nothing, and counts whoever did it', async () => {
    const { services, started, plans, tables } = setUp();
    plans(openedPlan());
    expect(await receive(submitted(plan(), 'event-2'), services)).toMatchObject({ as: 'joined' });
    expect(started()).toEqual([]);
    expect(tables.records().at(-1)).toMatchObject({ body: { kind: 'event-joined', generation: 1 } });
    expect(await generationOfSubmission(services, endpoint, 'event-2')).toBe(1);
    plans(openedPlan(), outcome(1, 'rejected'));
    expect(await receive(submitted(plan(), 'event-3'), services)).toMatchObject({ as: 'started' });
  });

  test('is not held up by one whose execution died without a word', async () => {
    const { services, started, plans, aws, bodies } = setUp();
    plans(openedPlan(), requested());
    aws.clock.advance(3_600);
    expect(await receive(submitted(plan(), 'event-2'), services)).toEqual({
      as: 'started',
      detail: 'plan 2 of fraud-prod',
    });
    expect(bodies('outcome')).toMatchObject([{ generation: 1, result: 'undetermined' }]);
    expect(started()).toHaveLength(1);
  });

  test('waits its turn while another is being read', async () => {
    const { services, submission } = setUp();
    await receivePlan(services, submission());
    const other = submission(plan({ reason: 'another' }), 'event-2');
    await expect(receivePlan(services, other)).rejects.toThrow(PlanBeingReadError);
  });
});

describe('the facts of a plan', () => {
  test('are what it says, with artifacts as they are in S3, compared with the last accepted deployment', async () => {
    const { services, input, bodies, tables } = setUp();
    const before = facts({ environment: { ...facts().environment, evidence: 'x' }, volumeKmsKeyId: 'old' });
    tables.seed(opened(1, before), { ...outcome(1), digest: opened(1, before).digest });
    expect(await gather(input(plan()), services)).toEqual({ state: 'opened' });
    const [, planned] = bodies('change-opened');
    expect(planned).toMatchObject({
      digest: opened().digest,
      facts: { endpoint, artifacts: [{ uri: ARTIFACT, version: 'etag:1', encryption: { status: 'encrypted' } }] },
      baseline: { generation: 1, deployment: { volumeKmsKeyId: 'old' } },
      plan: { document: plan(), onTheWay: [], validUntil: later(168 * 3_600) },
    });
    expect(tables.records().at(-1)).toMatchObject({ endpoint: plannedEndpoint, actor: person('dana') });
  });

  test.each<[string, string | undefined, string]>([
    ['sooner', later(3_600), later(3_600)],
    ['later than the settings allow', later(30 * 86_400), later(24 * 3_600)],
  ])(
    'a plan that says it is valid until %s is so at most until the settings say',
    async (_what, validUntil, expected) => {
      const { services, input, bodies } = setUp();
      services.config.policySettings = settings({ planValidHours: 24 });
      await gather(input(plan({ validUntil })), services);
      expect(bodies('change-opened')[0]?.plan?.validUntil).toBe(expected);
    },
  );

  test('are those of the model that it names, and a model that is not there is no fact', async () => {
    const { services, input, bodies } = setUp();
    const variant = { instanceType: 'ml.m5.large', instances: 2 };
    const named = plan({ variants: [{ ...variant, model: { name: 'fraud-2026-11-19' } }] });
    await gather(input(named), services);
    expect(bodies('change-opened')[0]?.digest).toBe(opened().digest);
    const missing = plan({ variants: [{ ...variant, model: { name: 'nobody-made-it' } }] });
    await expect(gather(input(missing, 2), services)).rejects.toThrow(
      'names model nobody-made-it, which does not exist',
    );
  });

  test('show an artifact that is not there, so that it is a violation', async () => {
    const { services, input, aws, bodies } = setUp();
    aws.world.objects = {};
    await gather(input(plan()), services);
    expect(await wayOf(check(input(plan()), services))).toBe('BlockedError');
    expect(bodies('findings')[0]?.findings.filter(({ outcome: found }) => found === 'violation')).toMatchObject([
      { policy: 'encrypted-artifacts' },
    ]);
  });

  test('gathered twice are one record, and those of another plan supersede one that waits', async () => {
    const { services, input, tables, plans } = setUp();
    plans(openedPlan(), requested());
    const other = plan({ volumeKmsKeyId: 'key' });
    expect(await gather(input(other, 2), services)).toEqual({ state: 'opened' });
    const records = tables.records();
    expect(records.at(-1)).toMatchObject({ body: { kind: 'decided', generation: 1, answer: 'superseded' } });
    expect(await gather(input(other, 2), services)).toEqual({ state: 'opened' });
    expect(tables.records()).toEqual(records);
  });

  test('of a deployment that another plan waits for join it, in other words', async () => {
    const { services, input, plans } = setUp();
    plans(openedPlan(), requested());
    expect(await gather(input(plan({ reason: 'in other words' }), 2), services)).toEqual({ state: 'joined' });
    expect(await readPlanState(services, endpoint, 2)).toMatchObject({ generation: 1, state: 'waiting' });
  });

  test('touch neither the stream of the endpoint nor its schedules', async () => {
    const { services, input, aws, tables } = setUp();
    await gather(input(plan()), services);
    expect(tables.records().every(({ endpoint: of }) => of.planned)).toBe(true);
    expect(aws.calls.filter((call) => /^(Put|BatchWrite)Item$/.test(call))).toEqual([]);
    expect(aws.calls).not.toContain('DescribeEndpoint');
  });
});

describe('a plan in the workflow', () => {
  test('is held against the policies, has nothing to verify, and ends as people decide', async () => {
    const { services, input, aws, plans } = setUp();
    plans(openedPlan());
    expect(await wayOf(check(input(plan()), services))).toBe('ApprovalNeededError');
    for (const body of [requested(), given({ reason: 'load test passed' })]) {
      const stream = await readStream(services, plannedEndpoint);
      await append(services, stream, () => ({ id: body.kind, body, actor: person('asha') }));
    }
    aws.calls.length = 0;
    expect(await verify(input(plan()), services)).toEqual({ state: 'verified' });
    expect(aws.calls).not.toContain('DescribeEndpoint');
    const ended = { ...input(plan()), verified: { state: 'verified' as const } };
    expect(await recordOutcome(ended, services)).toEqual({ result: 'approved' });
    expect(await readPlanState(services, endpoint, 1)).toMatchObject({
      id: '111122223333/us-east-1/fraud-prod/1',
      state: 'approved',
      reason: 'Approved by asha: load test passed',
      request: { approvals: [{ approver: 'asha', answer: 'approved' }] },
    });
  });

  test.each<[RecordOf<'outcome'>['result'], Written]>([
    ['rejected', given({ answer: 'rejected' })],
    [
      'withdrawn',
      {
        kind: 'decided',
        generation: 1,
        digest: opened().digest,
        request: REQUEST,
        answer: 'withdrawn',
        reason: 'not needed any more',
      },
    ],
  ])('may end as %s', async (result, end) => {
    const { services, input, plans } = setUp();
    plans(openedPlan(), { ...findingsOf(), generation: 1 }, requested(), end);
    const verified = await verify(input(plan()), services);
    expect(verified).toEqual({ state: 'not-approved' });
    expect(await recordOutcome({ ...input(plan()), verified }, services)).toEqual({ result });
  });
});
const findingsOf = (): RecordOf<'findings'> => ({
  kind: 'findings',
  generation: 1,
  digest: opened().digest,
  findings: [{ policy: 'prod-human-approval', statement: 's', outcome: 'needs-approval', messages: [] }],
  decision: 'needs-approval',
  unchanged: false,
  cost: { floorUsd: 0, ceilingUsd: 0, unknown: [], variants: [], pricesAsOf: 'x', pricesSource: 'x' },
  policyDigest: opened().digest,
  priceDigest: opened().digest,
});

describe('a change of the endpoint', () => {
  test('that carries out an approved plan asks nobody; both streams say so, once', async () => {
    const { services, tables, plans, bodies } = setUp();
    plans(...approvedPlan());
    tables.seed(opened());
    expect(await wayOf(check(live, services))).toBe('compliant');
    expect(bodies('findings')[0]).toMatchObject({
      decision: 'needs-approval',
      unchanged: false,
      plan: { generation: 1, approvers: ['asha'], approvedFor: ['prod-human-approval'] },
    });
    expect(bodies('plan-matched')).toEqual([
      { kind: 'plan-matched', generation: 1, digest: opened().digest, change: 1 },
    ]);
    const records = tables.records();
    services.knownStreams.clear();
    expect(await wayOf(check(live, services))).toBe('compliant');
    expect(tables.records()).toEqual(records);
    expect(await readPlanState(services, endpoint, 1)).toMatchObject({ carriedOutBy: [1] });
  });

  test('whose plan was noted too late, because a task died in between, still has it noted', async () => {
    const { services, tables, plans, bodies } = setUp();
    plans(...approvedPlan());
    const { plan: _plan, ...findings } = findingsOf();
    const authority = {
      generation: 1,
      digest: opened().digest,
      request: REQUEST,
      approvers: ['asha'],
      reason: 'r',
      approvedFor: [],
    };
    tables.seed(opened(), { ...findings, plan: authority });
    expect(await wayOf(check(live, services))).toBe('compliant');
    expect(bodies('plan-matched')).toHaveLength(1);
  });

  test('ends approved, on the authority of the plan, once it was verified', async () => {
    const { services, tables, plans, bodies } = setUp();
    plans(...approvedPlan());
    tables.seed(opened());
    await wayOf(check(live, services));
    const verified = await verify(live, services);
    expect(verified).toEqual({ state: 'verified' });
    expect(await recordOutcome({ ...live, verified }, services)).toEqual({ result: 'approved' });
    expect(bodies('outcome')[0]?.reason).toBe('As planned: plan 1, approved by asha: load test passed');
  });

  test('that violates a policy now is blocked, whatever was planned', async () => {
    const { services, tables, plans, bodies } = setUp();
    services.config.policySettings = settings({ prod: { ...settings().prod, minInstances: 3 } });
    plans(...approvedPlan());
    tables.seed(opened());
    expect(await wayOf(check(live, services))).toBe('RefusedError');
    expect(bodies('findings')[0]).not.toHaveProperty('plan');
    expect(bodies('plan-matched')).toEqual([]);
  });

  test('that nobody planned is a violation where plans are required', async () => {
    const { services, tables, bodies } = setUp();
    services.config.policySettings = settings({ prod: { ...settings().prod, requirePlan: true } });
    tables.seed(opened());
    expect(await wayOf(check(live, services))).toBe('RefusedError');
    expect(bodies('findings')[0]?.findings.at(-1)).toMatchObject({ policy: 'planned-change', outcome: 'violation' });
  });

  test('finds a plan however many came after it, as long as it is valid', async () => {
    const { services, tables, plans, bodies } = setUp();
    const others = Array.from({ length: 12 }, (_, index): Written[] => [
      openedPlan(index + 2, plan({ volumeKmsKeyId: `key-${index}` })),
      outcome(index + 2, 'rejected'),
    ]);
    plans(...approvedPlan(), ...others.flat());
    tables.seed(opened());
    expect(await wayOf(check(live, services))).toBe('compliant');
    expect(bodies('findings')[0]?.plan?.generation).toBe(1);
  });

  test('is read consistently against the plans, so that an approval of this moment counts', async () => {
    const { services, tables, plans, aws } = setUp();
    const queries: unknown[] = [];
    aws.world.before = (command, input) => void (command === 'Query' && queries.push(input));
    plans(...approvedPlan());
    tables.seed(opened());
    await wayOf(check(live, services));
    expect(queries).toContainEqual(
      expect.objectContaining({
        ConsistentRead: true,
        ExpressionAttributeValues: { ':pk': { S: 'plan#111122223333#us-east-1#fraud-prod' } },
      }),
    );
  });

  test('carried out with other alarms than were planned is a violation once that is known', async () => {
    const { services, tables, plans, aws, bodies } = setUp();
    const under = facts({ underWay: true, status: 'Updating', deployment: { known: false, reason: 'under way' } });
    plans(...approvedPlan(plan({ deploymentConfig: { rollbackAlarms: ['another-one'] } })));
    tables.seed(opened(1, under));
    expect(await wayOf(check(live, services))).toBe('compliant');
    expect(aws.world.endpoint?.EndpointStatus).toBe('InService');
    await expect(verify(live, services)).rejects.toMatchObject({ name: 'RefusedError' });
    expect(await recordOutcome({ ...live, refused: {} }, services)).toEqual({ result: 'blocked' });
    expect(bodies('outcome')[0]).toMatchObject({ violations: ['planned-change'] });
  });

  test('has as long for its planned monitors as new endpoints have, and then it is a violation', async () => {
    const { services, tables, plans, aws, bodies } = setUp();
    plans(...approvedPlan(plan({ monitors: [{ type: 'DataQuality' }, { type: 'ModelBias' }] })));
    tables.seed(opened());
    await wayOf(check(live, services));
    await expect(verify(live, services)).rejects.toMatchObject({ name: 'MonitorsPendingError' });
    aws.world.schedules.push({
      ...aws.world.schedules[0],
      MonitoringScheduleName: 'bias',
      MonitoringType: 'ModelBias',
    });
    aws.world.described.bias = aws.world.described['fraud-prod-data-quality'] ?? {};
    aws.clock.advance(61);
    const there = await verify(live, services);
    expect(await recordOutcome({ ...live, verified: there }, services)).toEqual({ result: 'approved' });
    expect(bodies('outcome')[0]?.violations).toEqual([]);
  });
});
