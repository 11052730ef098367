import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { Environment } from '../model/environment.ts';
import { type Finding, Outcome, type Problem } from '../model/finding.ts';
import type { PolicySettings } from './settings.ts';

/** One `**POLICY:**` sentence and how it is checked. Pure: facts and settings in, problems out. */
export type Policy = {
  /** Kebab-case, stable: records and waivers refer to it. */
  id: string;
  /** The document's sentence, with the numbers that are in force. */
  statement: (settings: PolicySettings) => string;
  rationale: string;
  /** False where the document says "Exception: None". */
  waivable: boolean;
  /** True where the answer can change without the deployment changing, so it is verified again once it has settled. */
  guard?: true;
  /** True, or why the policy has nothing to say about this endpoint. */
  appliesTo: (facts: EndpointFacts) => true | string;
  check: (facts: EndpointFacts, settings: PolicySettings) => Problem[];
};

const NAMES: Record<Environment, string> = { dev: 'development', staging: 'staging', prod: 'production' };

/** For `appliesTo`: only endpoints of these environments. */
export function inEnvironment(...environments: Environment[]): Policy['appliesTo'] {
  const wanted = environments.map((name) => NAMES[name]).join(' and ');
  return ({ environment }) =>
    environments.includes(environment.name) ||
    `This is about ${wanted} endpoints; this one is ${NAMES[environment.name]} (${environment.evidence}).`;
}

/** A list of instance types as the document writes it: `a` or `b`. */
export function typeList(types: readonly string[]): string {
  return types.map((type) => `\`${type}\``).join(' or ');
}

/** Holds one endpoint against one policy. A check that throws is a violation that says so, never a pass. */
export function evaluatePolicy(
  policy: Policy,
  facts: EndpointFacts,
  settings: PolicySettings,
  statement = policy.statement(settings),
): Finding {
  const { id } = policy;
  const applies = policy.appliesTo(facts);
  if (applies !== true) return { policy: id, statement, outcome: 'not-applicable', messages: [applies] };
  let problems: Problem[];
  try {
    problems = policy.check(facts, settings);
  } catch (error) {
    problems = [{ outcome: 'violation', message: `The check itself failed: ${(error as Error).message}` }];
  }
  if (problems.length === 0) return { policy: id, statement, outcome: 'pass', messages: [] };
  const outcome = Outcome.options.find((worst) => problems.some((problem) => problem.outcome === worst)) ?? 'pass';
  return { policy: id, statement, outcome, messages: problems.map(({ message }) => message) };
}
