import { digestOf } from '../model/canonical-json.ts';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { EndpointHistory } from '../model/endpoint-history.ts';
import { type Decision, decide, type Finding } from '../model/finding.ts';
import type { FleetView } from '../model/fleet-entry.ts';
import { monitorCosts } from '../model/hourly-cost.ts';
import type { Baseline, RecordOf } from '../model/ledger-record.ts';
import { holdAgainstPlans, verifyPlan } from '../model/plan-match.ts';
import { priceDigestOf } from '../model/price-table.ts';
import { type RolledBack, rollbackLine } from '../model/rolled-back.ts';
import { VERSION } from '../model/version.ts';
import { type HeldWaiver, waiverLine } from '../model/waiver.ts';
import { costOf, peakUsdOf } from './budget.ts';
import { evaluate, evaluateGuards } from './index.ts';
import type { PolicySettings } from './settings.ts';

/** The policies that want a person's approval. */
const asking = (findings: readonly Finding[]) =>
  findings.filter(({ outcome }) => outcome === 'needs-approval').map(({ policy }) => policy);

/** Was exactly this accepted before, with approvals for everything that asks for one now? */
function wasAccepted(
  baseline: Baseline | null,
  digest: string,
  findings: readonly Finding[],
  decision: Decision,
): boolean {
  if (baseline?.digest !== digest) return false;
  if (decision === 'compliant') return true;
  return decision === 'needs-approval' && asking(findings).every((policy) => baseline.approvedFor.includes(policy));
}

const digests = new WeakMap<PolicySettings, { policyDigest: string; priceDigest: string }>();

/** The settings that are not prices. */
export function limitsOf({ prices: _prices, ...limits }: PolicySettings): Omit<PolicySettings, 'prices'> {
  return limits;
}

/** Digests of the limits and of the prices that a decision is made under. Settings live as long as the container. */
export function digestsOf(settings: PolicySettings): { policyDigest: string; priceDigest: string } {
  let known = digests.get(settings);
  if (!known) {
    known = { policyDigest: digestOf(limitsOf(settings)), priceDigest: priceDigestOf(settings.prices) };
    digests.set(settings, known);
  }
  return known;
}

/**
 * Everything that a decision about a change is made from. What is not in the change's own records must be found again
 * by what the findings say of it (`judged`), or the decision cannot be replayed: `audit replay` makes each again.
 */
export type Judging = {
  opened: RecordOf<'change-opened'>;
  settings: PolicySettings;
  /** The endpoint's plans, as far as they were read; undefined where the change is a plan itself. */
  plans: EndpointHistory | undefined;
  /** When it is judged, ISO 8601. */
  at: string;
  /** Waivers of the endpoint that are in force then. */
  waivers?: readonly HeldWaiver[] | undefined;
  /** The other endpoints of its environment; the findings hold it (`fleet`). Without one it is judged alone. */
  fleet?: FleetView | undefined;
};

/** As records have them: not at all where there are none. */
const onRecord = (waivers: readonly HeldWaiver[]) => (waivers.length > 0 ? { waivers: [...waivers] } : {});

/** Holds a change against every policy and against the plans of its endpoint. Pure: the same judging, the same record. */
export function judge({ opened, settings, plans, at, waivers = [], fleet }: Judging): RecordOf<'findings'> {
  const around = { fleet, baseline: opened.baseline };
  const findings = evaluate(opened.facts, settings, waivers, around);
  const cost = costOf(opened.facts, settings);
  const monitors = monitorCosts(opened.facts, settings.prices);
  const peakUsd = peakUsdOf(opened.facts, settings, around);
  const held = plans && holdAgainstPlans(opened, asking(findings), plans, settings[opened.environment.name], at);
  if (held) findings.push(held.finding);
  const decision = decide(findings);
  const read = plans?.changes.flatMap(({ records }) => records.map(({ sequence }) => sequence)) ?? [];
  return {
    kind: 'findings',
    generation: opened.generation,
    digest: opened.digest,
    findings,
    decision,
    unchanged: wasAccepted(opened.baseline, opened.digest, findings, decision),
    cost: { ...cost, ...(peakUsd > cost.ceilingUsd && { peakUsd }), ...(monitors.length > 0 && { monitors }) },
    ...(fleet && { fleet }),
    ...digestsOf(settings),
    // A plan carries what was asked about; it excuses no violation.
    ...(held?.plan && decision !== 'blocked' && { plan: held.plan }),
    ...(held?.planned && { planned: held.planned }),
    version: VERSION,
    judged: {
      at,
      plans: read.length === 0 ? null : { first: Math.min(...read), last: Math.max(...read) },
      ...onRecord(waivers),
    },
  };
}

