import { type StreamRef, streamOf } from './endpoint-ref.ts';
import type { LedgerRecord, RecordBody } from './ledger-record.ts';

export type SecurityEventName =
  | 'login'
  | 'logout'
  | 'denial'
  | 'decision'
  | 'store'
  | 'retrieve'
  | 'delete'
  | 'export'
  | 'configuration'
  | 'key-use';

/**
 * Something that whoever looks into an incident wants to know of. Never a secret, a token, what was typed, or an address
 * with its query.
 */
export type SecurityEvent = {
  event: SecurityEventName;
  /** Whose doing it is, as far as that was proven; `portcullis` for the gate itself. */
  actor?: string | undefined;
  /** What it was done to or with: a stream of records, a session, a key. */
  subject?: string | undefined;
  /** Which of several: the kind of record, how somebody logged in, what a key was used for. */
  detail?: string | undefined;
  sequence?: number | undefined;
  /** Method and pattern of the route, and the HTTP status that was answered. */
  route?: string | undefined;
  status?: number | undefined;
};

const DECISIONS: readonly RecordBody['kind'][] = [
  'approval-given',
  'decided',
  'break-glass-reviewed',
  'waiver-granted',
  'waiver-revoked',
  'remediation-accepted',
];

function nameOf(kind: RecordBody['kind']): SecurityEventName {
  if (DECISIONS.includes(kind)) return 'decision';
  if (kind === 'exported') return 'export';
  return kind === 'settings-kept' ? 'configuration' : 'store';
}

/** Who is behind a record: whoever answered, or else who made it. */
function actorOf({ actor, body }: LedgerRecord): string {
  if ('approver' in body) return body.approver;
  if ('reviewer' in body) return body.reviewer;
  if ('person' in body && body.person !== null) return body.person;
  return actor.kind === 'gate' ? 'portcullis' : (actor.person ?? actor.kind);
}

/** What a record that was written is, as an event. */
export function eventOfRecord(record: LedgerRecord): SecurityEvent {
  return {
    event: nameOf(record.body.kind),
    actor: actorOf(record),
    subject: streamOf(record.endpoint satisfies StreamRef),
    detail: record.body.kind,
    sequence: record.sequence,
  };
}

const MAX_TEXT = 300;
const short = (value: string | number) => (typeof value === 'string' ? value.slice(0, MAX_TEXT) : value);

/**
 * One line for the log, without its end. Whatever a name holds, it stays within its quotes: all that is not plain ASCII
 * is written as its number, line ends of every kind and what turns text around among it.
 */
export function securityLine(at: string, { event, ...fields }: SecurityEvent): string {
  const said = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, short(value)]]));
  return JSON.stringify({ at, event, ...Object.fromEntries(said) }).replace(
    /[^\u0020-\u007e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
