import { GetAlarmMuteRuleCommand, ListAlarmMuteRulesCommand } from '@aws-sdk/client-cloudwatch';
import type { With } from './services.ts';

const nameOf = (arn = '') => arn.split(':alarm-mute-rule:').at(-1) ?? '';

/** Names of the mute rules whose window is open now: few, and mostly none. */
async function openRules({ cloudwatch }: With<'cloudwatch'>): Promise<string[]> {
  const names: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await cloudwatch.send(
      new ListAlarmMuteRulesCommand({ Statuses: ['ACTIVE'], MaxRecords: 100, NextToken: nextToken }),
    );
    names.push(...(page.AlarmMuteRuleSummaries ?? []).map(({ AlarmMuteRuleArn }) => nameOf(AlarmMuteRuleArn)));
    nextToken = page.NextToken;
  } while (nextToken);
  return names;
}

/**
 * Which mute rules silence an alarm at this moment, by alarm name: one list for the whole region, and a look at each
 * rule that is open. A rule that ended in between mutes nothing.
 */
export async function readOpenMutes(services: With<'cloudwatch'>): Promise<Map<string, string[]>> {
  const rules = await Promise.all(
    (await openRules(services)).map(async (name) => {
      try {
        const rule = await services.cloudwatch.send(new GetAlarmMuteRuleCommand({ AlarmMuteRuleName: name }));
        return { name, alarms: rule.MuteTargets?.AlarmNames ?? [] };
      } catch (error) {
        if ((error as Error).name.startsWith('ResourceNotFound')) return { name, alarms: [] };
        throw error;
      }
    }),
  );
  const mutes = new Map<string, string[]>();
  for (const { name, alarms } of rules)
    for (const alarm of alarms) mutes.set(alarm, [...(mutes.get(alarm) ?? []), name]);
  return mutes;
}
