import type { EndpointFacts, RollbackAlarm } from '../model/endpoint-facts.ts';
import { matchesPattern } from '../model/environment.ts';
import { advice, type Problem, violation } from '../model/finding.ts';
import type { Policy } from './policy.ts';
import type { PolicyLimits } from './settings.ts';

const patternsByRole = new WeakMap<PolicyLimits, Map<string, string[][]>>();

/** A role's name patterns, each as its parts around `{endpoint}`. Settings live as long as the process: made once. */
function patternsOf(settings: PolicyLimits, role: string): string[][] {
  let known = patternsByRole.get(settings);
  if (!known) {
    const { requiredAlarms, alarmNamePatterns } = settings;
    known = new Map(
      requiredAlarms.map((each) => [
        each,
        alarmNamePatterns.map((pattern) => pattern.replaceAll('{role}', each).split('{endpoint}')),
      ]),
    );
    patternsByRole.set(settings, known);
  }
  return known.get(role) ?? [];
}

/** The alarms of this deployment that may fill a role, by the name patterns of the settings. */
function alarmsFor(role: string, { endpoint }: EndpointFacts, alarms: RollbackAlarm[], settings: PolicyLimits) {
  const patterns = patternsOf(settings, role).map((parts) => parts.join(endpoint.name));
  return {
    patterns,
    named: alarms.filter(({ name }) => patterns.some((pattern) => matchesPattern(pattern, name))),
  };
}

function problemsOf(alarm: RollbackAlarm): Problem[] {
  if (!alarm.exists) return [violation(`Alarm ${alarm.name} does not exist in CloudWatch.`)];
  if (alarm.watchesEndpoint === false) return [violation(`Alarm ${alarm.name} does not watch this endpoint.`)];
  if (alarm.watchesEndpoint === null) {
    return [violation(`Whether alarm ${alarm.name} watches this endpoint cannot be told from its definition.`)];
  }
  return [];
}

export const rollbackAlarms: Policy = {
  id: 'rollback-alarms',
  statement: () => 'All deployments must configure rollback alarms via AutoRollbackConfiguration.',
  rationale: 'Enable automatic rollback on model quality degradation',
  waivable: true,
  guard: true,
  appliesTo: () => true,
  check: (facts, settings) => {
    const { deployment } = facts;
    if (!deployment.known) {
      return [advice(`${deployment.reason} The rollback alarms are verified when it has ended.`)];
    }
    return settings.requiredAlarms.flatMap((role) => {
      const { patterns, named } = alarmsFor(role, facts, deployment.rollbackAlarms, settings);
      if (named.length === 0) {
        return [
          violation(
            `The deployment names no ${role} in AutoRollbackConfiguration (looked for ${patterns.join(', ')}).`,
          ),
        ];
      }
      // One good alarm fills the role; where none is good, say what is wrong with each.
      const problems = named.map(problemsOf);
      return problems.some((list) => list.length === 0) ? [] : problems.flat();
    });
  },
};
