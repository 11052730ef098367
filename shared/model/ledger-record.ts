import * as z from 'zod';
import { Actor } from './actor.ts';
import { digestOf } from './canonical-json.ts';
import { DeploymentPlan } from './deployment-plan.ts';
import { EffectiveDeployment } from './effective-deployment.ts';
import { AskedAgain, EndpointChange } from './endpoint-change.ts';
import { EndpointFacts } from './endpoint-facts.ts';
import { StreamRef } from './endpoint-ref.ts';
import { EnvironmentFact } from './environment.ts';
import { Decision, Finding } from './finding.ts';
import { FleetChanged, FleetCounted, FleetSummed, FleetView } from './fleet-entry.ts';
import { HourlyCost } from './hourly-cost.ts';
import { JsonValue } from './json-value.ts';
import { PricesMoved, PricesRead } from './live-prices.ts';
import { Protection } from './protection.ts';
import { Reconciliation } from './reconciliation-result.ts';
import { RemediationCall } from './remediation-call.ts';
import { RolledBack } from './rolled-back.ts';
import { TrailScope } from './trail-scope.ts';
import { HeldWaiver, Waiver } from './waiver.ts';

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
  'rolled-back',
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
  /** What it takes to deploy it again, as far as it was read; see shared/model/remediation.ts. */
  configName: z.string().optional(),
  deploymentConfig: z.record(z.string(), JsonValue).nullable().optional(),
  /** What it could cost an hour when it was accepted, and at the prices of which day. */
  cost: z.strictObject({ ceilingUsd: z.number(), pricesAsOf: z.string() }).optional(),
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
  /** Waivers of the endpoint that had not ended or been revoked, carried along like the baseline. */
  waivers: z.array(Waiver).optional(),
  /** The config that the call asked for which started it; native events name no caller, so they ask for nothing. */
  requestedConfig: z.string().optional(),
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
/** What a decision was made from besides its change's own records and the settings, so that it can be made again. */
const Judged = z.strictObject({
  at: Timestamp,
  /** The records of the endpoint's plans that were read, by number; null where there were none. */
  plans: z.strictObject({ first: z.int().positive(), last: z.int().positive() }).nullable(),
  /** Waivers that were in force, where there were any. */
  waivers: z.array(HeldWaiver).optional(),
});
/** How a change stands to the plans of its endpoint: carried by one, by none, or another than the one that is accepted. */
export const Planned = z.enum(['as-planned', 'unplanned', 'out-of-band']);
export type Planned = z.infer<typeof Planned>;

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
  /** Not where it is a plan, or was accepted before. */
  planned: Planned.optional(),
  /** The version of Portcullis that decided. */
  version: z.string().optional(),
  judged: Judged.optional(),
  /** The fleet that its cost was added to. */
  fleet: FleetView.optional(),
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
  /** As they were read for it; null where those that the change was opened with were good enough. */
  facts: EndpointFacts.nullable(),
  /** Waivers that were in force, where there were any. */
  waivers: z.array(HeldWaiver).optional(),
  policyDigest: Digest.optional(),
  priceDigest: Digest.optional(),
  version: z.string().optional(),
  /** Where SageMaker took the deployment back. */
  rolledBack: RolledBack.optional(),
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
  /** As its findings have it. */
  planned: Planned.optional(),
});

/** An approver excuses the endpoint from a policy for a time. It belongs to the change that is the newest by then. */
const WaiverGranted = z.strictObject({ kind: z.literal('waiver-granted'), generation: Generation, waiver: Waiver });
/** An approver ends a waiver before its time. */
const WaiverRevoked = z.strictObject({
  kind: z.literal('waiver-revoked'),
  generation: Generation,
  /** Its id, and what it was for, so that the record can be read alone. */
  waiver: z.string(),
  policy: z.string(),
  until: Timestamp,
  approver: z.string(),
  reason: z.string(),
});
/** In a stream named for its digest: the limits or the prices that decisions name by their digest. */
const SettingsKept = z.strictObject({
  kind: z.literal('settings-kept'),
  generation: Generation,
  what: z.enum(['limits', 'prices']),
  digest: Digest,
  /** Exactly what the digest is of. */
  document: z.record(z.string(), z.unknown()),
  /** With limits: the sentence of each policy by its id, as it was first enforced with them. */
  statements: z.record(z.string(), z.string()).optional(),
  version: z.string(),
});

