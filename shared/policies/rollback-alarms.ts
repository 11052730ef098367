import { alarmProblems, isGrave } from '../model/alarm-problems.ts';
import type { EndpointFacts, RollbackAlarm } from '../model/endpoint-facts.ts';
import { matchesPattern } from '../model/environment.ts';
import { advice, type Problem, violation } from '../model/finding.ts';
import { instanceTypesOf, isHosted } from '../model/variant.ts';
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

type Deployed = Extract<EndpointFacts['deployment'], { known: true }>;

function roleProblems(role: string, facts: EndpointFacts, deployed: Deployed, settings: PolicyLimits): Problem[] {
  const { patterns, named } = alarmsFor(role, facts, deployed.rollbackAlarms, settings);
  if (named.length === 0) {
    return [
      violation(`The deployment names no ${role} in AutoRollbackConfiguration (looked for ${patterns.join(', ')}).`),
    ];
  }
  // One good alarm fills the role; where none is good, say what is wrong with each.
  const wrong: Problem[] = [];
  for (const alarm of named) {
    const problems = alarmProblems(alarm, facts, settings);
    if (!problems.some(isGrave)) return problems;
    wrong.push(...problems);
  }
  return wrong;
}

// Monitoring jobs run hourly at best and look at the past; a bake lasts an hour at most. So those alarms are there for the
// record, and one on the endpoint's own traffic is what stops a bad deployment.
function quickAlarmProblems({ rollbackAlarms, bakeSeconds }: Deployed): Problem[] {
  // Not known of a plan.
  if (bakeSeconds === undefined) return [];
  if (bakeSeconds === 0) {
    return [
      advice(
        'The deployment kept no old fleet to go back to (no wait in its BlueGreenUpdatePolicy or RollingUpdatePolicy), so no alarm could have stopped it.',
      ),
    ];
  }
  const quick = rollbackAlarms.some(
    (alarm) => alarm.exists && alarm.watchesEndpoint === true && (alarm.tripsAfterSeconds ?? Infinity) <= bakeSeconds,
  );
  return quick
    ? []
    : [
        advice(
          `None of its alarms could trip within the ${bakeSeconds} s that it baked: add one on Invocation5XXErrors or ModelLatency (AWS/SageMaker) with short periods.`,
        ),
      ];
}

/** Updates of inference components are deployments of their own, and roll back on alarms of their own. */
function componentProblems(facts: EndpointFacts, settings: PolicyLimits): Problem[] {
  if (!facts.componentAlarms) return [];
  return facts.componentAlarms.flatMap(({ component, rollbackAlarms }) => {
    const of = ({ outcome, message }: Problem): Problem => ({
      outcome,
      message: `Inference component ${component}: ${message}`,
    });
    if (!rollbackAlarms?.length) {
      return [
        of(advice('its last update named no alarms in AutoRollbackConfiguration, so nothing would roll it back.')),
      ];
    }
    return rollbackAlarms.flatMap((alarm) => alarmProblems(alarm, facts, settings).map(of));
  });
}

// SageMaker developer guide, "Deployment guardrails", exclusions: Inf1 instances and AWS Marketplace containers have
// none; they are updated all at once, and nothing rolls back. (Which containers are from the Marketplace is not shown.)
function exclusion({ variants }: EndpointFacts): string | undefined {
  const excluded = variants.find(
    (variant) => isHosted(variant) && instanceTypesOf(variant).some((type) => type.startsWith('ml.inf1.')),
  );
  return (
    excluded &&
    `SageMaker has no deployment guardrails for Inf1 instances (developer guide, deployment guardrails, exclusions), on which variant ${excluded.name} runs.`
  );
}

const DROPPED = 'The last deployment came without a DeploymentConfig, which drops the alarms of those before it.';

export const rollbackAlarms: Policy = {
  id: 'rollback-alarms',
  statement: () => 'All deployments must configure rollback alarms via AutoRollbackConfiguration.',
  rationale: 'Enable automatic rollback on model quality degradation',
  waivable: true,
  guard: true,
  appliesTo: (facts) => exclusion(facts) ?? true,
  check: (facts, settings) => {
    const { deployment } = facts;
    const components = componentProblems(facts, settings);
    if (!deployment.known) {
      return [advice(`${deployment.reason} The rollback alarms are verified when it has ended.`), ...components];
    }
    const problems: Problem[] = [];
    for (const role of settings.requiredAlarms) problems.push(...roleProblems(role, facts, deployment, settings));
    // Whether an alarm is quick enough matters once there are any.
    if (!problems.some(isGrave)) problems.push(...quickAlarmProblems(deployment));
    if (deployment.deploymentConfig === null) problems.unshift(violation(DROPPED));
    return problems.concat(components);
  },
};
