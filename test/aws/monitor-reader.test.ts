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
      },
    };
  });
  expect(list).toEqual([monitor({ type, baselineUris: ['s3://b/c', 's3://b/s'] })]);
  expect(calls).toContain(call);
  expect(calls).not.toContain('DescribeMonitoringSchedule');
});

test('a baseline under the name of another type does not count', async () => {
  const { list } = await monitors((world) => {
    world.definitions = {
      'fraud-prod-data-quality-job': { ModelBiasBaselineConfig: { ConstraintsResource: resource('s3://b/c') } },
    };
  });
  expect(list).toEqual([monitor({ baselineUris: [] })]);
});

test('a schedule with an inline definition is described for its baseline', async () => {
  const { list } = await monitors((world) => {
    world.schedules = [{ MonitoringScheduleName: 'old', MonitoringScheduleStatus: 'Stopped' }];
    world.inlineSchedules = {
      old: {
        MonitoringScheduleConfig: {
          MonitoringJobDefinition: { BaselineConfig: { ConstraintsResource: resource('s3://b/c') } },
        },
      } as never,
    };
  });
  expect(list).toEqual([
    monitor({ name: 'old', type: 'unknown', status: 'Stopped', baselineUris: ['s3://b/c'], createdAt: null }),
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
