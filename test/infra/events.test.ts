import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { RULES } from '../../cli/doctor.ts';
import { readEvent } from '../../shared/model/aws-event.ts';
import { guardCalls } from '../../shared/model/guard-call.ts';
import { SMOKE_PREFIX, smokeEvent } from '../../shared/model/smoke-event.ts';
import { PLAN_SOURCE, PLAN_SUBMITTED } from '../../shared/model/submitted-plan.ts';
import { matches, type Pattern } from './event-pattern.ts';
import { arn, attribute, ofType, type Resource, readTemplate, root, type Template } from './packaged.ts';

let template: Template;
beforeAll(async () => {
  template = await readTemplate('prod');
}, 180_000);
const rules = () => ofType(template, 'AWS::Events::Rule');
const ours = (id: string) => !id.startsWith('Member');

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:endpoint-compliance';
/** With the references that CloudFormation resolves put in. */
const patternOf = ({ Properties }: Resource): Pattern => {
  const text = JSON.stringify(Properties.EventPattern);
  const reference = JSON.stringify(arn('states', 'stateMachine:portcullis-prod-endpoint-compliance'));
  return JSON.parse(text.replace(reference, JSON.stringify(MACHINE))) as Pattern;
};

const folder = join(root, 'test/fixtures/events');
type Event = { 'detail-type': string; detail: Record<string, unknown> } & Record<string, unknown>;
const events = readdirSync(folder).map(
  (name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Event] as const,
);
const matching = (event: unknown) =>
  rules()
    .filter(([id, rule]) => ours(id) && matches(patternOf(rule), event))
    .map(([id]) => id);

describe('the matcher', () => {
  const event = { source: 'a', detail: { name: 'one', tags: ['x', 'y'], code: null } };
  test.each<[string, Pattern, boolean]>([
    ['an exact value', { source: ['a', 'b'] }, true],
    ['another value', { source: ['b'] }, false],
    ['one of a list', { detail: { tags: ['y'] } }, true],
    ['a field that is not there', { detail: { other: ['z'] } }, false],
    ['what is not there, asked for', { detail: { other: [{ exists: false }] } }, true],
    ['what is there, unwanted', { detail: { name: [{ exists: false }] } }, false],
    ['below what is not there', { missing: { name: [{ exists: false }] } }, true],
    ['a beginning', { detail: { name: [{ prefix: 'on' }] } }, true],
    ['anything but what it is', { detail: { name: [{ 'anything-but': ['one'] }] } }, false],
    ['anything but something else', { detail: { name: [{ 'anything-but': 'two' }] } }, true],
  ])('knows %s', (_name, pattern, expected) => expect(matches(pattern, event)).toBe(expected));
});

