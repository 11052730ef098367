import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventReading, readEvent } from '../../shared/model/aws-event.ts';

const folder = new URL('../fixtures/events/', import.meta.url);
const files = readdirSync(folder);
type Event = { id: string; time: string; detail: Record<string, unknown> } & Record<string, unknown>;
const fixture = (name: string): Event => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Event;

/** What is to be understood, short: `UpdateEndpoint fraud-prod`, `dropped:...`. */
function short(reading: EventReading): string {
  switch (reading.as) {
    case 'change': {
      const { kind, cause, endpoint, actor } = reading.change;
      return `${kind} ${endpoint.name} | ${cause} | ${actor?.person ?? 'nobody'}`;
    }
    case 'guard': {
      const { keys, endpoints, change } = reading;
      const what = [...endpoints, ...keys.map(({ kind, name }) => ({ name: `${kind} ${name}` }))];
      return `guard ${what.map(({ name }) => name).join(', ')} | ${change.cause} | ${change.actor?.person ?? 'nobody'}`;
    }
    case 'lookup':
      return `${reading.what} ${reading.name} | ${reading.change.cause}`;
    case 'execution-ended':
      return `${reading.as}: ${reading.status}`;
    default:
      return `${reading.as}: ${reading.reason}`;
  }
}

const expected: Record<string, string> = {
  'cloudtrail-appautoscaling-RegisterScalableTarget.json': 'endpoint fraud-prod | RegisterScalableTarget | dana.ortiz',
  'cloudtrail-cloudwatch-DeleteAlarms.json': 'guard alarm fraud-prod-DataDriftAlarm | DeleteAlarms | dana.ortiz',
  'cloudtrail-cloudwatch-DisableAlarmActions.json':
    'guard alarm fraud-prod-DataDriftAlarm | DisableAlarmActions | dana.ortiz',
  'cloudtrail-cloudwatch-PutAlarmMuteRule.json':
    'guard mute-rule quiet-friday, alarm fraud-prod-DataDriftAlarm | PutAlarmMuteRule | dana.ortiz',
  'cloudtrail-cloudwatch-PutMetricAlarm.json':
    'guard fraud-prod, alarm fraud-prod-DataDriftAlarm | PutMetricAlarm | dana.ortiz',
  'cloudtrail-s3-DeleteBucketEncryption.json': 'guard bucket ml-artifacts-prod | DeleteBucketEncryption | dana.ortiz',
  'cloudtrail-s3-PutBucketEncryption.json': 'guard bucket ml-artifacts-prod | PutBucketEncryption | dana.ortiz',
  'cloudtrail-sagemaker-CreateEndpoint.json': 'endpoint fraud-prod | CreateEndpoint | dana.ortiz',
  'cloudtrail-sagemaker-CreateEndpointConfig.json': 'dropped: call-not-gated:CreateEndpointConfig',
  'cloudtrail-sagemaker-DeleteEndpoint.json': 'deleted fraud-prod | DeleteEndpoint | dana.ortiz',
  'cloudtrail-sagemaker-DeleteMonitoringSchedule.json':
    'guard schedule fraud-prod-data-quality | DeleteMonitoringSchedule | dana.ortiz',
  'cloudtrail-sagemaker-StopMonitoringSchedule.json':
    'guard schedule fraud-prod-data-quality | StopMonitoringSchedule | dana.ortiz',
  'cloudtrail-sagemaker-UpdateEndpoint.denied.json': 'dropped: failed-call:UpdateEndpoint',
  'cloudtrail-sagemaker-UpdateEndpoint.json': 'endpoint fraud-prod | UpdateEndpoint | dana.ortiz',
  'cloudtrail-sagemaker-UpdateEndpoint.no-deployment-config.json': 'endpoint fraud-prod | UpdateEndpoint | dana.ortiz',
  'cloudtrail-sagemaker-UpdateEndpointWeightsAndCapacities.autoscaling.json':
    'endpoint fraud-prod | UpdateEndpointWeightsAndCapacities | application-autoscaling.amazonaws.com',
  'cloudtrail-sagemaker-UpdateEndpointWeightsAndCapacities.json':
    'endpoint fraud-prod | UpdateEndpointWeightsAndCapacities | dana.ortiz',
  'cloudwatch-alarm-configuration-change.delete.json':
    'guard fraud-prod, alarm fraud-prod-DataDriftAlarm | CloudWatch Alarm Configuration Change (delete) | nobody',
  'cloudwatch-alarm-configuration-change.update.json':
    'guard fraud-prod, alarm fraud-prod-DataDriftAlarm | CloudWatch Alarm Configuration Change (update) | nobody',
  'cloudwatch-alarm-state-change.json': 'dropped: not-gated:CloudWatch Alarm State Change',
  'sagemaker-endpoint-config-state-change.json': 'dropped: not-gated:SageMaker Endpoint Config State Change',
  'sagemaker-endpoint-deployment-state-change.baking.json':
    'endpoint fraud-prod | SageMaker Endpoint Deployment State Change | nobody',
  'sagemaker-endpoint-deployment-state-change.scaling.json':
    'endpoint fraud-prod | SageMaker Endpoint Deployment State Change | nobody',
  'sagemaker-endpoint-state-change.in-service.json': 'endpoint fraud-prod | SageMaker Endpoint State Change | nobody',
  'sagemaker-endpoint-state-change.updating.json': 'endpoint fraud-prod | SageMaker Endpoint State Change | nobody',
  'sagemaker-model-package-state-change.json': 'dropped: not-gated:SageMaker Model Package State Change',
  'sagemaker-model-state-change.json': 'dropped: not-gated:SageMaker Model State Change',
  'sagemaker-processing-job-state-change.json': 'dropped: not-gated:SageMaker Processing Job State Change',
  'stepfunctions-execution-status-change.json': 'execution-ended: TIMED_OUT',
};

