import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readTrail, recordsWrites } from '../../shared/aws/trail-reader.ts';
import { awsError, services } from '../fake-aws.ts';

const cloudtrail = mockClient(CloudTrailClient);
// Files share a process, and a mocked class would stay mocked.
afterAll(() => {
  cloudtrail.restore();
});
beforeEach(() => cloudtrail.reset());

const field = (Field: string, how: object) => ({ Field, ...how });
const MANAGEMENT = field('eventCategory', { Equals: ['Management'] });
const advanced = (...FieldSelectors: object[]) => ({ AdvancedEventSelectors: [{ FieldSelectors }] }) as never;
const basic = (selector: object) => ({ EventSelectors: [{ IncludeManagementEvents: true, ...selector }] }) as never;

describe('every call that writes is recorded', () => {
  test.each([
    ['all management events', basic({ ReadWriteType: 'All' })],
    ['writes only', basic({ ReadWriteType: 'WriteOnly' })],
    ['without the calls of KMS', basic({ ExcludeManagementEventSources: ['kms.amazonaws.com'] })],
    ['all management events, advanced', advanced(MANAGEMENT)],
    ['writes only, advanced', advanced(MANAGEMENT, field('readOnly', { Equals: ['false'] }))],
    ['without KMS, advanced', advanced(MANAGEMENT, field('eventSource', { NotEquals: ['kms.amazonaws.com'] }))],
  ])('by a trail of %s', (_what, selectors) => expect(recordsWrites(selectors)).toBe(true));

  test.each([
    ['nothing', {}],
    ['reads only', basic({ ReadWriteType: 'ReadOnly' })],
    ['data events only', basic({ IncludeManagementEvents: false })],
    ['without another service', basic({ ExcludeManagementEventSources: ['sagemaker.amazonaws.com'] })],
    ['data events only, advanced', advanced(field('eventCategory', { Equals: ['Data'] }))],
    ['reads only, advanced', advanced(MANAGEMENT, field('readOnly', { Equals: ['true'] }))],
    ['one service', advanced(MANAGEMENT, field('eventSource', { Equals: ['kms.amazonaws.com'] }))],
    ['without SageMaker', advanced(MANAGEMENT, field('eventSource', { NotEquals: ['sagemaker.amazonaws.com'] }))],
    [
      'without services that begin like it',
      advanced(MANAGEMENT, field('eventSource', { NotEquals: ['kms.amazonaws.com'], NotStartsWith: ['sagemaker'] })),
    ],
    ['what nobody looked into', advanced(MANAGEMENT, field('userIdentity.arn', { NotEquals: ['x'] }))],
  ])('not by a trail of %s', (_what, selectors) => expect(recordsWrites(selectors)).toBe(false));
});

describe('the trail', () => {
  const there = (...trailList: object[]) => cloudtrail.on(DescribeTrailsCommand).resolves({ trailList });
  const trail = (Name: string, rest: object = {}) => ({
    Name,
    TrailARN: `arn:${Name}`,
    IsMultiRegionTrail: true,
    HomeRegion: 'eu-west-1',
    ...rest,
  });
  const logging = (Name: string, IsLogging = true, selectors: object = basic({})) => {
    cloudtrail.on(GetTrailStatusCommand, { Name: `arn:${Name}` }).resolves({ IsLogging });
    cloudtrail.on(GetEventSelectorsCommand, { TrailName: `arn:${Name}` }).resolves(selectors);
  };

  test('is the first that records writes here, from whichever region it comes', async () => {
    there(trail('stopped'), trail('everywhere'));
    logging('stopped', false);
    logging('everywhere');
    expect(await readTrail(services())).toEqual({ trail: 'everywhere' });
  });
  test('may be of this region only', async () => {
    there(trail('here', { IsMultiRegionTrail: false, HomeRegion: 'us-east-1' }));
    logging('here');
    expect(await readTrail(services())).toEqual({ trail: 'here' });
  });
  test('lacks what it lacks', async () => {
    there(trail('stopped'), trail('data'), trail('far', { IsMultiRegionTrail: false }));
    logging('stopped', false);
    logging('data', true, {});
    expect(await readTrail(services())).toEqual({
      lacking: [
        'stopped is not logging',
        'data does not record all management events that write',
        'far is for eu-west-1 only',
      ],
    });
  });
  test('is missing where there is none', async () => {
    there();
    expect(await readTrail(services())).toEqual({ lacking: [] });
  });
  test('that cannot be looked at is an error, not a lack', async () => {
    there(trail('foreign'), trail('stopped'));
    cloudtrail.on(GetTrailStatusCommand, { Name: 'arn:foreign' }).rejects(awsError('AccessDeniedException'));
    logging('stopped', false);
    await expect(readTrail(services())).rejects.toThrow('AccessDeniedException');
  });
  test('that cannot be looked at does not matter beside one that is as it should be', async () => {
    there(trail('foreign'), trail('ours'));
    cloudtrail.on(GetTrailStatusCommand, { Name: 'arn:foreign' }).rejects(awsError('AccessDeniedException'));
    logging('ours');
    expect(await readTrail(services())).toEqual({ trail: 'ours' });
  });
});
