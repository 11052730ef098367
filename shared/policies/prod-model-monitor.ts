import type { EndpointFacts, Monitor } from '../model/endpoint-facts.ts';
import { advice, type Problem, violation } from '../model/finding.ts';
import { captureProblem, monitorProblem, monitorRemark } from '../model/monitor-problems.ts';
import { isHosted, type Variant } from '../model/variant.ts';
import { inEnvironment, type Policy } from './policy.ts';
import type { PolicyLimits } from './settings.ts';

const environment = inEnvironment('prod');

type Limits = Pick<PolicyLimits, 'monitoringGraceMinutes' | 'requiredMonitorTypes'>;

/** Minutes from the endpoint's creation to the moment its facts were read. */
function ageMinutes(facts: EndpointFacts): number {
  return (Date.parse(facts.readAt) - Date.parse(facts.createdAt)) / 60_000;
}

// SageMaker developer guide, "Serverless Inference", feature exclusions (as of 2023): Data Capture, and with it Model
// Monitor. "Model Monitor": it supports endpoints that host a single model, and no multi-model endpoints.
function exclusionOf(variant: Variant): string | undefined {
  if (!isHosted(variant)) {
    return `serverless variant ${variant.name}: SageMaker has no data capture and no Model Monitor for Serverless Inference (developer guide, feature exclusions)`;
  }
  const multiModel = variant.models.some(({ containers }) => containers.some(({ mode }) => mode === 'MultiModel'));
  if (!multiModel) return undefined;
  return `multi-model variant ${variant.name}: SageMaker monitors single-model endpoints only (developer guide, Model Monitor)`;
}

/** Only where AWS excludes every variant: one that it excludes does not excuse the others. */
function exclusion({ variants }: EndpointFacts): string | undefined {
  const reasons: string[] = [];
  for (const variant of variants) {
    const reason = exclusionOf(variant);
    if (reason === undefined) return undefined;
    reasons.push(reason);
  }
  return `Model Monitor cannot watch this endpoint. It has ${reasons.join('; ')}.`;
}

/** What is missing of one type of monitor, or of any where no type is named; one good schedule is enough. */
function lackingOf({ monitors, readAt }: EndpointFacts, type?: Monitor['type']): string[] {
  const wrong: string[] = [];
  for (const monitor of monitors) {
    if (type !== undefined && monitor.type !== type) continue;
    const problem = monitorProblem(monitor, readAt);
    if (problem === undefined) return [];
    wrong.push(problem);
  }
  return wrong.length > 0
    ? wrong
    : [`no ${type === undefined ? '' : `${type} `}monitoring schedule names this endpoint`];
}

function lacking(facts: EndpointFacts, { requiredMonitorTypes: types }: Limits): string[] {
  return types.length === 0 ? lackingOf(facts) : types.flatMap((type) => lackingOf(facts, type));
}

/** What is wrong with how the endpoint is monitored, and for how many more minutes it may be. */
function judged(facts: EndpointFacts, limits: Limits) {
  const capture = captureProblem(facts);
  const wrong = lacking(facts, limits);
  if (capture) wrong.push(capture.what);
  if (wrong.length === 0) return { wrong, minutesLeft: 0 };
  const minutesLeft = capture?.lasting ? 0 : Math.ceil(limits.monitoringGraceMinutes - ageMinutes(facts));
  return { wrong, minutesLeft };
}

/** Whether what is missing may still come: then it is looked at again, and neither passes nor fails before. */
export function monitorsStillHaveTime(facts: EndpointFacts, limits: Limits): boolean {
  if (prodModelMonitor.appliesTo(facts) !== true) return false;
  const { wrong, minutesLeft } = judged(facts, limits);
  return wrong.length > 0 && minutesLeft > 0;
}

export const prodModelMonitor: Policy = {
  id: 'prod-model-monitor',
  statement: () => 'Production endpoints must have Model Monitor configured.',
  rationale: 'Detect data drift, model quality issues, and bias',
  waivable: true,
  guard: true,
  appliesTo: (facts) => {
    const here = environment(facts);
    return here === true ? (exclusion(facts) ?? true) : here;
  },
  check: (facts, limits): Problem[] => {
    const { wrong, minutesLeft } = judged(facts, limits);
    if (wrong.length === 0) return facts.monitors.flatMap((monitor) => monitorRemark(monitor) ?? []).map(advice);
    const what = wrong.join('; ');
    return minutesLeft > 0
      ? [advice(`Not yet monitored: ${what}. It has ${minutesLeft} more minutes, then this is a violation.`)]
      : [violation(`Not monitored: ${what}.`)];
  },
};