const changeIn = (reading: EventReading) => {
  if (reading.as !== 'change') throw new Error(`not a change: ${JSON.stringify(reading)}`);
  return reading.change;
};
/** A fixture with a few fields of its detail replaced. */
const withDetail = (name: string, detail: Record<string, unknown>): Event => {
  const event = fixture(name);
  return { ...event, detail: { ...event.detail, ...detail } };
};

describe('every recorded AWS event', () => {
  test('has an expected reading, and every reading has its event', () => {
    expect(Object.keys(expected).sort()).toEqual([...files].sort());
    expect(files.length).toBeGreaterThanOrEqual(29);
  });
  test.each(files)('%s is read as expected', (name) => {
    expect(short(readEvent(fixture(name)))).toBe(expected[name]);
  });
  test.each(files)('%s is read the same a second time', (name) => {
    expect(readEvent(fixture(name))).toEqual(readEvent(fixture(name)));
  });
});

describe('a native endpoint event', () => {
  const inService = 'sagemaker-endpoint-state-change.in-service.json';
  const updating = 'sagemaker-endpoint-state-change.updating.json';

  test('in service says what runs, when it was modified, and that it has settled', () => {
    expect(changeIn(readEvent(fixture(inService))).sighting).toEqual({
      configName: 'fraud-prod-cfg-18',
      desired: { AllTraffic: { instances: 2, weight: 1 } },
      lastModifiedAt: '2026-11-20T09:21:08.287Z',
      settled: true,
    });
  });

  test('while updating the pending summary counts, not the old config at the top', () => {
    const { sighting } = changeIn(readEvent(fixture('sagemaker-endpoint-deployment-state-change.baking.json')));
    expect(sighting).toMatchObject({
      configName: 'fraud-prod-cfg-18',
      desired: { AllTraffic: { instances: 2 } },
      settled: false,
    });
  });

  test.each([updating, 'sagemaker-endpoint-deployment-state-change.scaling.json'])(
    '%s has no pending summary, so it says nothing about the config',
    (name) => {
      const { sighting } = changeIn(readEvent(fixture(name)));
      expect(Object.keys(sighting).sort()).toEqual(['lastModifiedAt', 'settled']);
    },
  );

  test.each([
    ['IN_SERVICE', true],
    ['InService', true],
    ['FAILED', true],
    ['OUT_OF_SERVICE', true],
    ['UPDATE_ROLLBACK_FAILED', true],
    ['CREATING', false],
    ['ROLLING_BACK', false],
  ])('the status %s is settled: %s', (EndpointStatus, settled) => {
    expect(changeIn(readEvent(withDetail(inService, { EndpointStatus }))).sighting.settled).toBe(settled);
  });

  test('deleting is a deletion', () => {
    expect(changeIn(readEvent(withDetail(inService, { EndpointStatus: 'DELETING' }))).kind).toBe('deleted');
  });

  test("AWS's own maintenance is dropped", () => {
    const reading = readEvent(withDetail(inService, { EndpointStatus: 'SYSTEM_UPDATING' }));
    expect(reading).toEqual({ as: 'dropped', reason: 'aws-maintenance' });
  });

  test('a second event about the same change has another id and the same sighting', () => {
    const [first, second] = [fixture(inService), { ...fixture(inService), id: 'another' }].map((each) =>
      changeIn(readEvent(each)),
    );
    expect(second).toEqual({ ...first, eventId: 'another' });
  });

  test('a time in epoch milliseconds in a string is understood', () => {
    const at = Date.parse('2026-11-20T09:31:08Z');
    expect(changeIn(readEvent({ ...fixture(inService), time: String(at) })).at).toBe('2026-11-20T09:31:08.000Z');
  });

  test.each([
    ['a missing name', { EndpointName: undefined }, /^detail\.EndpointName: /],
    ['a bad name', { EndpointName: "x'; --" }, /must be an endpoint name/],
    ['a name over 63 characters', { EndpointName: 'x'.repeat(64) }, /^detail\.EndpointName: /],
    ['a modification time beyond what a date can hold', { LastModifiedTime: 1e20 }, /^detail\.LastModifiedTime: /],
    ['a status that is no text', { EndpointStatus: 7 }, /^detail\.EndpointStatus: /],
  ])('%s is poison that says where', (_what, detail, reason) => {
    expect(readEvent(withDetail(inService, detail))).toEqual({ as: 'poison', reason: expect.stringMatching(reason) });
  });

  test('all mistakes are told at once', () => {
    const reading = readEvent(withDetail(inService, { EndpointName: 1, EndpointStatus: 2 }));
    expect(reading).toMatchObject({
      as: 'poison',
      reason: expect.stringMatching(/EndpointName.*; detail\.EndpointStatus/),
    });
  });
});

