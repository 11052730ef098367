import * as z from 'zod';
import { describeAlarmHistory, keepInHistory } from './alarm-histories.ts';
import { muteRuleMutations, muteRuleQueries } from './alarm-mute-rules.ts';
import { type RecordedService, recordedOperations } from './cloudtrail.ts';
import { announceConfiguration, announceState } from './cloudwatch-events.ts';
import { type Json, pageOf, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';

const CLOUDWATCH: RecordedService = { source: 'aws.monitoring', eventSource: 'monitoring.amazonaws.com' };
/** CloudWatch comes from AWS's query protocol, where this is the name of the error. */
const INVALID = 'ValidationError';

const AlarmName = z.string().min(1).max(255);
const Actions = z.array(z.string().max(1024)).max(5).default([]);
const StateValue = z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']);
const Dimension = z.strictObject({ Name: z.string().min(1).max(255), Value: z.string().min(1).max(1024) });
const common = {
  AlarmName,
  AlarmDescription: z.string().max(1024).optional(),
  ActionsEnabled: z.boolean().default(true),
  OKActions: Actions,
  AlarmActions: Actions,
  InsufficientDataActions: Actions,
  Tags: z.array(z.looseObject({})).optional(),
};
const MetricAlarm = z
  .strictObject({
    ...common,
    MetricName: z.string().min(1).max(255).optional(),
    Namespace: z.string().min(1).max(255).optional(),
    Statistic: z.enum(['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum']).optional(),
    ExtendedStatistic: z.string().optional(),
    Dimensions: z.array(Dimension).max(30).optional(),
    Period: z.number().int().positive().optional(),
    Unit: z.string().optional(),
    EvaluationPeriods: z.number().int().positive(),
    DatapointsToAlarm: z.number().int().positive().optional(),
    Threshold: z.number().optional(),
    ComparisonOperator: z.enum([
      'GreaterThanOrEqualToThreshold',
      'GreaterThanThreshold',
      'LessThanThreshold',
      'LessThanOrEqualToThreshold',
      'LessThanLowerOrGreaterThanUpperThreshold',
      'LessThanLowerThreshold',
      'GreaterThanUpperThreshold',
    ]),
    TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore', 'missing']).optional(),
    EvaluateLowSampleCountPercentile: z.string().optional(),
    Metrics: z.array(z.looseObject({ Id: z.string() })).optional(),
    ThresholdMetricId: z.string().optional(),
  })
  .refine(({ MetricName, Metrics }) => (MetricName === undefined) !== (Metrics === undefined), {
    error: 'Exactly one of MetricName and Metrics must be given',
  })
  .refine(({ MetricName, Namespace, Period }) => MetricName === undefined || (Namespace && Period), {
    error: 'With MetricName, Namespace and Period are required',
  });
const CompositeAlarm = z.strictObject({
  ...common,
  AlarmRule: z.string().min(1).max(10_240),
  ActionsSuppressor: z.string().optional(),
  ActionsSuppressorWaitPeriod: z.number().int().optional(),
  ActionsSuppressorExtensionPeriod: z.number().int().optional(),
});
const NamesInput = z.strictObject({ AlarmNames: z.array(AlarmName).max(100) });
const StateInput = z.strictObject({
  AlarmName,
  StateValue,
  StateReason: z.string().max(1023),
  StateReasonData: z.string().max(4000).optional(),
});
const DescribeInput = z.strictObject({
  AlarmNames: z.array(AlarmName).max(100).optional(),
  AlarmNamePrefix: z.string().min(1).max(255).optional(),
  // AWS answers metric alarms only unless it is asked for others.
  AlarmTypes: z.array(z.enum(['MetricAlarm', 'CompositeAlarm', 'LogAlarm'])).default(['MetricAlarm']),
  StateValue: StateValue.optional(),
  ActionPrefix: z.string().optional(),
  MaxRecords: z.number().int().min(1).max(100).default(50),
  NextToken: z.string().optional(),
});

/** An alarm as it is stored: what was put, and its state (`at`: since when); times in epoch milliseconds. */
export type AlarmRow = {
  type: 'MetricAlarm' | 'CompositeAlarm';
  name: string;
  arn: string;
  definition: Json & { ActionsEnabled: boolean };
  updatedAt: number;
  state: { value: z.infer<typeof StateValue>; reason: string; reasonData?: string; at: number };
  /** EvaluationState, which no call sets. */
  evaluation?: string;
};

const put = (loopback: Loopback, row: AlarmRow) => loopback.store.put('alarm', row.name, row);

function putAlarm(
  loopback: Loopback,
  type: AlarmRow['type'],
  definition: AlarmRow['definition'],
  name: string,
): object {
  const before = loopback.store.get<AlarmRow>('alarm', name);
  if (before && before.type !== type) {
    throw new AwsError(INVALID, `Alarm ${name} exists and is a ${before.type}; its type cannot be changed.`);
  }
  const at = loopback.now().getTime();
  const row: AlarmRow = {
    type,
    name,
    arn: `arn:aws:cloudwatch:${loopback.region}:${loopback.account}:alarm:${name}`,
    definition,
    updatedAt: at,
    // An update leaves the state as it is (PutMetricAlarm API).
    state: before?.state ?? { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation', at },
  };
  put(loopback, row);
  announceConfiguration(loopback, row, before ? 'update' : 'create', before);
  return {};
}

const turnActions = (enabled: boolean) => (loopback: Loopback, input: Json) => {
  for (const name of readInput(NamesInput, input, INVALID).AlarmNames) {
    const before = loopback.store.get<AlarmRow>('alarm', name);
    if (!before || before.definition.ActionsEnabled === enabled) continue;
    const definition = { ...before.definition, ActionsEnabled: enabled };
    const row = { ...before, definition, updatedAt: loopback.now().getTime() };
    put(loopback, row);
    announceConfiguration(loopback, row, 'update', before);
  }
  return {};
};

function describe({ name, arn, definition, updatedAt, state, evaluation }: AlarmRow): Json {
  const { Tags: _tags, AlarmName: _name, ...members } = definition;
  return present({
    AlarmName: name,
    AlarmArn: arn,
    ...members,
    AlarmConfigurationUpdatedTimestamp: updatedAt / 1000,
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.reasonData,
    EvaluationState: evaluation,
    StateUpdatedTimestamp: state.at / 1000,
    StateTransitionedTimestamp: state.at / 1000,
  });
}

/** A composite whose suppressor is in ALARM takes no actions. Waits and extensions of the suppression are not kept. */
function suppression(loopback: Loopback, { definition }: AlarmRow): Json {
  const suppressor = (definition.ActionsSuppressor as string | undefined)?.split(':alarm:').at(-1);
  const state = suppressor === undefined ? undefined : loopback.store.get<AlarmRow>('alarm', suppressor)?.state;
  return state?.value === 'ALARM'
    ? { ActionsSuppressedBy: 'Alarm', ActionsSuppressedReason: `${suppressor} is in ALARM` }
    : {};
}

function describeAlarms(loopback: Loopback, input: Json): Json {
  const wanted = readInput(DescribeInput, input, INVALID);
  const { AlarmNames: names, AlarmNamePrefix: prefix, ActionPrefix: action } = wanted;
  if (names && prefix) {
    throw new AwsError('InvalidParameterCombination', 'AlarmNames and AlarmNamePrefix cannot be used together.');
  }
  // Who names them does not pay for all the others.
  const candidates = names
    ? [...new Set(names)].flatMap((name) => loopback.store.get<AlarmRow>('alarm', name) ?? [])
    : loopback.store.list<AlarmRow>('alarm');
  const rows = candidates.filter(
    ({ type, name, state, definition }) =>
      wanted.AlarmTypes.includes(type) &&
      name.startsWith(prefix ?? '') &&
      (wanted.StateValue ?? state.value) === state.value &&
      (action === undefined || (definition.AlarmActions as string[]).some((arn) => arn.startsWith(action))),
  );
  const { items, next } = pageOf(rows, ({ name }) => name, { token: wanted.NextToken, limit: wanted.MaxRecords });
  const ofType = (type: AlarmRow['type']) =>
    items.filter((row) => row.type === type).map((row) => ({ ...describe(row), ...suppression(loopback, row) }));
  return present({ MetricAlarms: ofType('MetricAlarm'), CompositeAlarms: ofType('CompositeAlarm'), NextToken: next });
}

/** CloudWatch's alarms. Nothing evaluates them: their state is what SetAlarmState says, and so is their history. */
export function cloudwatch(loopback: Loopback): ServiceTable {
  return {
    ...recordedOperations(loopback, CLOUDWATCH, {
      PutMetricAlarm: (loopback, input) => {
        const definition = readInput(MetricAlarm, input, INVALID);
        return putAlarm(loopback, 'MetricAlarm', definition, definition.AlarmName);
      },
      PutCompositeAlarm: (loopback, input) => {
        const definition = readInput(CompositeAlarm, input, INVALID);
        return putAlarm(loopback, 'CompositeAlarm', definition, definition.AlarmName);
      },
      // Names that do not exist are no error (DeleteAlarms API).
      DeleteAlarms: (loopback, input) => {
        for (const name of readInput(NamesInput, input, INVALID).AlarmNames) {
          const row = loopback.store.get<AlarmRow>('alarm', name);
          if (!row) continue;
          loopback.store.delete('alarm', name);
          announceConfiguration(loopback, row, 'delete');
        }
        return {};
      },
      EnableAlarmActions: turnActions(true),
      DisableAlarmActions: turnActions(false),
      SetAlarmState: (loopback, input) => {
        const wanted = readInput(StateInput, input, INVALID);
        const before = loopback.store.get<AlarmRow>('alarm', wanted.AlarmName);
        if (!before) throw new AwsError('ResourceNotFound', `Alarm ${wanted.AlarmName} does not exist.`, 404);
        const now = loopback.now().getTime();
        const state = {
          value: wanted.StateValue,
          reason: wanted.StateReason,
          at: before.state.value === wanted.StateValue ? before.state.at : now,
          ...present({ reasonData: wanted.StateReasonData }),
        };
        const row = { ...before, state };
        put(loopback, row);
        if (before.state.value !== state.value) {
          keepInHistory(loopback, row, before);
          announceState(loopback, row, before);
        }
        return {};
      },
      ...muteRuleMutations,
    }),
    ...muteRuleQueries(loopback),
    DescribeAlarms: (input) => describeAlarms(loopback, input),
    DescribeAlarmHistory: (input) => describeAlarmHistory(loopback, input),
  };
}
