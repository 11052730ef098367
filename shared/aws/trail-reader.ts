import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  type GetEventSelectorsCommandOutput,
  GetTrailStatusCommand,
  type Trail,
} from '@aws-sdk/client-cloudtrail';
import type { With } from './services.ts';

type Selectors = Pick<GetEventSelectorsCommandOutput, 'EventSelectors' | 'AdvancedEventSelectors'>;

/** What a selector may leave out without leaving out anything that the gate waits for. */
const NOT_OURS = /^(kms|rdsdata)\.amazonaws\.com$/;

/** Does a trail with these selectors record every call that changes something? */
export function recordsWrites({ EventSelectors = [], AdvancedEventSelectors = [] }: Selectors): boolean {
  const basic = EventSelectors.some(
    ({ IncludeManagementEvents, ReadWriteType, ExcludeManagementEventSources = [] }) =>
      IncludeManagementEvents === true &&
      ReadWriteType !== 'ReadOnly' &&
      ExcludeManagementEventSources.every((source) => NOT_OURS.test(source)),
  );
  const advanced = AdvancedEventSelectors.some(({ FieldSelectors = [] }) => {
    const about = (name: string) => FieldSelectors.filter(({ Field }) => Field === name);
    return (
      about('eventCategory').some(({ Equals }) => Equals?.includes('Management')) &&
      about('readOnly').every(({ Equals }) => Equals?.includes('false')) &&
      // Any other field narrows it in a way that is not looked into.
      FieldSelectors.every(
        ({ Field, NotEquals, ...more }) =>
          Field === 'eventCategory' ||
          Field === 'readOnly' ||
          (Field === 'eventSource' &&
            NotEquals?.every((source) => NOT_OURS.test(source)) === true &&
            Object.values(more).every((value) => value === undefined)),
      )
    );
  });
  return basic || advanced;
}

/** What a trail lacks for CloudTrail's events of this region to reach EventBridge; undefined where it lacks nothing. */
async function lackOf(cloudtrail: CloudTrailClient, trail: Trail, region: string): Promise<string | undefined> {
  const { Name, TrailARN, HomeRegion, IsMultiRegionTrail } = trail;
  if (!IsMultiRegionTrail && HomeRegion !== region) return `${Name} is for ${HomeRegion} only`;
  // A trail of another region or of the organization is known by its ARN only.
  const { IsLogging } = await cloudtrail.send(new GetTrailStatusCommand({ Name: TrailARN }));
  if (!IsLogging) return `${Name} is not logging`;
  const selectors = await cloudtrail.send(new GetEventSelectorsCommand({ TrailName: TrailARN }));
  return recordsWrites(selectors) ? undefined : `${Name} does not record all management events that write`;
}

/**
 * The trail that lets CloudTrail's events reach EventBridge here, or what every trail lacks for it. One that cannot be
 * looked at is an error, unless another is as it should be.
 */
export async function readTrail({ config }: With): Promise<{ trail: string } | { lacking: string[] }> {
  const cloudtrail = new CloudTrailClient({ region: config.region });
  const { trailList = [] } = await cloudtrail.send(new DescribeTrailsCommand({}));
  const lacking: string[] = [];
  let refused: unknown;
  for (const trail of trailList) {
    try {
      const lack = await lackOf(cloudtrail, trail, config.region);
      if (lack === undefined) return { trail: trail.Name ?? '' };
      lacking.push(lack);
    } catch (error) {
      refused ??= error;
    }
  }
  if (refused) throw refused;
  return { lacking };
}
