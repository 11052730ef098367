import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { Environment } from '../model/environment.ts';
import { type Finding, Outcome, type Problem } from '../model/finding.ts';
import type { FleetView } from '../model/fleet-entry.ts';
import type { Baseline } from '../model/ledger-record.ts';
import { type HeldWaiver, waiverLine } from '../model/waiver.ts';
import type { PolicySettings } from './settings.ts';

/** What is around an endpoint, where there is a ledger that knows. */
export type Around = {
  /** The other endpoints of its environment. */
  fleet?: FleetView | undefined;
  /** The endpoint's own last accepted deployment. */
  baseline?: Baseline | null | undefined;
};

/** One `**POLICY:**` sentence and how it is checked. Pure: facts and settings in, problems out. */
export type Policy = {
  /** Kebab-case, stable: records and waivers refer to it. */
  id: string;
  /** The document's sentence, with the numbers that are in force. */
  statement: (settings: PolicySettings) => string;
  rationale: string;
  /** False where the document says "Exception: None". */
  waivable: boolean;
  /** True where it does nothing but ask people: they can approve, so there is nothing to waive. */
  asks?: true;
  /** True where the answer can change without the deployment changing, so it is verified again once it has settled. */
  guard?: true;
  /** True, or why the policy has nothing to say about this endpoint. */
  appliesTo: (facts: EndpointFacts) => true | string;
  check: (facts: EndpointFacts, settings: PolicySettings, around: Around) => Problem[];
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

const worstOf = (problems: readonly Problem[]): Outcome =>
  Outcome.options.find((outcome) => problems.some((problem) => problem.outcome === outcome)) ?? 'pass';

/** What a waiver makes of violations: they do not count. What else was found does, so people are still asked. */
function excuse(
  problems: readonly Problem[],
  waivers: readonly HeldWaiver[],
): { outcome: Outcome; messages: string[] } {
  const messages = problems.map(({ message }) => message);
  const outcome = worstOf(problems);
  if (outcome !== 'violation') return { outcome, messages };
  const counts = waivers.filter(({ ownChange }) => !ownChange);
  // Of several, the one that lasts longest.
  const [longest] = counts.sort((a, b) => Date.parse(b.waiver.until) - Date.parse(a.waiver.until));
  if (!longest) return { outcome: 'violation', messages: [...messages, ...waivers.map(waiverLine)] };
  const asks = problems.some(({ outcome }) => outcome === 'needs-approval');
  return { outcome: asks ? 'needs-approval' : 'waived', messages: [waiverLine(longest), ...messages] };
}

/**
 * Holds one endpoint against one policy. A check that throws is a violation that says so, never a pass, and nothing
 * excuses it. `waivers` are those of the endpoint that are in force now.
 */
export function evaluatePolicy(
  policy: Policy,
  facts: EndpointFacts,
  settings: PolicySettings,
  statement = policy.statement(settings),
  waivers: readonly HeldWaiver[] = [],
  around: Around = {},
): Finding {
  const { id } = policy;
  const applies = policy.appliesTo(facts);
  if (applies !== true) return { policy: id, statement, outcome: 'not-applicable', messages: [applies] };
  let problems: Problem[];
  try {
    problems = policy.check(facts, settings, around);
  } catch (error) {
    const messages = [`The check itself failed: ${(error as Error).message}`];
    return { policy: id, statement, outcome: 'violation', messages };
  }
  if (problems.length === 0) return { policy: id, statement, outcome: 'pass', messages: [] };
  const mine = policy.waivable ? waivers.filter(({ waiver }) => waiver.policy === id) : [];
  const { outcome, messages } = excuse(problems, mine);
  return { policy: id, statement, outcome, messages };
}
