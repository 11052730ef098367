import { type Difference, differences } from './effective-deployment.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import type { ChangeHistory, EndpointHistory } from './endpoint-history.ts';
import { type Finding, needsApproval, type Problem, violation } from './finding.ts';
import { ACCEPTED, type MatchedPlan, type Planned, type RecordOf, type SubmittedPlan } from './ledger-record.ts';

/** What an environment makes of plans; see `policies` in portcullis.yaml. */
export type PlanRules = { requirePlan: boolean; outOfBand: 'ask' | 'block' };

/** The id of the finding. It is ours and not a sentence of the policy document. */
export const PLANNED_CHANGE = 'planned-change';

const statementOf = ({ requirePlan }: PlanRules) =>
  `What was planned must be carried out as it was planned${requirePlan ? ', and every change must be planned and accepted before it is made' : ''}.`;

type Plan = ChangeHistory & { opened: RecordOf<'change-opened'> & { plan: SubmittedPlan } };

const isPlan = (change: ChangeHistory): change is Plan => change.opened?.plan !== undefined;
const isAccepted = ({ outcome }: Plan) => outcome !== undefined && ACCEPTED.includes(outcome.result);
const isValid = ({ opened }: Plan, now: string) => Date.parse(now) < Date.parse(opened.plan.validUntil);
const isOf = ({ opened }: Plan, digest: string) => opened.digest === digest || opened.plan.onTheWay.includes(digest);

/** The policies for which people, by accepting the plan, gave their approval. */
function approvedForBy({ outcome, request, opened }: Plan): string[] {
  if (outcome?.result === 'approved') return request?.reasons ?? [];
  return outcome?.result === 'unchanged' ? (opened.baseline?.approvedFor ?? []) : [];
}

function authorityOf(plan: Plan): MatchedPlan {
  const { generation, opened, request, decided, outcome } = plan;
  return {
    generation,
    digest: opened.digest,
    request: request?.request ?? null,
    approvers: decided?.approvers ?? [],
    reason: decided?.reason ?? outcome?.reason ?? '',
    approvedFor: approvedForBy(plan),
  };
}

const listed = (names: readonly string[]) => (names.length > 0 ? [...names].sort().join(', ') : 'none');

/** Where a settled deployment went another way than was planned. Nothing where it has not settled: then it is not known. */
export function guardDifferences(planned: EndpointFacts, live: EndpointFacts): string[] {
  const [wanted, found] = [planned.deployment, live.deployment];
  if (!wanted.known || !found.known) return [];
  const [alarms, there] = [wanted, found].map(({ rollbackAlarms }) => listed(rollbackAlarms.map(({ name }) => name)));
  // Without a strategy of its own an update is blue/green.
  const strategy = found.strategy === 'none' ? 'blue-green' : found.strategy;
  return [
    ...(alarms === there ? [] : [`Rollback alarms: planned ${alarms}; deployed with ${there}.`]),
    ...(wanted.strategy === 'none' || wanted.strategy === strategy
      ? []
      : [`Deployment strategy: planned ${wanted.strategy}; deployed ${strategy}.`]),
  ];
}

/** Monitors that were planned and do not watch the endpoint, by type. */
export function missingMonitors(planned: EndpointFacts, live: EndpointFacts): string[] {
  const there = live.monitors.filter(({ status }) => status === 'Scheduled' || status === 'Pending');
  return planned.monitors
    .filter(({ type }) => !there.some((monitor) => monitor.type === type))
    .map(({ type }) => `A ${type} monitor was planned and is not there.`);
}

const MAX_FIELDS = 20;

function fieldLines(list: readonly Difference[]): string[] {
  const lines = list
    .slice(0, MAX_FIELDS)
    .map(({ field, before, after }) => `${field}: planned ${before ?? 'nothing'}; deployed ${after ?? 'nothing'}.`);
  return list.length > MAX_FIELDS ? [...lines, `And ${list.length - MAX_FIELDS} more fields.`] : lines;
}

/** Why a plan of the same deployment does not count. */
function whyNot(plan: Plan, now: string): string {
  const same = `Plan ${plan.generation} is the same deployment, but`;
  const { outcome, opened } = plan;
  if (!outcome) return `${same} nobody has decided about it yet.`;
  if (!isAccepted(plan)) return `${same} it ended as ${outcome.result}: ${outcome.reason}`;
  if (!isValid(plan, now)) return `${same} it could be carried out until ${opened.plan.validUntil} only.`;
  return `${same} it does not count.`;
}

