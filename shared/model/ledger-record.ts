import * as z from 'zod';
import { Actor } from './actor.ts';
import { digestOf } from './canonical-json.ts';
import { DeploymentPlan } from './deployment-plan.ts';
import { EffectiveDeployment } from './effective-deployment.ts';
import { AskedAgain, EndpointChange } from './endpoint-change.ts';
import { EndpointFacts } from './endpoint-facts.ts';
import { EndpointRef } from './endpoint-ref.ts';
import { EnvironmentFact } from './environment.ts';
import { Decision, Finding } from './finding.ts';
import { HourlyCost } from './hourly-cost.ts';

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Timestamp = z.iso.datetime();
const Generation = z.int().positive();

export const ApprovalAnswer = z.enum(['approved', 'rejected']);
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>;

/** How a change ended. */
export const Result = z.enum([
  'compliant',
  'approved',
  'unchanged',
  'blocked',
  'rejected',
  'expired',
  'withdrawn',
  'superseded',
  'deleted',
  'undetermined',
]);
export type Result = z.infer<typeof Result>;

/** The results after which the deployment may stand, so that the same digest need not be asked about again. */
export const ACCEPTED: readonly Result[] = ['compliant', 'approved', 'unchanged'];

/** The last deployment of an endpoint that was accepted, carried along so that nobody has to read the stream to its start. */
export const Baseline = z.strictObject({
  digest: Digest,
  deployment: EffectiveDeployment,
  result: Result,
  /** Policies for which a person's approval was given; the same deployment is asked about again only for others. */
  approvedFor: z.array(z.string()),
  generation: Generation,
  at: Timestamp,
});
export type Baseline = z.infer<typeof Baseline>;

/** A plan as it was submitted, and until when a change may be matched with it. */
const SubmittedPlan = z.strictObject({
  document: DeploymentPlan,
  validUntil: Timestamp,
  /** Digests of states on the way to it, such as the one before auto scaling is registered; approving it approves them. */
  onTheWay: z.array(Digest),
});
export type SubmittedPlan = z.infer<typeof SubmittedPlan>;

/** The plan that a change was found to carry out, and on whose authority. */
const MatchedPlan = z.strictObject({
  /** Its number in the stream of the endpoint's plans. */
  generation: Generation,
  digest: Digest,
  request: z.string().nullable(),
  approvers: z.array(z.string()),
  reason: z.string(),
  approvedFor: z.array(z.string()),
});
export type MatchedPlan = z.infer<typeof MatchedPlan>;

/** So many approvals, from members of a group or (null) from anybody on the list, and why. */
export const ApprovalNeed = z.strictObject({
  group: z.string().nullable(),
  count: z.int().positive(),
  because: z.string(),
});
export type ApprovalNeed = z.infer<typeof ApprovalNeed>;

/** How an answer came in. */
export const Via = z.enum(['page', 'slack', 'cli', 'api']);
export type Via = z.infer<typeof Via>;

const ChangeOpened = z.strictObject({
  kind: z.literal('change-opened'),
  generation: Generation,
  cause: z.string(),
  eventId: z.string(),
  changedAt: Timestamp,
  digest: Digest,
  deployment: EffectiveDeployment,
  environment: EnvironmentFact,
  facts: EndpointFacts,
  baseline: Baseline.nullable(),
  /** In the stream of an endpoint's plans only. */
  plan: SubmittedPlan.optional(),
  /** Where somebody wanted people to be asked again. Its requesters count where it is about the same deployment. */
  again: AskedAgain.optional(),
});
const ChangeJoined = z.strictObject({
  kind: z.literal('change-joined'),
  generation: Generation,
  cause: z.string(),
  eventId: z.string(),
  changedAt: Timestamp,
  digest: Digest,
  /** The open change about the same deployment that goes on in this one's place. */
  joined: Generation,
});
/** Another event about a change: it names who made it, or arrived before the change's facts were recorded. */
const EventJoined = z.strictObject({
  kind: z.literal('event-joined'),
  generation: Generation,
  event: EndpointChange,
});
const Findings = z.strictObject({
  kind: z.literal('findings'),
  generation: Generation,
  digest: Digest,
  findings: z.array(Finding),
  decision: Decision,
  /** True where the same deployment was accepted before and nothing new is found. */
  unchanged: z.boolean(),
  cost: HourlyCost,
  policyDigest: Digest,
  priceDigest: Digest,
  plan: MatchedPlan.optional(),
});
const ApprovalRequested = z.strictObject({
  kind: z.literal('approval-requested'),
  generation: Generation,
  digest: Digest,
  request: z.string(),
  expiresAt: Timestamp,
  approvers: z.array(z.string()),
  /** Policies that asked. */
  reasons: z.array(z.string()),
  needs: z.array(ApprovalNeed).optional(),
});
const ApprovalGiven = z.strictObject({
  kind: z.literal('approval-given'),
  generation: Generation,
  digest: Digest,
  request: z.string(),
  approver: z.string(),
  answer: ApprovalAnswer,
  reason: z.string(),
  /** True where this answer settles the request: giving it and deciding is one record, so it is one conditional insert. */
  decides: z.boolean(),
  /** Where it settles the request: whose answers did, this one's included. */
  approvers: z.array(z.string()).optional(),
  via: Via.optional(),
  /** Given in an emergency by somebody who may, past everybody else; it stays open until a second person reviews it. */
  breakGlass: z.literal(true).optional(),
});
/**
 * A request that ended without an answer of the moment: nobody gave one in time, it was taken back, or what had been
 * given before came to be enough (`approved`, then with whose approvals they were).
 */