describe('the rules', () => {
  test('have patterns that EventBridge takes', () => {
    expect(rules().length).toBe(13);
    for (const [id, { Properties }] of rules())
      expect(JSON.stringify(Properties.EventPattern).length, id).toBeLessThan(2_048);
  });
  test.each(events)('let %s through if and only if the gate understands it', (_name, event) => {
    const { as } = readEvent(event);
    // The sample is of an execution of another name.
    const own = structuredClone(event);
    if (as === 'execution-ended') own.detail.stateMachineArn = MACHINE;
    expect(matching(own).length).toBe(as === 'dropped' ? 0 : 1);
  });
  test('let the events of our smoke test through, about its own endpoints only', () => {
    const sent = (name: string) => {
      const { source, detailType, detail } = smokeEvent({ name });
      return matching({ source, 'detail-type': detailType, detail });
    };
    expect(sent(`${SMOKE_PREFIX}1`)).toEqual(['SmokeRule']);
    expect(sent('fraud-prod')).toEqual([]);
  });
  test('let submitted plans through, on the default bus of the gate and nowhere else', () => {
    const sent = { source: PLAN_SOURCE, 'detail-type': PLAN_SUBMITTED, detail: {} };
    expect(matching(sent)).toEqual(['PlansRule']);
    expect(matching({ ...sent, 'detail-type': 'Something Else' })).toEqual([]);
    expect(template.Resources.PlansRule?.Properties.EventBusName).toBeUndefined();
    expect(template.Resources.MemberPlansRule).toBeUndefined();
  });
  test('of the default bus are those that `portcullis doctor` looks for', () => {
    const names = rules().flatMap(([id, { Properties }]) => (ours(id) ? [Properties.Name] : []));
    expect(names.sort()).toEqual(RULES.map((name) => `portcullis-prod-${name}`).sort());
  });
  test('there are samples of both kinds', () => {
    const understood = events.filter(([, event]) => readEvent(event).as !== 'dropped').length;
    expect(understood).toBeGreaterThan(12);
    expect(events.length - understood).toBeGreaterThan(5);
  });
  test('let every call through that the gate understands, and no other', () => {
    const source = readFileSync(join(root, 'shared/model/aws-event.ts'), 'utf8');
    const calls = /const CALLS[^{]*\{([^}]*)\}/.exec(source)?.[1] ?? '';
    const named = [...calls.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name);
    const understood = [...new Set([...named, ...guardCalls])];
    const listed = ['SagemakerCallsRule', 'ScalingCallsRule', 'GuardCallsRule'].flatMap(
      (id) => template.Resources[id]?.Properties.EventPattern.detail.eventName as string[],
    );
    expect(understood.length).toBeGreaterThan(15);
    expect(listed.sort()).toEqual(understood.sort());
  });
  test('let no execution of another state machine through, and none that ended by itself', () => {
    const [, sample] = events.find(([name]) => name.startsWith('stepfunctions')) ?? [];
    const execution = (stateMachineArn: string, status: string) =>
      matching({ ...sample, detail: { ...sample?.detail, stateMachineArn, status } });
    for (const status of ['FAILED', 'TIMED_OUT', 'ABORTED'])
      expect(execution(MACHINE, status)).toEqual(['ExecutionEndsRule']);
    expect(execution(MACHINE, 'SUCCEEDED')).toEqual([]);
    expect(execution(`${MACHINE}-2`, 'FAILED')).toEqual([]);
  });
});

describe('what a rule cannot deliver', () => {
  test.each(
    ['EndpointStates', 'SagemakerCalls', 'ScalingCalls', 'AlarmConfigurations', 'GuardCalls']
      .flatMap((id) => [id, `Member${id}`])
      .concat('ExecutionEnds', 'Smoke', 'Plans'),
  )('of %s is tried for a day and then put into its own queue', (id) => {
    const rule = template.Resources[`${id}Rule`];
    expect(rule?.Properties.Targets).toEqual([
      {
        Id: 'receive-event',
        Arn: { 'Fn::GetAtt': ['ReceiveEventLambdaFunction', 'Arn'] },
        RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [`${id}DeadLetters`, 'Arn'] } },
      },
    ]);
    const policy = template.Resources[`${id}DeadLettersPolicy`]?.Properties;
    expect(policy?.Queues).toEqual([{ Ref: `${id}DeadLetters` }]);
    expect(policy?.PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: { 'Fn::GetAtt': [`${id}DeadLetters`, 'Arn'] },
        Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [`${id}Rule`, 'Arn'] } } },
      },
    ]);
    expect(template.Resources[`${id}Permission`]?.Properties).toMatchObject({
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [`${id}Rule`, 'Arn'] },
    });
  });
  test('waits for two weeks, encrypted', () => {
    const queues = ofType(template, 'AWS::SQS::Queue');
    expect(queues.length).toBe(17);
    for (const [id, { Properties }] of queues)
      expect(Properties, id).toEqual({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 86_400 });
  });
});

