import * as z from 'zod';
import type { Mutation } from './cloudtrail.ts';
import { type Json, pageOf, present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';
import { durationMinutes, kindOf, stateOf } from './mute-window.ts';

const INVALID = 'ValidationError';
const RuleName = z.string().min(1).max(255);
const EpochSeconds = z.number().nonnegative();
const PutInput = z.strictObject({
  Name: RuleName,
  Description: z.string().max(1024).optional(),
  Rule: z.strictObject({
    Schedule: z.strictObject({
      Expression: z.string().min(1).max(256),
      Duration: z.string().min(1),
      Timezone: z.literal('UTC', { error: 'the loopback AWS knows UTC only' }).optional(),
    }),
  }),
  MuteTargets: z.strictObject({ AlarmNames: z.array(z.string().min(1).max(255)).max(100) }).optional(),
  Tags: z.array(z.looseObject({})).optional(),
  StartDate: EpochSeconds.optional(),
  ExpireDate: EpochSeconds.optional(),
});
const NameInput = z.strictObject({ AlarmMuteRuleName: RuleName });
const Status = z.enum(['SCHEDULED', 'ACTIVE', 'EXPIRED']);
const ListInput = z.strictObject({
  AlarmName: z.string().optional(),
  Statuses: z.array(Status).optional(),
  MaxRecords: z.number().int().min(1).max(100).default(50),
  NextToken: z.string().optional(),
});

type MuteRuleRow = { name: string; arn: string; definition: z.infer<typeof PutInput>; updatedAt: number };

function statusOf({ definition }: MuteRuleRow, now: Date): z.infer<typeof Status> {
  const { Rule, StartDate = 0, ExpireDate = Number.POSITIVE_INFINITY } = definition;
  const seconds = now.getTime() / 1000;
  if (seconds >= ExpireDate) return 'EXPIRED';
  if (seconds < StartDate) return 'SCHEDULED';
  const { Expression, Duration } = Rule.Schedule;
  const state = stateOf({ expression: Expression, minutes: durationMinutes(Duration) }, now);
  if (state === 'over') return 'EXPIRED';
  return state === 'open' ? 'ACTIVE' : 'SCHEDULED';
}

const summary = (row: MuteRuleRow, now: Date): Json =>
  present({
    AlarmMuteRuleArn: row.arn,
    ExpireDate: row.definition.ExpireDate,
    Status: statusOf(row, now),
    MuteType: kindOf(row.definition.Rule.Schedule.Expression),
    LastUpdatedTimestamp: row.updatedAt / 1000,
  });

const listed = (loopback: Loopback, { AlarmName, Statuses }: z.infer<typeof ListInput>) =>
  loopback.store
    .list<MuteRuleRow>('alarm-mute-rule')
    .filter(
      (row) =>
        (AlarmName === undefined || row.definition.MuteTargets?.AlarmNames.includes(AlarmName)) &&
        (Statuses?.includes(statusOf(row, loopback.now())) ?? true),
    );

/** Calls that change mute rules: the actions of alarms are silenced in a window of time, while they go on evaluating. */
export const muteRuleMutations: Record<string, Mutation> = {
  PutAlarmMuteRule: (loopback, input) => {
    const definition = readInput(PutInput, input, INVALID);
    const { Expression, Duration } = definition.Rule.Schedule;
    kindOf(Expression);
    durationMinutes(Duration);
    const missing = definition.MuteTargets?.AlarmNames.find((name) => !loopback.store.get('alarm', name));
    if (missing !== undefined) throw new AwsError(INVALID, `Alarm ${missing} does not exist.`);
    const name = definition.Name;
    const arn = `arn:aws:cloudwatch:${loopback.region}:${loopback.account}:alarm-mute-rule:${name}`;
    loopback.store.put('alarm-mute-rule', name, { name, arn, definition, updatedAt: loopback.now().getTime() });
    return {};
  },
  // A name that does not exist is no error (DeleteAlarmMuteRule API is idempotent).
  DeleteAlarmMuteRule: (loopback, input) => {
    loopback.store.delete('alarm-mute-rule', readInput(NameInput, input, INVALID).AlarmMuteRuleName);
    return {};
  },
};

export function muteRuleQueries(loopback: Loopback): ServiceTable {
  return {
    GetAlarmMuteRule: (input) => {
      const { AlarmMuteRuleName: name } = readInput(NameInput, input, INVALID);
      const row = loopback.store.get<MuteRuleRow>('alarm-mute-rule', name);
      if (!row) throw new AwsError('ResourceNotFoundException', `Alarm mute rule ${name} does not exist.`, 404);
      const { Description, Rule, MuteTargets, StartDate } = row.definition;
      return present({ Name: name, Description, Rule, MuteTargets, StartDate, ...summary(row, loopback.now()) });
    },
    ListAlarmMuteRules: (input) => {
      const wanted = readInput(ListInput, input, INVALID);
      const { items, next } = pageOf(listed(loopback, wanted), ({ name }) => name, {
        token: wanted.NextToken,
        limit: wanted.MaxRecords,
      });
      return present({
        AlarmMuteRuleSummaries: items.map((row) => summary(row, loopback.now())),
        NextToken: next,
      });
    },
  };
}
