import { type EndpointFacts, type Monitor, serverlessVariants } from '../model/endpoint-facts.ts';
import { advice, violation } from '../model/finding.ts';
import { inEnvironment, type Policy } from './policy.ts';

/** Minutes from the endpoint's creation to the moment its facts were read. */
function ageMinutes(facts: EndpointFacts): number {
  return (Date.parse(facts.readAt) - Date.parse(facts.createdAt)) / 60_000;
}

function whatIsWrong(monitor: Monitor): string | undefined {
  if (monitor.status !== 'Scheduled') return `schedule ${monitor.name} is ${monitor.status}, not Scheduled`;
  if (monitor.baselineUris.length === 0) return `schedule ${monitor.name} has no baseline to compare with`;
  return undefined;
}

// Model Monitor cannot exist on serverless endpoints (no data capture) nor on multi-model endpoints
// (SageMaker developer guide, "Model Monitor" and "Serverless endpoints"; the second as of 2023).
function cannotHaveOne(facts: EndpointFacts): string | undefined {
  const serverless = serverlessVariants(facts)[0];
  if (serverless) return `serverless variant ${serverless.name}`;
  const multiModel = facts.variants.find(({ models }) =>
    models.some(({ containers }) => containers.some(({ mode }) => mode === 'MultiModel')),
  );
  return multiModel && `multi-model variant ${multiModel.name}`;
}

export const prodModelMonitor: Policy = {
  id: 'prod-model-monitor',
  statement: () => 'Production endpoints must have Model Monitor configured.',
  rationale: 'Detect data drift, model quality issues, and bias',
  waivable: true,
  guard: true,
  appliesTo: inEnvironment('prod'),
  check: (facts, { monitoringGraceMinutes }) => {
    const impossible = cannotHaveOne(facts);
    if (impossible) {
      return [
        violation(
          `SageMaker cannot monitor ${impossible}, so this endpoint cannot be in production: use a single-model instance variant.`,
        ),
      ];
    }
    const wrong = facts.monitors.map(whatIsWrong);
    if (wrong.includes(undefined)) return [];
    const what = wrong.length === 0 ? 'no monitoring schedule names this endpoint' : wrong.join('; ');
    const left = Math.ceil(monitoringGraceMinutes - ageMinutes(facts));
    return left > 0
      ? [advice(`Not yet monitored: ${what}. It has ${left} more minutes, then this is a violation.`)]
      : [violation(`Not monitored: ${what}.`)];
  },
};