describe('the sweep', () => {
  test('is started by the schedule every quarter of an hour, and what fails is kept', () => {
    const { ScheduleExpression, Target } = template.Resources.SweepSchedule?.Properties ?? {};
    expect(ScheduleExpression).toBe('rate(15 minutes)');
    expect(Target).toMatchObject({
      Arn: arn('states', 'stateMachine:portcullis-prod-sweep'),
      Input: '{}',
      RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 900 },
      DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['SweepDeadLetters', 'Arn'] } },
    });
    expect(template.Resources.SweepScheduleRole?.Properties.Policies[0].PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'states:StartExecution',
        Resource: arn('states', 'stateMachine:portcullis-prod-sweep'),
      },
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: { 'Fn::GetAtt': ['SweepDeadLetters', 'Arn'] } },
    ]);
  });
});

describe('events of other accounts and regions', () => {
  const text = readFileSync(join(root, 'infra/member-account.yml'), 'utf8');
  const tag = (name: string, long: string) => ({
    tag: `!${name}`,
    resolve: (value: string) => ({ [long]: long === 'Fn::GetAtt' ? value.split('.') : value }),
  });
  const member = parse(text, {
    logLevel: 'silent',
    customTags: [tag('Sub', 'Fn::Sub'), tag('Ref', 'Ref'), tag('GetAtt', 'Fn::GetAtt')],
  }) as Template;
  // Plans are submitted where the gate is.
  const { plans: _plans, ...patterns } = parse(readFileSync(join(root, 'infra/event-patterns.yml'), 'utf8')) as Record<
    string,
    Pattern
  >;
  const set = (found: unknown[]) => found.map((each) => JSON.stringify(each)).sort();

  test('go through the same rules on a bus of their own', () => {
    const own = rules().filter(([id]) => ours(id) && !['ExecutionEndsRule', 'SmokeRule', 'PlansRule'].includes(id));
    const theirs = rules().filter(([id]) => !ours(id));
    expect(theirs.length).toBe(5);
    for (const [, { Properties }] of theirs) expect(Properties.EventBusName).toEqual({ Ref: 'MemberBus' });
    for (const found of [own, theirs])
      expect(set(found.map(([, { Properties }]) => Properties.EventPattern))).toEqual(set(Object.values(patterns)));
  });
  test('are taken from the accounts that are listed, if any', () => {
    expect(template.Resources.MemberBusPolicy).toMatchObject({
      Condition: 'HasMembers',
      Properties: {
        EventBusName: { Ref: 'MemberBus' },
        Statement: {
          Effect: 'Allow',
          Principal: { AWS: { 'Fn::Split': [',', ''] } },
          Action: 'events:PutEvents',
          Resource: { 'Fn::GetAtt': ['MemberBus', 'Arn'] },
        },
      },
    });
    expect(template.Conditions.HasMembers).toEqual({ 'Fn::Not': [{ 'Fn::Equals': ['', ''] }] });
  });
  test('are forwarded by the same patterns, with a retry policy and a queue each', () => {
    const forwarding = ofType(member, 'AWS::Events::Rule');
    expect(set(forwarding.map(([, { Properties }]) => Properties.EventPattern))).toEqual(set(Object.values(patterns)));
    for (const [id, { Properties }] of forwarding) {
      const queue = attribute(Properties.Targets[0].DeadLetterConfig.Arn)?.split('.')[0] ?? '';
      expect(queue).toBe(id.replace('Rule', 'DeadLetters'));
      expect(Properties.Targets).toEqual([
        {
          Id: 'gate',
          Arn: { Ref: 'GateBusArn' },
          RoleArn: { 'Fn::GetAtt': ['ForwardRole', 'Arn'] },
          RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [queue, 'Arn'] } },
        },
      ]);
      expect(member.Resources[queue]?.Properties).toEqual({
        SqsManagedSseEnabled: true,
        MessageRetentionPeriod: 14 * 86_400,
      });
      expect(member.Resources[`${queue}Policy`]?.Properties.PolicyDocument.Statement[0].Condition).toEqual({
        ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [id, 'Arn'] } },
      });
    }
  });
  test('may be put on the gate’s bus, which is all that forwarding may do', () => {
    expect(member.Resources.ForwardRole?.Properties.Policies[0].PolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: 'events:PutEvents', Resource: { Ref: 'GateBusArn' } },
    ]);
  });
});