describe('a CloudTrail call', () => {
  const update = 'cloudtrail-sagemaker-UpdateEndpoint.json';
  const weights = 'cloudtrail-sagemaker-UpdateEndpointWeightsAndCapacities.json';

  test("is known by CloudTrail's event id, so that it is the same on every bus", () => {
    const first = changeIn(readEvent(fixture(update)));
    expect(first.eventId).toBe(fixture(update).detail.eventID);
    expect(changeIn(readEvent({ ...fixture(update), id: 'delivered again' }))).toEqual(first);
  });

  test('happened when its own record says, in UTC, not when it was delivered', () => {
    expect(changeIn(readEvent(withDetail(update, { eventTime: '2026-11-20T10:02:41+01:00' }))).at).toBe(
      '2026-11-20T09:02:41.000Z',
    );
    expect(changeIn(readEvent({ ...fixture(update), time: '2026-11-21T00:00:00Z' })).at).toBe(
      '2026-11-20T09:02:41.000Z',
    );
  });

  test('UpdateEndpoint says which config is coming', () => {
    expect(changeIn(readEvent(fixture(update))).sighting).toEqual({ configName: 'fraud-prod-cfg-18' });
  });

  test('UpdateEndpointWeightsAndCapacities says which counts and weights are coming', () => {
    expect(changeIn(readEvent(fixture(weights))).sighting).toEqual({ desired: { AllTraffic: { instances: 1 } } });
    const both = withDetail(weights, {
      requestParameters: {
        endpointName: 'fraud-prod',
        desiredWeightsAndCapacities: [{ variantName: 'a', desiredWeight: 0 }],
      },
    });
    expect(changeIn(readEvent(both)).sighting).toEqual({ desired: { a: { weight: 0 } } });
  });

  test('desired counts that are not understood are left out, and the doorbell still rings', () => {
    const odd = withDetail(weights, {
      requestParameters: { endpointName: 'fraud-prod', desiredWeightsAndCapacities: 'many' },
    });
    expect(changeIn(readEvent(odd))).toMatchObject({ endpoint: { name: 'fraud-prod' }, sighting: {} });
  });

  const call = (eventName: string, requestParameters: unknown, more: object = {}) =>
    short(readEvent(withDetail(update, { eventName, requestParameters, ...more })));
  const arn = 'arn:aws:sagemaker:us-east-1:111122223333:endpoint/fraud-prod';

  test.each([
    ['AddTags', { resourceArn: arn, tags: [] }, 'guard fraud-prod | AddTags | dana.ortiz'],
    ['DeleteTags', { resourceArn: arn.replace('endpoint/', 'model/') }, 'dropped: tags-of-something-else'],
    [
      'CreateInferenceComponent',
      { endpointName: 'fraud-prod' },
      'endpoint fraud-prod | CreateInferenceComponent | dana.ortiz',
    ],
    ['DeleteInferenceComponent', { inferenceComponentName: 'ic' }, 'inference-component ic | DeleteInferenceComponent'],
    [
      'CreateMonitoringSchedule',
      {
        monitoringScheduleName: 's',
        monitoringScheduleConfig: {
          monitoringJobDefinition: {
            monitoringInputs: [{ endpointInput: { localPath: '/x', endpointName: 'fraud-prod' } }],
          },
        },
      },
      'guard fraud-prod, schedule s | CreateMonitoringSchedule | dana.ortiz',
    ],
    [
      'UpdateMonitoringSchedule',
      { monitoringScheduleName: 's' },
      'guard schedule s | UpdateMonitoringSchedule | dana.ortiz',
    ],
    [
      'StartMonitoringSchedule',
      {},
      'poison: detail.requestParameters names nothing, which StartMonitoringSchedule must',
    ],
    ['DeleteAlarms', { alarmNames: ['a', 'b'] }, 'guard alarm a, alarm b | DeleteAlarms | dana.ortiz'],
    ['EnableAlarmActions', { alarmNames: ['a'] }, 'guard alarm a | EnableAlarmActions | dana.ortiz'],
    ['PutCompositeAlarm', { alarmName: 'c' }, 'guard alarm c | PutCompositeAlarm | dana.ortiz'],
    [
      'PutMetricAlarm',
      {
        alarmName: 'm',
        metrics: [{ metricStat: { metric: { dimensions: [{ name: 'EndpointName', value: 'fraud-prod' }] } } }],
      },
      'guard fraud-prod, alarm m | PutMetricAlarm | dana.ortiz',
    ],
    ['DeleteAlarmMuteRule', { alarmMuteRuleName: 'quiet' }, 'guard mute-rule quiet | DeleteAlarmMuteRule | dana.ortiz'],
    [
      'DeleteModelBiasJobDefinition',
      { jobDefinitionName: 'd' },
      'guard job-definition ModelBias/d | DeleteModelBiasJobDefinition | dana.ortiz',
    ],
    ['__proto__', {}, 'dropped: call-not-gated:__proto__'],
    ['DeregisterScalableTarget', { resourceId: 'table/orders' }, 'dropped: scaling-of-something-else'],
    [
      'RegisterScalableTarget',
      { resourceId: 'endpoint/fraud-prod/variant/a' },
      'endpoint fraud-prod | RegisterScalableTarget | dana.ortiz',
    ],
    [
      'PutScheduledAction',
      { resourceId: 'endpoint/fraud-prod/variant/a' },
      'endpoint fraud-prod | PutScheduledAction | dana.ortiz',
    ],
    ['DeleteScheduledAction', { resourceId: 'table/orders' }, 'dropped: scaling-of-something-else'],
    ['UpdateEndpoint', null, 'poison: detail.requestParameters names no endpoint, which UpdateEndpoint must'],
    [
      'UpdateEndpoint',
      { endpointName: 'not an endpoint' },
      expect.stringMatching(/^poison: endpoint\.name: must be an endpoint name/),
    ],
    ['DescribeEndpoint', { endpointName: 'fraud-prod' }, 'dropped: call-not-gated:DescribeEndpoint'],
  ])('%s with %j is understood', (eventName, parameters, reading) => {
    expect(call(eventName, parameters)).toEqual(reading);
  });

  test("EC2 Auto Scaling's calls go under the same name and are dropped", () => {
    const event = withDetail('cloudtrail-appautoscaling-RegisterScalableTarget.json', { additionalEventData: null });
    expect(readEvent(event)).toEqual({ as: 'dropped', reason: 'ec2-auto-scaling' });
  });

  test('a call without an identity is poison', () => {
    expect(call('UpdateEndpoint', {}, { userIdentity: undefined })).toMatch(/^poison: detail\.userIdentity/);
  });
});

