import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { paginateListInferenceComponents } from '@aws-sdk/client-sagemaker';
import type { ShownAlarm, ShownComponent, ShownEndpoint } from '../model/shown-endpoint.ts';
import { readOpenMutes } from './alarm-mutes.ts';
import { listEndpoints } from './endpoint-list.ts';
import { searchEndpoints } from './endpoint-search.ts';
import { listFleetScaling } from './fleet-scaling.ts';
import type { RememberedEndpoint } from './remembered-endpoints.ts';
import type { With } from './services.ts';

type Listing = With<'sagemaker' | 'cloudwatch' | 'scaling'>;

/**
 * Search may be behind; what was modified since the last sweep is in ListEndpoints for certain, and what was modified before
 * that the last sweep had from there. The minute is for clocks that differ.
 */
const BEFORE_LAST_MS = 60_000;
/** Where no sweep is known. */
const RECENT_MS = 3_600_000;

type Described = Omit<ShownAlarm, 'mutedBy'>;

/** Alarms by name, a hundred for each call; a name that is not answered does not exist. */
async function readAlarms({ cloudwatch }: Listing, names: readonly string[]): Promise<Map<string, Described>> {
  const found = new Map<string, Described>();
  for (let start = 0; start < names.length; start += 100) {
    const page = await cloudwatch.send(
      new DescribeAlarmsCommand({
        AlarmNames: names.slice(start, start + 100),
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'],
        MaxRecords: 100,
      }),
    );
    for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? []), ...(page.LogAlarms ?? [])]) {
      const {
        AlarmName: name = '',
        ActionsEnabled,
        AlarmConfigurationUpdatedTimestamp: updated,
        StateValue: state,
        StateTransitionedTimestamp: since,
      } = alarm as {
        StateValue?: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
        StateTransitionedTimestamp?: Date;
        AlarmName?: string;
        ActionsEnabled?: boolean;
        AlarmConfigurationUpdatedTimestamp?: Date;
      };
      found.set(name, {
        name,
        exists: true,
        actionsEnabled: ActionsEnabled ?? false,
        updatedAt: updated?.toISOString(),
        ...(state && { state, stateSince: since?.toISOString() ?? null }),
      });
    }
  }
  return found;
}

async function listComponents({ sagemaker }: Listing): Promise<Map<string, ShownComponent[]>> {
  const found = new Map<string, ShownComponent[]>();
  for await (const page of paginateListInferenceComponents({ client: sagemaker, pageSize: 100 }, {})) {
    for (const { InferenceComponentName: name = '', EndpointName = '', LastModifiedTime } of page.InferenceComponents ??
      []) {
      const key = EndpointName.toLowerCase();
      found.set(key, [...(found.get(key) ?? []), { name, lastModifiedAt: LastModifiedTime?.toISOString() }]);
    }
  }
  return found;
}

/**
 * Everything that lists show about the endpoints of a place, a hundred (targets: fifty) for each call. The list of
 * endpoints must be read or this throws; any other list that cannot be read is left out, and its error is in `problems`.
 */
export async function listFleet(
  services: Listing,
  remembered: readonly RememberedEndpoint[],
  lastSweptAt?: string,
): Promise<{ shown: ShownEndpoint[]; problems: Error[] }> {
  const problems: Error[] = [];
  const orNothing = <T>(reading: Promise<T>): Promise<T | undefined> =>
    reading.catch((error: Error) => {
      problems.push(error);
      return undefined;
    });
  const names = [...new Set(remembered.flatMap(({ alarms }) => alarms))].sort();
  const recentFrom =
    lastSweptAt === undefined ? Date.parse(services.now()) - RECENT_MS : Date.parse(lastSweptAt) - BEFORE_LAST_MS;
  const [searched, recent, alarms, mutes, scaling, components] = await Promise.all([
    orNothing(searchEndpoints(services)),
    listEndpoints(services, new Date(recentFrom)),
    orNothing(readAlarms(services, names)),
    names.length > 0 ? orNothing(readOpenMutes(services)) : undefined,
    orNothing(listFleetScaling(services)),
    orNothing(listComponents(services)),
  ]);
  const all = new Map<string, Pick<ShownEndpoint, 'name' | 'status' | 'lastModifiedAt' | 'searched'>>();
  for (const each of searched ?? []) all.set(each.name.toLowerCase(), each);
  // Without Search, the names and times of all of them are better than nothing.
  for (const each of searched ? recent : await listEndpoints(services)) {
    const known = all.get(each.name.toLowerCase());
    const same = known?.lastModifiedAt === each.lastModifiedAt && known?.status === each.status;
    if (!same) all.set(each.name.toLowerCase(), { ...each, searched: undefined });
  }
  const alarmsOf = new Map(remembered.map(({ ref, alarms }) => [ref.name.toLowerCase(), alarms]));
  const shown = [...all].map(([key, each]): ShownEndpoint => {
    const watching = alarmsOf.get(key) ?? [];
    const absent = (name: string) => ({ name, exists: false, actionsEnabled: false, updatedAt: undefined });
    const shownAlarm = (name: string): ShownAlarm => ({
      ...(alarms?.get(name) ?? absent(name)),
      mutedBy: mutes && (mutes.get(name) ?? []),
    });
    return {
      ...each,
      alarms: alarms && watching.length > 0 ? watching.map(shownAlarm) : undefined,
      scaling: scaling && (scaling.get(key) ?? []),
      components: components && (components.get(key) ?? []),
    };
  });
  return { shown, problems };
}
