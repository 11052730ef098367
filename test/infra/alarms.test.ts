import { Metrics } from '@aws-lambda-powertools/metrics';
import { beforeAll, describe, expect, test } from 'vitest';
import { attribute, ofType, type Resource, readTemplate, type Template } from './packaged.ts';

let template: Template;
beforeAll(async () => {
  template = await readTemplate('prod');
}, 180_000);
type Alarm = Resource['Properties'];
const alarms = (): Alarm[] => ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
const on = (namespace: string, metric: string) =>
  alarms().filter(({ Namespace, MetricName }) => Namespace === namespace && MetricName === metric);
const ids = (type: string) =>
  ofType(template, type)
    .map(([id]) => id)
    .sort();

describe('alarms', () => {
  test('all go to one topic, which is encrypted with our key and tells a person', () => {
    expect(alarms().length).toBeGreaterThan(35);
    for (const { AlarmName, AlarmActions, ActionsEnabled = true } of alarms())
      expect({ AlarmActions, ActionsEnabled }, AlarmName).toEqual({
        AlarmActions: [{ Ref: 'AlarmTopic' }],
        ActionsEnabled: true,
      });
    expect(template.Resources.AlarmTopic?.Properties.KmsMasterKeyId).toEqual({ Ref: 'DataKey' });
    expect(template.Resources.AlarmMail?.Properties).toEqual({
      TopicArn: { Ref: 'AlarmTopic' },
      Protocol: 'email',
      Endpoint: 'portcullis-alarms@example.com',
    });
  });
  test('CloudWatch may write to the topic and use its key', () => {
    const [publish, tls] = template.Resources.AlarmTopicPolicy?.Properties.PolicyDocument.Statement ?? [];
    expect(publish).toMatchObject({ Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish' });
    expect(tls).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    const statements: { Principal: { Service?: string } }[] =
      template.Resources.DataKey?.Properties.KeyPolicy.Statement;
    expect(statements.some(({ Principal }) => Principal.Service === 'cloudwatch.amazonaws.com')).toBe(true);
  });
  test('have names of their own', () => {
    const names = alarms().map(({ AlarmName }) => AlarmName);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^portcullis-prod-[a-z-]+$/);
  });
  test('go off for the first dead letter of each queue', () => {
    const depth = on('AWS/SQS', 'ApproximateNumberOfMessagesVisible');
    for (const alarm of depth)
      expect(alarm).toMatchObject({ Threshold: 0, ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Maximum' });
    expect(depth.map(({ Dimensions }) => attribute(Dimensions[0].Value)?.split('.')[0]).sort()).toEqual(
      ids('AWS::SQS::Queue'),
    );
  });
  // An error is how these say "not yet" or "another way". Where it is not, the change ends undetermined, or counts as not put back.
  const FAIL_ON_PURPOSE = ['CheckPoliciesLambdaFunction', 'RemediateLambdaFunction', 'VerifyMonitoringLambdaFunction'];
  test.each([
    ['Errors', FAIL_ON_PURPOSE],
    ['Throttles', []],
  ])('go off for %s of each function, but not where an error is a way to wait or to go on', (metric, except) => {
    const found = on('AWS/Lambda', metric);
    for (const alarm of found) expect(alarm).toMatchObject({ Threshold: 0, Statistic: 'Sum' });
    expect(found.map(({ Dimensions }) => Dimensions[0].Value.Ref).sort()).toEqual(
      ids('AWS::Lambda::Function').filter((id) => !except.includes(id)),
    );
  });
  test('go off where the gate could not decide', () => {
    const [alarm] = on('Portcullis', 'Changes');
    expect(alarm).toMatchObject({ Threshold: 0, Statistic: 'Sum' });
    expect(alarm?.Dimensions).toContainEqual({ Name: 'Outcome', Value: 'undetermined' });
  });
  test.each(['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'])(
    'go off for %s of our machine',
    (metric) => {
      const [alarm, ...more] = on('AWS/States', metric);
      expect(more).toEqual([]);
      expect(alarm).toMatchObject({ Threshold: 0, Dimensions: [{ Name: 'StateMachineArn' }] });
    },
  );
  test('go off long before the archive is late enough to lose anything, and before a record counts as unproven', () => {
    expect(on('AWS/Lambda', 'IteratorAge')).toMatchObject([
      { Threshold: 3_600_000, Statistic: 'Maximum', Dimensions: [{ Value: { Ref: 'ArchiveRecordsLambdaFunction' } }] },
      { Threshold: 300_000, Statistic: 'Maximum', Dimensions: [{ Value: { Ref: 'SignCheckpointsLambdaFunction' } }] },
    ]);
  });
  test('go off for the first tampering, for late answers, and for those that outlive their time', () => {
    expect(on('Portcullis', 'LedgerTampering')).toMatchObject([{ Threshold: 0 }]);
    const ages = on('Portcullis', 'WaitingApprovalAgeSeconds').map(({ AlarmName, Threshold }) => [
      AlarmName,
      Threshold,
    ]);
    expect(Object.fromEntries(ages)).toEqual({
      'portcullis-prod-approval-late': 18 * 3_600,
      'portcullis-prod-execution-stuck': 25 * 3_600,
    });
  });
  test.each(['failed', 'stopped'])('go off where putting something back has %s', (result) => {
    const found = on('Portcullis', 'Remediations').filter(({ Dimensions }) => Dimensions[1].Value === result);
    expect(found).toMatchObject([
      { Threshold: 0, Statistic: 'Sum', Dimensions: [{ Name: 'service' }, { Name: 'Result' }] },
    ]);
  });
  test('go off whenever somebody breaks the glass', () => {
    expect(on('Portcullis', 'BreakGlass')).toMatchObject([
      { Threshold: 0, Statistic: 'Sum', ComparisonOperator: 'GreaterThanThreshold', EvaluationPeriods: 1 },
    ]);
  });
  test('go off where nothing has swept for three periods', () => {
    expect(on('Portcullis', 'SweptEndpoints')).toMatchObject([
      {
        Statistic: 'SampleCount',
        Period: 900,
        EvaluationPeriods: 3,
        ComparisonOperator: 'LessThanThreshold',
        Threshold: 1,
        TreatMissingData: 'breaching',
      },
    ]);
  });
  test('only that one takes silence for a fault', () => {
    const breaching = alarms().filter(({ TreatMissingData }) => TreatMissingData !== 'notBreaching');
    expect(breaching.map(({ AlarmName }) => AlarmName)).toEqual(['portcullis-prod-sweep-missing']);
  });
});

describe('the dashboard', () => {
  type Widget = { properties: { title: string; metrics: unknown[][] } };
  const widgets = () =>
    (JSON.parse(template.Resources.Dashboard?.Properties.DashboardBody['Fn::Sub']) as { widgets: Widget[] }).widgets;
  const shown = () => JSON.stringify(widgets());

  test('shows changes, waiting approvals, latency, dead letters and cost', () => {
    expect(widgets().length).toBe(6);
    for (const metric of [
      'Changes',
      'WaitingApprovals',
      'WaitingApprovalAgeSeconds',
      'EventToDecisionMs',
      'ConsumedCapacity',
      'Duration',
    ])
      expect(shown(), metric).toContain(metric);
    for (const statistic of ['p50', 'p99']) expect(shown()).toContain(`"stat":"${statistic}"`);
  });
  test('names only what is in the stack', () => {
    const named = [...shown().matchAll(/\$\{(\w+)[.}]/g)].map(([, id = '']) => id);
    expect(named.length).toBeGreaterThan(15);
    for (const id of named) expect(template.Resources, id).toHaveProperty(id);
    for (const id of ids('AWS::Lambda::Function')) expect(named).toContain(id);
    for (const id of ids('AWS::SQS::Queue').filter((id) => !id.startsWith('Member'))) expect(named).toContain(id);
  });
});

test('the dimension of what we measure is the one that Powertools gives it', () => {
  const dimensions = new Set(
    alarms()
      .filter(({ Namespace }) => Namespace === 'Portcullis')
      .map(({ Dimensions }) => JSON.stringify(Dimensions[0])),
  );
  expect([...dimensions].map((text) => JSON.parse(text))).toEqual([{ Name: 'service', Value: 'portcullis-prod' }]);
  const metrics = new Metrics({ namespace: 'Portcullis', serviceName: 'portcullis-prod' });
  metrics.addMetric('Changes', 'Count', 1);
  const { service, _aws } = metrics.serializeMetrics() as unknown as {
    service: string;
    _aws: { CloudWatchMetrics: object[] };
  };
  expect(service).toBe('portcullis-prod');
  expect(_aws.CloudWatchMetrics).toMatchObject([{ Dimensions: [['service']] }]);
  metrics.clearMetrics();
});