describe('an alarm configuration change', () => {
  const file = 'cloudwatch-alarm-configuration-change.update.json';
  const { previousConfiguration } = fixture(file).detail;

  test('finds the endpoint in the previous configuration where the new one watches something else', () => {
    expect(short(readEvent(withDetail(file, { configuration: {}, previousConfiguration })))).toMatch(
      /^guard fraud-prod/,
    );
  });
  test('without any endpoint may be about a composite: whom it guards is known by its name', () => {
    const reading = readEvent(withDetail(file, { configuration: {}, previousConfiguration: null }));
    expect(reading).toMatchObject({
      as: 'guard',
      endpoints: [],
      keys: [{ kind: 'alarm', name: 'fraud-prod-DataDriftAlarm' }],
    });
  });
  test('text that only looks like a dimension names nothing', () => {
    const configuration = { description: '"Endpoint":"other"' };
    const reading = readEvent(withDetail(file, { configuration, previousConfiguration: null }));
    expect(reading).toMatchObject({ as: 'guard', endpoints: [] });
  });
});

describe('an execution status change', () => {
  const file = 'stepfunctions-execution-status-change.json';
  const read = (detail: Record<string, unknown>) => readEvent(withDetail(file, detail));

  test.each(['FAILED', 'TIMED_OUT', 'ABORTED'])('%s ended without its last state', (status) => {
    expect(read({ status })).toEqual({
      as: 'execution-ended',
      stateMachineArn: fixture(file).detail.stateMachineArn,
      executionArn: fixture(file).detail.executionArn,
      status,
    });
  });
  test.each(['RUNNING', 'SUCCEEDED'])('%s is dropped', (status) => {
    expect(read({ status })).toEqual({ as: 'dropped', reason: 'execution-status' });
  });
  test.each(['stateMachineArn', 'executionArn'])('without %s it is poison', (field) =>
    expect(read({ [field]: undefined }).as).toBe('poison'),
  );
});

