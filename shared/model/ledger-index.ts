import type { LedgerRecord } from './ledger-record.ts';

// Which questions the indexes of the ledger answer, and under which keys. Pure: what a record's keys are depends on the
// record alone. They serve auditors and lists, and nothing is ever decided from them. docs/audit.md has the questions.

/** One sparse index for every question that the other three do not answer; a record is the answer to at most one. */
export const QUESTIONS = 'by-question';

/** `prod#2026-11`: the month in which something was recorded, by environment, result or question. */
export const monthly = (what: string, at: string): string => `${what}#${at.slice(0, 7)}`;

/** Half of a digest: enough to tell digests apart, and half as long to read. */
const half = (digest: string) => digest.slice(0, 32);

/** Waivers, sorted by the end of each: one query finds those that had not ended by a date. Their ends stand beside them. */
export const WAIVERS = 'waiver';
/** Approvals by broken glass and their reviews. */
export const BREAK_GLASS = 'break-glass';
/** Limits and prices that are kept, sorted by `keptAs`. */
export const SETTINGS = 'settings';
/** What reconciliations found. */
export const RECONCILED = 'reconciled';
/** Changes that no plan carried, by month. */
export const unplannedIn = (month: string): string => `unplanned#${month}`;
export const outOfBandIn = (month: string): string => `out-of-band#${month}`;
/** Decisions by their limits; sorted by their prices and the time, so that one query finds those under both. */
export const decidedUnder = (policyDigest: string): string => `limits#${half(policyDigest)}`;
export const pricedUnder = (priceDigest: string): string => `${half(priceDigest)}#`;
export const keptAs = (what: 'limits' | 'prices', digest: string): string => `${what}#${digest}`;

type Key = { question: string; questionAt: string };

/** The one question of the overloaded index that a record answers, if any. */
export function questionOf({ at, body, endpoint }: LedgerRecord): Key | undefined {
  switch (body.kind) {
    case 'findings':
      return {
        question: decidedUnder(body.policyDigest),
        questionAt: `${pricedUnder(body.priceDigest)}${at}`,
      };
    case 'approval-given':
      return body.breakGlass ? { question: BREAK_GLASS, questionAt: at } : undefined;
    case 'break-glass-reviewed':
      return { question: BREAK_GLASS, questionAt: at };
    case 'outcome':
      if (endpoint.planned || body.planned === undefined || body.planned === 'as-planned') return undefined;
      return { question: monthly(body.planned, at), questionAt: at };
    case 'waiver-granted':
      return { question: WAIVERS, questionAt: body.waiver.until };
    case 'waiver-revoked':
      return { question: WAIVERS, questionAt: body.until };
    case 'reconciled':
      return { question: RECONCILED, questionAt: at };
    case 'settings-kept':
      return { question: SETTINGS, questionAt: keptAs(body.what, body.digest) };
    default:
      return undefined;
  }
}

/** Attributes of a record's item that the indexes are made of and show. */
export function indexAttributes(record: LedgerRecord): Record<string, string> {
  const { at, actor, body, endpoint } = record;
  const common = {
    kind: body.kind,
    endpoint: endpoint.name,
    generation: String(body.generation),
    at,
    ...questionOf(record),
  };
  switch (body.kind) {
    case 'change-opened':
      return {
        ...common,
        cause: body.cause,
        environment: body.environment.name,
        environmentMonth: monthly(body.environment.name, at),
        ...(actor.kind === 'gate' ? {} : { actor: actor.person }),
      };
    case 'event-joined':
      return { ...common, ...(body.event.actor ? { actor: body.event.actor.person } : {}) };
    case 'findings':
      return { ...common, decision: body.decision };
    case 'approval-given':
      return { ...common, actor: body.approver, answer: body.answer, reason: body.reason, request: body.request };
    case 'break-glass-reviewed':
      return { ...common, actor: body.reviewer, answer: body.finding, reason: body.reason, request: body.request };
    case 'remediation-accepted':
      return { ...common, actor: body.person, reason: body.reason };
    case 'waiver-granted': {
      const { id, policy, environment, from, until, approver, reason } = body.waiver;
      return { ...common, waiver: id, policy, environment, from, until, actor: approver, reason };
    }
    case 'waiver-revoked':
      return { ...common, waiver: body.waiver, policy: body.policy, actor: body.approver, reason: body.reason };
    case 'reconciled':
      return { ...common, answer: body.reconciled ? 'reconciled' : 'not-reconciled', actor: actor.person };
    case 'outcome':
      return {
        ...common,
        cause: body.cause,
        environment: body.environment,
        environmentMonth: monthly(body.environment, at),
        outcomeMonth: monthly(body.result, at),
        result: body.result,
        reason: body.reason,
        violations: body.violations.join(','),
        ...(body.requesters[0] === undefined ? {} : { actor: body.requesters[0] }),
      };
    default:
      return common;
  }
}
