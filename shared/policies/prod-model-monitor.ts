import type { EndpointFacts, Monitor } from '../model/endpoint-facts.ts';
import { advice, type Problem, violation } from '../model/finding.ts';
import { captureProblem, monitorProblem, monitorRemark } from '../model/monitor-problems.ts';
import { isHosted, type Variant } from '../model/variant.ts';
import { inEnvironment, type Policy } from './policy.ts';
import type { PolicyLimits } from './settings.ts';

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
  const reasons = variants.map(exclusionOf);
  return reasons.every((reason) => reason !== undefined)
    ? `Model Monitor cannot watch this endpoint. It has ${reasons.join('; ')}.`
    : undefined;
}

/** What each wanted type of monitor lacks; one good schedule is enough for it. */
function lacking({ monitors, readAt }: EndpointFacts, { requiredMonitorTypes: types }: Limits) {
  const good = monitors.filter((monitor) => monitorProblem(monitor, readAt) === undefined);
  const wanted: ((monitor: Monitor) => boolean)[] =
    types.length > 0 ? types.map((type) => (monitor: Monitor) => monitor.type === type) : [() => true];
  return wanted.flatMap((isWanted, index) => {
    if (good.some(isWanted)) return [];
    const wrong = monitors.filter(isWanted).map((monitor) => monitorProblem(monitor, readAt));
    const type = types[index] === undefined ? '' : `${types[index]} `;
    return wrong.length > 0 ? wrong : [`no ${type}monitoring schedule names this endpoint`];
  });
}

/** How the endpoint is monitored, and for how many more minutes it may be without. */
function judged(facts: EndpointFacts, limits: Limits) {
  const capture = captureProblem(facts);
  const wrong = [...lacking(facts, limits), ...(capture ? [capture.what] : [])];
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
    const here = inEnvironment('prod')(facts);
    return here === true ? (exclusion(facts) ?? true) : here;
  },
  check: (facts, limits): Problem[] => {
    const { wrong, minutesLeft } = judged(facts, limits);
    const what = wrong.join('; ');
    if (wrong.length === 0) return facts.monitors.flatMap((monitor) => monitorRemark(monitor) ?? []).map(advice);
    return minutesLeft > 0
      ? [advice(`Not yet monitored: ${what}. It has ${minutesLeft} more minutes, then this is a violation.`)]
      : [violation(`Not monitored: ${what}.`)];
  },
};