/** What putting back is about: the deployment as a whole, or guards that were taken off it. */
const RemediationOf = z.enum(['deployment', 'guards']);
/** The accepted deployment that is to come back; null where only guards are. */
const PutBackTo = z.strictObject({ generation: Generation, digest: Digest, configName: z.string() }).nullable();
/** How a change that was refused could be put back. What `digest` says is what would be put back, and nothing else. */
const RemediationProposed = z.strictObject({
  kind: z.literal('remediation-proposed'),
  generation: Generation,
  digest: Digest,
  of: RemediationOf,
  to: PutBackTo,
  /** Calls that the gate would make itself, in this order; empty where it can not put it back. */
  calls: z.array(RemediationCall),
  /** Calls that only people can make. */
  others: z.array(RemediationCall),
  /** What the gate does not know or will not do, and what people could. */
  notes: z.array(z.string()),
});
/** Somebody wants the proposal carried out. */
const RemediationAccepted = z.strictObject({
  kind: z.literal('remediation-accepted'),
  generation: Generation,
  digest: Digest,
  person: z.string(),
  reason: z.string(),
  via: Via,
});
/** The gate is about to make these calls. At most one such record for a change. */
const RemediationIntended = z.strictObject({
  kind: z.literal('remediation-intended'),
  generation: Generation,
  digest: Digest,
  of: RemediationOf,
  to: PutBackTo,
  calls: z.array(RemediationCall).min(1),
  /** LastModifiedTime of the endpoint when it was looked at: as long as it stays, nobody has touched the endpoint since. */
  lastModifiedAt: Timestamp,
  /** Who wanted it; null where the settings do. */
  person: z.string().nullable(),
});
/** How putting it back ended; without an intent before it, why there was none. */
const RemediationDone = z.strictObject({
  kind: z.literal('remediation-done'),
  generation: Generation,
  digest: Digest,
  /** `stopped`: it was the fourth within an hour. */
  result: z.enum(['done', 'failed', 'abandoned', 'stopped']),
  reason: z.string(),
});

/** In the gate's stream of audits: somebody took a copy of a part of the trail along. */
export const Exported = z.strictObject({
  kind: z.literal('exported'),
  generation: Generation,
  format: z.enum(['bundle', 'directory', 'jsonl', 'csv', 'ocsf', 'sarif']),
  scope: TrailScope,
  records: z.int().nonnegative(),
  /** Of a bundle's manifest, so that a bundle can be told from another with the same contents; null for the rest. */
  sha256: Digest.nullable(),
  pseudonymised: z.boolean(),
});
export type Exported = z.infer<typeof Exported>;
/** In the gate's own stream: what a comparison with CloudTrail found, its lists cut to what a record holds. */
const Reconciled = z.strictObject({
  kind: z.literal('reconciled'),
  generation: Generation,
  /** Nothing was missing, nothing was there without a cause, and everything could be read. */
  reconciled: z.boolean(),
  result: Reconciliation,
  /** So many gaps, duplicates and surplus decisions are not in those lists. */
  leftOut: z.int().nonnegative(),
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
  RemediationProposed,
  RemediationAccepted,
  RemediationIntended,
  RemediationDone,
  WaiverGranted,
  WaiverRevoked,
  SettingsKept,
  Reconciled,
  Exported,
  FleetChanged,
  FleetCounted,
  FleetSummed,
  PricesRead,
  PricesMoved,
]);
export type RecordBody = z.infer<typeof RecordBody>;
export type RecordOf<K extends RecordBody['kind']> = Extract<RecordBody, { kind: K }>;

/** One line of a stream. */
export const LedgerRecord = z.strictObject({
  schema: z.literal(1),
  endpoint: StreamRef,
  /** 1, 2, 3, ... without gaps. */
  sequence: z.int().positive(),
  /** SHA-256 of the canonical record before this one; 64 zeros before the first. */
  previous: Digest,
  /** Same work, same id: a repeated task finds its record by this and appends nothing. */
  id: z.string(),
  at: Timestamp,
  actor: Actor,
  body: RecordBody,
  /** What was switched off in the program that wrote it; absent where nothing was, as always in prod. */
  unprotected: z.array(Protection).min(1).optional(),
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