/** What a settled deployment is judged from: facts read then, and those of the plan that carries it, if one does. */
export type JudgingSettled = {
  opened: RecordOf<'change-opened'>;
  facts: EndpointFacts;
  settings: PolicySettings;
  planned: EndpointFacts | undefined;
  /** What was found when the change was checked. */
  found?: readonly Finding[] | undefined;
  /** Waivers of the endpoint that are in force now. */
  waivers?: readonly HeldWaiver[] | undefined;
  /** Where SageMaker took the deployment back; then `facts` are of what is in service instead. */
  rolledBack?: RolledBack | undefined;
};

/** What is in service, held against what was checked. */
function inService({ status, failureReason }: EndpointFacts, rolledBack: RolledBack | undefined): Finding {
  const mixed = status === 'UpdateRollbackFailed' ? ' It serves a mix of the old and the new deployment.' : '';
  const problems = [
    ...(rolledBack ? [rollbackLine(rolledBack)] : []),
    ...(status === 'InService'
      ? []
      : [`The endpoint is ${status}.${mixed}${failureReason ? ` ${failureReason}` : ''}`]),
  ];
  return {
    policy: 'in-service',
    statement: 'The deployment must reach InService on the config that was checked.',
    outcome: problems.length === 0 ? 'pass' : 'violation',
    messages: problems,
  };
}

/**
 * What was waived when the change was checked must still be: the waiver may have ended while people were asked, and
 * whoever granted it may turn out to have made the change. Guards are judged anew anyway.
 */
function notWaivedAnyMore(
  found: readonly Finding[],
  judgedAnew: readonly Finding[],
  waivers: readonly HeldWaiver[],
): Finding[] {
  const lost = found.filter(
    ({ policy, outcome }) =>
      outcome === 'waived' &&
      !judgedAnew.some((each) => each.policy === policy) &&
      !waivers.some(({ waiver, ownChange }) => waiver.policy === policy && !ownChange),
  );
  return lost.map(({ policy, statement, messages }) => {
    const own = waivers.filter(({ waiver }) => waiver.policy === policy).map(waiverLine);
    const why = own.length > 0 ? own : ['The waiver under which it was checked has ended.'];
    return { policy, statement, outcome: 'violation', messages: [...why, ...messages.slice(1)] };
  });
}

/** Holds what settled against the policies that watch it and against its plan. Pure, like `judge`. */
export function judgeSettled({
  opened,
  facts,
  settings,
  planned,
  found = [],
  waivers = [],
  rolledBack,
}: JudgingSettled): Omit<RecordOf<'monitoring-verified'>, 'facts'> {
  const status = inService(facts, rolledBack);
  const held = planned && verifyPlan(planned, facts, settings[opened.environment.name]);
  const guards = evaluateGuards(facts, settings, waivers);
  // Of what was rolled back nothing is left that guards could watch or a plan could be held against.
  const findings = rolledBack
    ? [status]
    : [status, ...guards, ...notWaivedAnyMore(found, guards, waivers), ...(held ? [held] : [])];
  return {
    kind: 'monitoring-verified',
    generation: opened.generation,
    digest: opened.digest,
    findings,
    decision: decide(findings),
    ...onRecord(waivers),
    ...digestsOf(settings),
    version: VERSION,
    ...(rolledBack && { rolledBack }),
  };
}
