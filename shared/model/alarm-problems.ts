import type { EndpointFacts, RollbackAlarm } from './endpoint-facts.ts';
import { advice, type Problem, violation } from './finding.ts';

type Existing = Extract<RollbackAlarm, { exists: true }>;
/** So long an alarm may be in INSUFFICIENT_DATA. */
type Limits = { alarmSilentHours: number };

/** Dimensions of the alarm that name what this endpoint does not have: such a metric never gets a value. */
function deafTo(alarm: Existing, { variants, monitors }: EndpointFacts): string | undefined {
  const { variants: watched, schedules } = alarm;
  if (watched?.length && !variants.some(({ name }) => watched.includes(name))) {
    return `variant ${watched.join(', ')}, which this endpoint does not have`;
  }
  if (schedules?.length && !monitors.some(({ name }) => schedules.includes(name))) {
    return `monitoring schedule ${schedules.join(', ')}, which does not watch this endpoint`;
  }
  return undefined;
}

/** Ways to silence an alarm short of deleting it. */
function silences({ name, actionsEnabled, mutedBy = [], suppressedBy = null }: Existing): string[] {
  const found: string[] = [];
  if (!actionsEnabled) found.push(`The actions of alarm ${name} are disabled (ActionsEnabled false).`);
  if (mutedBy.length > 0) found.push(`Alarm ${name} is muted by mute rule ${mutedBy.join(', ')}.`);
  if (suppressedBy !== null) found.push(`The actions of alarm ${name} are suppressed by ${suppressedBy}.`);
  return found;
}

const HOUR_MS = 3_600_000;

/** An alarm that has had no data for long says nothing, and SageMaker rolls back on ALARM only. */
function blindSince({ state, stateSince }: Existing, readAt: string, { alarmSilentHours }: Limits): string | undefined {
  if (state !== 'INSUFFICIENT_DATA' || !stateSince) return undefined;
  return Date.parse(readAt) - Date.parse(stateSince) > alarmSilentHours * HOUR_MS ? stateSince : undefined;
}

/**
 * What is wrong with an alarm that a deployment rolls back on. An alarm that is not there or watches something else is a
 * violation everywhere; one that is silenced or blind is so in production, and advice elsewhere.
 */
export function alarmProblems(alarm: RollbackAlarm, facts: EndpointFacts, limits: Limits): Problem[] {
  const { name } = alarm;
  if (!alarm.exists) return [violation(`Alarm ${name} does not exist in CloudWatch.`)];
  if (alarm.watchesEndpoint === false) return [violation(`Alarm ${name} does not watch this endpoint.`)];
  if (alarm.watchesEndpoint === null) {
    return [violation(`Whether alarm ${name} watches this endpoint cannot be told from its definition.`)];
  }
  const deaf = deafTo(alarm, facts);
  if (deaf !== undefined) return [violation(`Alarm ${name} watches ${deaf}.`)];
  const grave = facts.environment.name === 'prod' ? violation : advice;
  const problems = silences(alarm).map(grave);
  const blind = blindSince(alarm, facts.readAt, limits);
  if (blind !== undefined) problems.push(grave(`Alarm ${name} has had INSUFFICIENT_DATA since ${blind}.`));
  const { evaluation } = alarm;
  if (evaluation === 'EVALUATION_ERROR') {
    problems.push(grave(`CloudWatch cannot evaluate alarm ${name}: its setup is wrong (EVALUATION_ERROR).`));
  } else if (evaluation !== undefined) {
    problems.push(advice(`CloudWatch does not evaluate alarm ${name} as it should at the moment (${evaluation}).`));
  }
  if (alarm.state === 'ALARM') problems.push(advice(`Alarm ${name} is in ALARM now.`));
  return problems;
}

export const isGrave = ({ outcome }: Problem) => outcome === 'violation';