/** What the plans of an endpoint say about a change: always a finding, and the plan on whose authority it may stand. */
export type PlanFinding = {
  finding: Finding;
  plan?: MatchedPlan;
  /** How it stands to them, for who asks later; nothing where the same deployment was accepted before. */
  planned?: Planned;
};

/**
 * Holds a change against the plans of its endpoint. `asking` are the policies that want a person's approval of it now:
 * a plan carries it only where its own approvals cover all of them. Pure; `now` is ISO 8601.
 */
export function holdAgainstPlans(
  live: RecordOf<'change-opened'>,
  asking: readonly string[],
  plans: EndpointHistory,
  rules: PlanRules,
  now: string,
): PlanFinding {
  const statement = statementOf(rules);
  const found = (outcome: Finding['outcome'], messages: string[], planned?: Planned): PlanFinding => ({
    finding: { policy: PLANNED_CHANGE, statement, outcome, messages },
    ...(planned && { planned }),
  });
  const problem = rules.requirePlan || rules.outOfBand === 'block' ? violation : needsApproval;
  const problems = (planned: Planned, ...list: [Problem, ...Problem[]]) =>
    found(
      list[0].outcome,
      list.map(({ message }) => message),
      planned,
    );

  const all = plans.changes.filter(isPlan);
  const same = all.filter((plan) => isOf(plan, live.digest));
  const usable = same.filter((plan) => isAccepted(plan) && isValid(plan, now));
  const missing = (plan: Plan) => asking.filter((policy) => !approvedForBy(plan).includes(policy));
  const plan = usable.findLast((each) => missing(each).length === 0) ?? usable.at(-1);
  if (plan) {
    const name = `Plan ${plan.generation}`;
    const [first, ...others] = guardDifferences(plan.opened.facts, live.facts);
    if (first !== undefined) {
      const otherwise = problem(`${name} is the same deployment, but it was carried out in another way. ${first}`);
      return problems('out-of-band', otherwise, ...others.map(problem));
    }
    const uncovered = missing(plan);
    if (uncovered.length > 0) {
      const why = `${name} is the same deployment, but nobody was asked about ${uncovered.join(', ')} then, so people are asked now.`;
      return found('pass', [why], 'as-planned');
    }
    const step = plan.opened.digest === live.digest ? 'carries out' : 'is a step on the way to';
    const authority = authorityOf(plan);
    const by = authority.approvers.length > 0 ? `, approved by ${authority.approvers.join(', ')}` : '';
    return { ...found('pass', [`The change ${step} plan ${plan.generation}${by}.`], 'as-planned'), plan: authority };
  }

  if (live.baseline?.digest === live.digest) {
    return found('not-applicable', ['The same deployment was accepted before, so this is no new change.']);
  }
  const twin = same.at(-1);
  const outstanding = all.findLast(
    (each) => isAccepted(each) && isValid(each, now) && each.carriedOutBy.length === 0 && !same.includes(each),
  );
  if (outstanding) {
    const fields = fieldLines(differences(outstanding.opened.deployment, live.deployment));
    return problems(
      'out-of-band',
      problem(
        `Out-of-band change: plan ${outstanding.generation} was accepted for this endpoint, and this is another.`,
      ),
      ...[...fields, ...(twin ? [whyNot(twin, now)] : [])].map(problem),
    );
  }
  const why = twin ? whyNot(twin, now) : 'There is no accepted plan for this endpoint that is still to be carried out.';
  return rules.requirePlan ? problems('unplanned', violation(why)) : found('not-applicable', [why], 'unplanned');
}

/** What a settled deployment is held against once more, where a plan carries it: nobody is left to be asked then. */
export function verifyPlan(planned: EndpointFacts, live: EndpointFacts, rules: PlanRules): Finding {
  const messages = [...guardDifferences(planned, live), ...missingMonitors(planned, live)];
  return {
    policy: PLANNED_CHANGE,
    statement: statementOf(rules),
    outcome: messages.length > 0 ? 'violation' : 'pass',
    messages,
  };
}
