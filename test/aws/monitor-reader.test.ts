import { expect, test } from 'vitest';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import { endpoint, monitor } from '../builders.ts';
import { fakeAws, type World } from '../fake-aws.ts';

async function monitors(change: (world: World) => void) {
  const aws = fakeAws();
  change(aws.world);
  return { list: (await readEndpoint(aws.services, endpoint))?.monitors, calls: aws.calls };
}
const resource = (S3Uri: string) => ({ S3Uri });

test.each([
  ['DataQuality', 'DataQualityBaselineConfig', 'DescribeDataQualityJobDefinition'],
  ['ModelQuality', 'ModelQualityBaselineConfig', 'DescribeModelQualityJobDefinition'],
  ['ModelBias', 'ModelBiasBaselineConfig', 'DescribeModelBiasJobDefinition'],
  ['ModelExplainability', 'ModelExplainabilityBaselineConfig', 'DescribeModelExplainabilityJobDefinition'],
] as const)('the baseline of a %s schedule is in its job definition', async (type, field, call) => {
  const { list, calls } = await monitors((world) => {
    Object.assign(world.schedules[0] ?? {}, { MonitoringType: type });
    world.definitions = {
      'fraud-prod-data-quality-job': {
        [field]: { ConstraintsResource: resource('s3://b/c'), StatisticsResource: resource('s3://b/s') },
        JobResources: { ClusterConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 2 } },
      },
    };
    world.objects['b/c'] = {};
    world.objects['b/s'] = {};
  });
  const runsOn = { instanceType: 'ml.m5.xlarge', instances: 2 };
  expect(list).toEqual([monitor({ type, baselineUris: ['s3://b/c', 's3://b/s'], runsOn })]);
  expect(calls).toContain(call);
});

test('a baseline under the name of another type does not count', async () => {
  const { list } = await monitors((world) => {
    world.definitions = {
      'fraud-prod-data-quality-job': { ModelBiasBaselineConfig: { ConstraintsResource: resource('s3://b/c') } },
    };
  });
  expect(list).toEqual([monitor({ baselineUris: [], runsOn: null })]);
});

test('a job definition that was deleted under its schedule is no baseline', async () => {
  const { list } = await monitors((world) => {
    world.definitions = {};
  });
  expect(list).toEqual([monitor({ baselineUris: [], runsOn: null })]);
});

test.each([
  [undefined, 'missing'],
  [404, 'missing'],
  [403, 'unverifiable'],
  [400, 'unverifiable'],
] as const)('of a baseline that S3 answers with %s it is known that it is %s', async (answer, why) => {
  const uri = 's3://ml-artifacts-prod/fraud/constraints.json';
  const { list } = await monitors((world) => {
    if (answer === undefined) delete world.objects['ml-artifacts-prod/fraud/constraints.json'];
    else world.objects['ml-artifacts-prod/fraud/constraints.json'] = answer;
  });
  expect(list).toEqual([monitor({ unseenBaselines: [{ uri, why }] })]);
});

test('a baseline that is no S3 object cannot be verified', async () => {
  const { list } = await monitors((world) => {
    world.definitions = {
      'fraud-prod-data-quality-job': { DataQualityBaselineConfig: { ConstraintsResource: resource('file:///c') } },
    };
  });
  expect(list?.[0]?.unseenBaselines).toEqual([{ uri: 'file:///c', why: 'unverifiable' }]);
});

test('a baseline that S3 fails to tell of fails the whole reading', async () => {
  await expect(
    monitors((world) => {
      world.objects['ml-artifacts-prod/fraud/constraints.json'] = 503;
    }),
  ).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
});

test('a schedule that never ran has no last run, and one that failed says why', async () => {
  const run = (summary: object | undefined) =>
    monitors((world) => {
      const described = world.described['fraud-prod-data-quality'];
      world.described['fraud-prod-data-quality'] = { ...described, LastMonitoringExecutionSummary: summary as never };
    });
  expect((await run(undefined)).list).toEqual([monitor({ lastRun: null })]);
  const failed = {
    MonitoringExecutionStatus: 'Failed',
    ScheduledTime: new Date('2026-11-20T08:00:00.000Z'),
    FailureReason: 'Job inputs had no data',
  };
  expect((await run(failed)).list?.[0]?.lastRun).toEqual({
    status: 'Failed',
    scheduledAt: '2026-11-20T08:00:00.000Z',
    failureReason: 'Job inputs had no data',
  });
  await expect(run({ ...failed, MonitoringExecutionStatus: 'Dreaming' })).rejects.toMatchObject({
    name: 'UnreadableFactsError',
    message: expect.stringContaining('monitors.0.lastRun.status'),
  });
});

test('a schedule with an inline definition is described for its baseline', async () => {
  const { list } = await monitors((world) => {
    world.schedules = [{ MonitoringScheduleName: 'old', MonitoringScheduleStatus: 'Stopped' }];
    world.described = {
      old: {
        MonitoringScheduleConfig: {
          MonitoringJobDefinition: {
            BaselineConfig: { ConstraintsResource: resource('s3://b/c') },
            MonitoringResources: { ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1 } },
          },
        },
      } as never,
    };
    world.objects['b/c'] = {};
  });
  const untold = { expression: null, createdAt: null, modifiedAt: null, lastRun: null, jobDefinition: null };
  expect(list).toEqual([
    monitor({ name: 'old', type: 'unknown', status: 'Stopped', baselineUris: ['s3://b/c'], ...untold }),
  ]);
});

test('a schedule that is gone before it is described fails the reading: no monitor is a fact, an unread one is not', async () => {
  await expect(
    monitors((world) => {
      world.schedules = [{ MonitoringScheduleName: 'gone' }];
    }),
  ).rejects.toMatchObject({ name: 'ResourceNotFound' });
});

test('no schedule is a fact', async () => {
  expect(
    (
      await monitors((world) => {
        world.schedules = [];
      })
    ).list,
  ).toEqual([]);
});

test('only the schedules of this endpoint are asked for', async () => {
  const aws = fakeAws();
  const asked: unknown[] = [];
  aws.world.before = (command, input) => void (command === 'ListMonitoringSchedules' && asked.push(input));
  await readEndpoint(aws.services, endpoint);
  expect(asked).toEqual([expect.objectContaining({ EndpointName: 'fraud-prod' })]);
});