describe('anything else', () => {
  const event = fixture('sagemaker-endpoint-state-change.in-service.json');
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'event'],
    ['a list', [event]],
    ['an empty object', {}],
    ['another account format', { ...event, account: '1' }],
    ['a time that is none', { ...event, time: 'yesterday' }],
    ['a detail that is text', { ...event, detail: '{}' }],
  ])('%s is poison', (_what, input) => {
    expect(readEvent(input)).toEqual({ as: 'poison', reason: expect.stringMatching(/.+: .+/) });
  });

  test('an unknown type is dropped by name', () => {
    expect(readEvent({ ...event, 'detail-type': 'SageMaker Something New' })).toEqual({
      as: 'dropped',
      reason: 'not-gated:SageMaker Something New',
    });
  });

  test('reading never throws, whatever comes', () => {
    fc.assert(fc.property(fc.anything(), (input) => typeof readEvent(input).as === 'string'));
  });

  const poke = fc.record({
    file: fc.constantFrom(...files),
    key: fc.nat(),
    value: fc.oneof(fc.anything(), fc.double(), fc.constantFrom('__proto__', 'constructor')),
  });
  test('nor where one field of a real event is replaced by anything', () => {
    fc.assert(
      fc.property(poke, ({ file, key, value }) => {
        const real = fixture(file);
        const keys = Object.keys(real.detail);
        const name = keys[key % keys.length] ?? '';
        const inDetail = readEvent({ ...real, detail: { ...real.detail, [name]: value } });
        const envelope = Object.keys(real)[key % Object.keys(real).length] ?? '';
        return Boolean(inDetail.as) && Boolean(readEvent({ ...real, [envelope]: value }).as);
      }),
      { numRuns: 500 },
    );
  });
});

describe('an event of the smoke test', () => {
  const smoke = (name: string) => ({
    id: 'smoke-1',
    'detail-type': 'SageMaker Endpoint State Change',
    source: 'portcullis.smoke',
    account: '111122223333',
    region: 'us-east-1',
    time: '2026-11-20T10:00:00Z',
    detail: { EndpointName: name, EndpointStatus: 'IN_SERVICE', LastModifiedTime: 1_795_168_800_000 },
  });
  test('is a change of the endpoint that was never there, and says on record what it is', () => {
    expect(readEvent(smoke('portcullis-smoke-1'))).toEqual({
      as: 'change',
      change: {
        endpoint: { account: '111122223333', region: 'us-east-1', name: 'portcullis-smoke-1' },
        kind: 'deleted',
        cause: 'portcullis smoke',
        eventId: 'smoke-1',
        at: '2026-11-20T10:00:00.000Z',
        sighting: {},
      },
    });
  });
  test.each([
    'fraud-prod',
    'Portcullis-Smoke-1',
    'x-portcullis-smoke-1',
    'portcullis-smoke-',
    'portcullis-smoke-/x',
    '',
  ])('about %j is poison, whoever sends it', (name) => expect(readEvent(smoke(name)).as).toBe('poison'));
  test('cannot pass for a call that somebody made', () => {
    const call = fixture('cloudtrail-sagemaker-UpdateEndpoint.json');
    expect(readEvent({ ...call, source: 'portcullis.smoke' }).as).toBe('poison');
  });
});
