import { canonicalJson } from '../model/canonical-json.ts';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import { changeOf, type EndpointHistory, historyOf } from '../model/endpoint-history.ts';
import type { Decision, Finding, Outcome } from '../model/finding.ts';
import type { LedgerRecord, RecordOf } from '../model/ledger-record.ts';
import { judge, judgeSettled } from './judge.ts';
import { PolicyLimits, type PolicySettings } from './settings.ts';

/** A recorded decision, which `audit replay` makes again. */
export type DecisionBody = RecordOf<'findings'> | RecordOf<'monitoring-verified'>;
export type DecisionRecord = LedgerRecord & { body: DecisionBody };

export const isDecision = (record: LedgerRecord): record is DecisionRecord =>
  record.body?.kind === 'findings' || record.body?.kind === 'monitoring-verified';

/** What is needed besides the record to decide again, all of it from the ledger. */
export type ReplaySources = {
  /** The records of the endpoint's stream, at least all of them about this change that come before it. */
  records: readonly LedgerRecord[];
  /** The records of the stream of its plans. */
  plans: readonly LedgerRecord[];
  settings: PolicySettings;
};

/** A decision that cannot be made again, and why. */
export class NotReplayableError extends Error {
  override readonly name = 'NotReplayableError';
}

/** The plans as they were read then; without a note of that (older records) those that were there by then. */
function plansRead(record: DecisionRecord, plans: readonly LedgerRecord[]): EndpointHistory {
  const judged = record.body.kind === 'findings' ? record.body.judged : undefined;
  if (!judged) return historyOf(plans.filter(({ at }) => at <= record.at));
  const { first, last } = judged.plans ?? { first: 0, last: 0 };
  const then = plans.filter(({ sequence }) => sequence >= first && sequence <= last);
  if (judged.plans && then.length !== last - first + 1)
    throw new NotReplayableError(`Records ${first} to ${last} of its plans were read then, and not all are there now.`);
  return historyOf(then);
}

function plannedFactsOf(plans: readonly LedgerRecord[], generation: number): EndpointFacts {
  const facts = changeOf(historyOf(plans), generation)?.opened?.facts;
  if (facts) return facts;
  throw new NotReplayableError(`Plan ${generation}, which it was held against, is not on record.`);
}

/** Settings that an older version wrote lack what came later; that has its default, as if it had been there. */
export function completed(limits: Omit<PolicySettings, 'prices'>): Omit<PolicySettings, 'prices'> {
  const defaults = PolicyLimits.parse({});
  const both = Object.entries(defaults).map(([name, standard]) => {
    const own = (limits as Record<string, unknown>)[name];
    const isGroup = typeof standard === 'object' && !Array.isArray(standard);
    return [name, isGroup ? { ...standard, ...(own as object) } : (own ?? standard)];
  });
  return { ...limits, ...(Object.fromEntries(both) as PolicyLimits), pricesAlsoFor: limits.pricesAlsoFor ?? [] };
}

/**
 * Makes a recorded decision again from what was recorded: facts, plans, waivers; with `settings`, which for a replay are
 * those that it names by digest. Pure. Throws NotReplayableError.
 */
export function decideAgain(record: DecisionRecord, { records, plans, settings }: ReplaySources): DecisionBody {
  const { body } = record;
  const mine = records.filter((each) => each.body.generation === body.generation && each.sequence < record.sequence);
  const change = changeOf(historyOf(mine), body.generation);
  const opened = change?.opened;
  if (!opened) throw new NotReplayableError(`The facts of change ${body.generation} are not on record before it.`);
  if (body.kind === 'findings') {
    const read = record.endpoint.planned ? undefined : plansRead(record, plans);
    const { judged, fleet } = body;
    return judge({ opened, settings, plans: read, at: judged?.at ?? record.at, waivers: judged?.waivers, fleet });
  }
  const plan = change.findings?.unchanged ? undefined : change.findings?.plan;
  const planned = plan && plannedFactsOf(plans, plan.generation);
  const { facts, waivers, rolledBack } = body;
  const found = change.findings?.findings;
  return {
    ...judgeSettled({ opened, facts: facts ?? opened.facts, settings, planned, found, waivers, rolledBack }),
    facts,
  };
}

/** Where a decision that was made again is another; null: there is none on this side. */
export type DecisionDifference =
  | { what: 'policy'; policy: string; recorded: Finding | null; again: Finding | null }
  | { what: 'decision' | 'unchanged' | 'cost' | 'plan'; recorded: unknown; again: unknown };

const same = (a: unknown, b: unknown) => canonicalJson(a ?? null) === canonicalJson(b ?? null);

/** Everything that differs between two decisions about the same change, policy by policy. Empty: identical to the byte. */
export function decisionDifferences(recorded: DecisionBody, again: DecisionBody): DecisionDifference[] {
  const ids = new Set([...recorded.findings, ...again.findings].map(({ policy }) => policy));
  const inPolicies = [...ids].flatMap((policy): DecisionDifference[] => {
    const [one, other] = [recorded, again].map(({ findings }) => findings.filter((each) => each.policy === policy));
    return same(one, other) ? [] : [{ what: 'policy', policy, recorded: one?.[0] ?? null, again: other?.[0] ?? null }];
  });
  const parts = [
    ['decision', recorded.decision, again.decision],
    ...(recorded.kind === 'findings' && again.kind === 'findings'
      ? ([
          ['unchanged', recorded.unchanged, again.unchanged],
          ['cost', recorded.cost, again.cost],
          ['plan', recorded.plan, again.plan],
        ] as const)
      : []),
  ] as const;
  const others = parts.flatMap(([what, one, other]): DecisionDifference[] =>
    same(one, other) ? [] : [{ what, recorded: one ?? null, again: other ?? null }],
  );
  const order = same(
    recorded.findings.map(({ policy }) => policy),
    again.findings.map(({ policy }) => policy),
  );
  // The same findings in another order are other bytes.
  if (inPolicies.length === 0 && !order)
    inPolicies.push({ what: 'policy', policy: '(order)', recorded: null, again: null });
  return [...inPolicies, ...others];
}

/** How one policy's answer would have been another. */
export type PolicyMove = { policy: string; from: Outcome | null; to: Outcome | null; messages: string[] };
/** How a decision would have been another under other settings. */
export type WhatIf = { from: Decision; to: Decision; policies: PolicyMove[] };

/** Undefined where the decision would have been the same. Messages and sentences that name other limits are no other decision. */
export function whatIf(recorded: DecisionBody, again: DecisionBody): WhatIf | undefined {
  const stood = (body: DecisionBody) => body.kind === 'findings' && (body.unchanged || body.plan !== undefined);
  if (recorded.decision === again.decision && stood(recorded) === stood(again)) return undefined;
  const policies = decisionDifferences(recorded, again).flatMap((difference): PolicyMove[] => {
    if (difference.what !== 'policy') return [];
    const [from, to] = [difference.recorded?.outcome ?? null, difference.again?.outcome ?? null];
    if (from === to) return [];
    return [
      { policy: difference.policy, from, to, messages: (difference.again ?? difference.recorded)?.messages ?? [] },
    ];
  });
  return { from: recorded.decision, to: again.decision, policies };
}
