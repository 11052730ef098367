import { changeOf, type EndpointHistory } from './endpoint-history.ts';
import type { EndpointRef } from './endpoint-ref.ts';
import type { Finding } from './finding.ts';
import type { Result } from './ledger-record.ts';

/** How a plan stands: what its submitter waits for, and what the JSON of the API says. */
export type PlanState = {
  /** `<account>/<region>/<endpoint>/<number>`: by this it is asked for. */
  id: string;
  endpoint: string;
  account: string;
  region: string;
  generation: number;
  /** `reading`: nothing is on record yet; `open`: it is being checked; `waiting`: for people; else how it ended. */
  state: 'reading' | 'open' | 'waiting' | Result;
  reason: string | null;
  digest: string | null;
  /** It may be carried out until then. */
  validUntil: string | null;
  /** What was found, without what is met or does not apply. */
  findings: Pick<Finding, 'policy' | 'outcome' | 'messages'>[];
  /** Whom it waits for or waited for; null where nobody was asked. */
  request: { id: string; expiresAt: string; approvals: { approver: string; answer: string }[] } | null;
  /** Numbers of the endpoint's changes that carried it out. */
  carriedOutBy: number[];
};

export const planId = ({ account, region, name }: EndpointRef, generation: number): string =>
  [account, region, name, generation].join('/');

/** `<account>/<region>/<endpoint>/<number>` -> its parts, not checked any further; undefined for anything else. */
export function partsOfPlanId(id: string) {
  const [, account, region, endpoint, generation] = /^([^/]+)\/([^/]+)\/([^/]+)\/([1-9]\d{0,8})$/.exec(id) ?? [];
  return account && region && endpoint && generation ? { account, region, endpoint, generation } : undefined;
}

const QUIET: readonly Finding['outcome'][] = ['pass', 'not-applicable', 'waived'];

/**
 * How plan number `generation` stands. One that joined another plan about the same deployment stands as that one does.
 * Undefined where there is no such plan, and none about to be.
 */
export function planState(history: EndpointHistory, ref: EndpointRef, generation: number): PlanState | undefined {
  const asked = changeOf(history, generation);
  const plan = asked?.joined ? changeOf(history, asked.joined.joined) : asked;
  // Its execution has started, and what it reads is not on record yet.
  if (!plan && generation !== history.generation + 1) return undefined;
  const number = plan?.generation ?? generation;
  const { opened, findings, request, outcome, decided } = plan ?? {};
  const reading = opened ? 'open' : 'reading';
  return {
    id: planId(ref, number),
    endpoint: ref.name,
    account: ref.account,
    region: ref.region,
    generation: number,
    state: outcome?.result ?? (request && !decided ? 'waiting' : reading),
    reason: outcome?.reason ?? null,
    digest: opened?.digest ?? null,
    validUntil: opened?.plan?.validUntil ?? null,
    findings: (findings?.findings ?? [])
      .filter(({ outcome: found }) => !QUIET.includes(found))
      .map(({ policy, outcome: found, messages }) => ({ policy, outcome: found, messages })),
    request: request
      ? {
          id: request.request,
          expiresAt: request.expiresAt,
          approvals: (plan?.approvals ?? []).map(({ approver, answer }) => ({ approver, answer })),
        }
      : null,
    carriedOutBy: plan?.carriedOutBy ?? [],
  };
}