const Decided = z.strictObject({
  kind: z.literal('decided'),
  generation: Generation,
  digest: Digest,
  request: z.string(),
  answer: z.enum(['approved', 'expired', 'superseded', 'withdrawn']),
  approvers: z.array(z.string()).optional(),
  reason: z.string(),
});
/** Said about a request without deciding it. */
const Commented = z.strictObject({
  kind: z.literal('commented'),
  generation: Generation,
  digest: Digest,
  request: z.string(),
  person: z.string(),
  text: z.string(),
});
/** What a second person found about an approval that was given by breaking the glass. */
export const BreakGlassReviewed = z.strictObject({
  kind: z.literal('break-glass-reviewed'),
  generation: Generation,
  digest: Digest,
  request: z.string(),
  reviewer: z.string(),
  finding: z.enum(['justified', 'not-justified']),
  reason: z.string(),
});
/** In the stream of plans: a change of the endpoint turned out to be what was planned. */
const PlanMatched = z.strictObject({
  kind: z.literal('plan-matched'),
  generation: Generation,
  digest: Digest,
  /** The number of that change in the endpoint's own stream. */
  change: Generation,
});
const MonitoringVerified = z.strictObject({
  kind: z.literal('monitoring-verified'),
  generation: Generation,
  digest: Digest,
  findings: z.array(Finding),
  decision: Decision,
  facts: EndpointFacts.nullable(),
});
const OutcomeRecord = z.strictObject({
  kind: z.literal('outcome'),
  generation: Generation,
  digest: Digest.nullable(),
  environment: z.string(),
  result: Result,
  decision: Decision,
  reason: z.string(),
  /** Policies that were violated, for queries. */
  violations: z.array(z.string()),
  cause: z.string(),
  changedAt: Timestamp,
  /** Everybody known by then to have made the change. */
  requesters: z.array(z.string()),
});

/** What can be recorded about a change. */
export const RecordBody = z.discriminatedUnion('kind', [
  ChangeOpened,
  ChangeJoined,
  EventJoined,
  Findings,
  ApprovalRequested,
  ApprovalGiven,
  Decided,
  Commented,
  BreakGlassReviewed,
  PlanMatched,
  MonitoringVerified,
  OutcomeRecord,
]);
export type RecordBody = z.infer<typeof RecordBody>;
export type RecordOf<K extends RecordBody['kind']> = Extract<RecordBody, { kind: K }>;

/** One line of an endpoint's stream. */
export const LedgerRecord = z.strictObject({
  schema: z.literal(1),
  endpoint: EndpointRef,
  /** 1, 2, 3, ... without gaps. */
  sequence: z.int().positive(),
  /** SHA-256 of the canonical record before this one; 64 zeros before the first. */
  previous: Digest,
  /** Same work, same id: a repeated task finds its record by this and appends nothing. */
  id: z.string(),
  at: Timestamp,
  actor: Actor,
  body: RecordBody,
});
export type LedgerRecord = z.infer<typeof LedgerRecord>;

export const GENESIS = '0'.repeat(64);

/** The hash that the next record's key will carry. */
export function recordHash(record: LedgerRecord): string {
  return digestOf(record);
}

/** Sort key: nine digits of sequence, then the hash of the record before, so two writers at one place collide. */
export function sortKey(sequence: number, previous: string): string {
  return `${String(sequence).padStart(9, '0')}#${previous}`;
}
