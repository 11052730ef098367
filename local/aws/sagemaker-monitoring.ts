import * as z from 'zod';
import { recordedOperations } from './cloudtrail.ts';
import { type Json, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import { laterThan } from './sagemaker-endpoint-life.ts';
import { jobDefinitionEndpoint, MonitoringType, requireJobDefinition } from './sagemaker-job-definitions.ts';
import {
  arnOf,
  find,
  keyOf,
  listResources,
  Name,
  putTags,
  type ResourceRow,
  removeResource,
  SAGEMAKER,
  seconds,
  TagList,
} from './sagemaker-resources.ts';

const InlineDefinition = z.looseObject({
  BaselineConfig: z.looseObject({}).optional(),
  MonitoringInputs: z
    .array(z.looseObject({ EndpointInput: z.looseObject({ EndpointName: Name }).optional() }))
    .min(1)
    .max(1),
  MonitoringOutputConfig: z.looseObject({}),
  MonitoringResources: z.looseObject({}),
  MonitoringAppSpecification: z.looseObject({ ImageUri: z.string() }),
  RoleArn: z.string(),
});
const ScheduleConfig = z
  .strictObject({
    ScheduleConfig: z.looseObject({ ScheduleExpression: z.string().min(1).max(256) }).optional(),
    MonitoringJobDefinition: InlineDefinition.optional(),
    MonitoringJobDefinitionName: Name.optional(),
    MonitoringType: MonitoringType.optional(),
  })
  .refine(
    (config) => (config.MonitoringJobDefinition === undefined) !== (config.MonitoringJobDefinitionName === undefined),
    'Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be given',
  )
  .refine(
    (config) => !config.MonitoringJobDefinitionName || config.MonitoringType,
    'MonitoringType is required with a MonitoringJobDefinitionName',
  );
const CreateInput = z.strictObject({
  MonitoringScheduleName: Name,
  MonitoringScheduleConfig: ScheduleConfig,
  Tags: TagList.optional(),
});
const UpdateInput = CreateInput.omit({ Tags: true });
const NameInput = z.strictObject({ MonitoringScheduleName: Name });
const Filters = z.looseObject({
  EndpointName: z.string().optional(),
  MonitoringTypeEquals: MonitoringType.optional(),
  MonitoringJobDefinitionName: z.string().optional(),
});

type ScheduleRow = ResourceRow & {
  status: 'Scheduled' | 'Stopped';
  /** How its runs end; set by the seed. Nothing really runs: the last full hour is said to have. */
  runs?: Run;
  endpointName?: string;
  config: z.infer<typeof ScheduleConfig>;
};

/** Which endpoint it watches; one with only a batch transform job as its input watches none. */
function endpointOf(loopback: Loopback, config: ScheduleRow['config']): string | undefined {
  const { MonitoringJobDefinition: inline, MonitoringJobDefinitionName: named, MonitoringType } = config;
  const name =
    named && MonitoringType
      ? jobDefinitionEndpoint(requireJobDefinition(loopback, MonitoringType, named))
      : inline?.MonitoringInputs[0]?.EndpointInput?.EndpointName;
  if (name) find(loopback, 'endpoint', name);
  return name;
}

function requireSchedule(loopback: Loopback, name: string): ScheduleRow {
  const row = loopback.store.get<ScheduleRow>('monitoring-schedule', keyOf(name));
  if (row) return row;
  throw new AwsError(
    'ResourceNotFound',
    `Monitoring schedule ${arnOf(loopback, 'monitoring-schedule', name)} not found.`,
  );
}

const put = (loopback: Loopback, row: ScheduleRow) => loopback.store.put('monitoring-schedule', keyOf(row.name), row);

const turn = (status: ScheduleRow['status']) => (loopback: Loopback, input: Json) => {
  const row = requireSchedule(loopback, readInput(NameInput, input).MonitoringScheduleName);
  put(loopback, { ...row, status, modifiedAt: laterThan(row.modifiedAt, loopback) });
  return {};
};

/** How runs of a schedule end: `never` is a schedule that stands still although it is `Scheduled`. */
export const Run = z.enum(['Completed', 'CompletedWithViolations', 'Failed', 'InProgress', 'never']);
type Run = z.infer<typeof Run>;
const HOUR_MS = 60 * 60 * 1000;

/** The run of the last full hour since it was set going, whatever hours its expression names; `NOW` runs once. */
function lastRun(
  { name, status, createdAt, modifiedAt, endpointName, config, runs = 'Completed' }: ScheduleRow,
  now: Date,
) {
  const once = config.ScheduleConfig?.ScheduleExpression === 'NOW';
  const end = once ? createdAt : status === 'Scheduled' ? now.getTime() : modifiedAt;
  const at = once ? createdAt : Math.floor(end / HOUR_MS) * HOUR_MS;
  if (runs === 'never' || at < createdAt) return undefined;
  return present({
    MonitoringScheduleName: name,
    ScheduledTime: seconds(at),
    CreationTime: seconds(at),
    LastModifiedTime: seconds(at),
    MonitoringExecutionStatus: runs,
    EndpointName: endpointName,
    MonitoringType: config.MonitoringType,
    FailureReason: runs === 'Failed' ? 'Job inputs had no data' : undefined,
  });
}

/** Members that DescribeMonitoringSchedule and the summaries of the list share. */
const shared = ({ name, arn, status, createdAt, modifiedAt, endpointName, config }: ScheduleRow) =>
  present({
    MonitoringScheduleName: name,
    MonitoringScheduleArn: arn,
    MonitoringScheduleStatus: status,
    MonitoringType: config.MonitoringType,
    EndpointName: endpointName,
    CreationTime: seconds(createdAt),
    LastModifiedTime: seconds(modifiedAt),
  });

/** What DescribeMonitoringSchedule answers. */
export const describeSchedule = (row: ScheduleRow, now: Date): Json =>
  present({
    ...shared(row),
    MonitoringScheduleConfig: row.config,
    LastMonitoringExecutionSummary: lastRun(row, now),
  });

/** The schedules that watch an endpoint. */
export const schedulesOf = (loopback: Loopback, endpoint: string): ScheduleRow[] =>
  loopback.store
    .list<ScheduleRow>('monitoring-schedule')
    .filter(({ endpointName }) => keyOf(endpointName ?? '') === keyOf(endpoint));

/** `seeded` is for the seed: its schedules have been there for a while, and run as it says. */
export function monitoringSchedules(loopback: Loopback, seeded?: { createdAt: Date; runs: () => Run }): ServiceTable {
  return {
    ...recordedOperations(loopback, SAGEMAKER, {
      CreateMonitoringSchedule: (loopback, input) => {
        const { MonitoringScheduleName: name, MonitoringScheduleConfig: config, Tags } = readInput(CreateInput, input);
        const arn = arnOf(loopback, 'monitoring-schedule', name);
        if (loopback.store.get('monitoring-schedule', keyOf(name))) {
          throw new AwsError('ResourceInUse', `Monitoring schedule ${arn} already exists.`);
        }
        const at = (seeded?.createdAt ?? loopback.now()).getTime();
        const endpointName = endpointOf(loopback, config);
        put(loopback, {
          name,
          arn,
          status: 'Scheduled',
          createdAt: at,
          modifiedAt: at,
          config,
          ...present({ endpointName, runs: seeded?.runs() }),
        });
        putTags(loopback, arn, Tags);
        return { MonitoringScheduleArn: arn };
      },
      UpdateMonitoringSchedule: (loopback, input) => {
        const { MonitoringScheduleName: name, MonitoringScheduleConfig: config } = readInput(UpdateInput, input);
        const { endpointName: _before, ...row } = requireSchedule(loopback, name);
        const endpointName = endpointOf(loopback, config);
        put(loopback, {
          ...row,
          config,
          modifiedAt: laterThan(row.modifiedAt, loopback),
          ...present({ endpointName }),
        });
        return { MonitoringScheduleArn: row.arn };
      },
      StartMonitoringSchedule: turn('Scheduled'),
      StopMonitoringSchedule: turn('Stopped'),
      DeleteMonitoringSchedule: (loopback, input) => {
        const row = requireSchedule(loopback, readInput(NameInput, input).MonitoringScheduleName);
        removeResource(loopback, 'monitoring-schedule', row);
        return {};
      },
    }),
    DescribeMonitoringSchedule: (input) =>
      describeSchedule(requireSchedule(loopback, readInput(NameInput, input).MonitoringScheduleName), loopback.now()),
    ListMonitoringSchedules: (input) => {
      const {
        EndpointName: endpoint,
        MonitoringTypeEquals: type,
        MonitoringJobDefinitionName: definition,
      } = readInput(Filters, input);
      const rows = loopback.store
        .list<ScheduleRow>('monitoring-schedule')
        .filter(
          ({ endpointName, config }) =>
            (endpoint === undefined || keyOf(endpointName ?? '') === keyOf(endpoint)) &&
            (type === undefined || config.MonitoringType === type) &&
            (definition === undefined || config.MonitoringJobDefinitionName === definition),
        );
      const { items, next } = listResources(rows, input);
      const summaries = items.map((row) =>
        present({ ...shared(row), MonitoringJobDefinitionName: row.config.MonitoringJobDefinitionName }),
      );
      return present({ MonitoringScheduleSummaries: summaries, NextToken: next });
    },
  };
}
