import { type ApprovalRules, type Refusal, type RemarkReply, refused, refusedReason } from './approval.ts';
import { type Approver, isOneOf, namesOf } from './approver.ts';
import { type EndpointHistory, lastOpened, requestersOf, standingChange } from './endpoint-history.ts';
import type { Environment } from './environment.ts';
import type { RecordOf } from './ledger-record.ts';
import { standingWaivers } from './standing-waivers.ts';

const DAY_MS = 86_400_000;

/** What somebody asks for. Whoever calls has made sure that `person` is the approver of that id. */
export type WaiverRequest = {
  person: string;
  policy: string;
  /** ISO 8601. Without `from`, from now on. */
  from?: string | undefined;
  until: string;
  reason: string;
  /** Needed only for an endpoint of which nothing is on record. */
  environment?: Environment | undefined;
};

/** What granting depends on besides the request. */
export type GrantingRules = {
  rules: ApprovalRules;
  /** Policies that can be waived, and those that can not. */
  policies: readonly { id: string; waivable: boolean }[];
  maxDays: number;
  now: string;
  newId: () => string;
};

/** The number of the change that a waiver is recorded with: the newest one, or the first that there will be. */
const generationOf = ({ generation }: EndpointHistory) => Math.max(1, generation);

/** Did this approver make what stands for the endpoint now, or what is planned for it? */
function madeIt(approver: Approver, history: EndpointHistory, plans: EndpointHistory): boolean {
  return [history, plans].some((each) => {
    const standing = standingChange(each);
    return standing !== undefined && isOneOf(requestersOf(each, standing.generation), approver);
  });
}

function refusedDates({ from, until }: WaiverRequest, { maxDays, now }: GrantingRules): Refusal | undefined {
  const [begins, ends] = [Date.parse(from ?? now), Date.parse(until)];
  if (!(ends > Date.parse(now))) return refused('wrong-dates', `until is ${until}; it must be in the future.`);
  // What is on record as judged was judged without it.
  if (begins < Date.parse(now)) return refused('wrong-dates', `from is ${from}; it must not be in the past.`);
  if (!(ends > begins)) return refused('wrong-dates', `until is ${until}; it must be after from, which is ${from}.`);
  if (ends - begins > maxDays * DAY_MS) {
    return refused(
      'wrong-dates',
      `A waiver is for at most ${maxDays} days; until must be ${iso(begins + maxDays * DAY_MS)} or sooner.`,
    );
  }
  return undefined;
}

const iso = (ms: number) => new Date(ms).toISOString();

/**
 * Grants a waiver: the one place where that is decided, authorization inside. Pure, like decideApproval: whoever calls it
 * appends the record at the place in the stream it looked at, or asks again.
 */
export function grantOf(
  history: EndpointHistory,
  plans: EndpointHistory,
  given: WaiverRequest,
  granting: GrantingRules,
): RemarkReply<RecordOf<'waiver-granted'>> {
  const { rules, now, newId } = granting;
  const approver = rules.approvers.find(({ id }) => id === given.person);
  if (!approver) return refused('not-an-approver', `${given.person} is not on the list of approvers.`);
  const policy = granting.policies.find(({ id }) => id === given.policy);
  if (!policy?.waivable) {
    const could = granting.policies.flatMap(({ id, waivable }) => (waivable ? [id] : [])).join(', ');
    const why = policy ? `${given.policy} has no exception` : `There is no policy ${given.policy}`;
    return refused('not-waivable', `${why}. These can be waived: ${could}.`);
  }
  const wrong = refusedReason(given.reason) ?? refusedDates(given, granting);
  if (wrong) return wrong;
  const known = lastOpened(history)?.opened?.environment.name;
  if (known !== undefined && given.environment !== undefined && given.environment !== known) {
    return refused('wrong-environment', `The endpoint is ${known}, not ${given.environment}.`);
  }
  const environment = given.environment ?? known;
  if (environment === undefined) {
    return refused(
      'wrong-environment',
      'Nothing is on record about this endpoint, so say for which environment: dev, staging or prod.',
    );
  }
  if (madeIt(approver, history, plans)) {
    return refused('own-change', `${approver.name} made this change, so somebody else has to waive the policy.`);
  }
  const [from, until, reason] = [iso(Date.parse(given.from ?? now)), iso(Date.parse(given.until)), given.reason.trim()];
  const same = standingWaivers(history, now).some(
    (each) =>
      each.policy === policy.id &&
      each.approver === approver.id &&
      each.until === until &&
      each.reason === reason &&
      each.environment === environment &&
      (given.from === undefined || each.from === from),
  );
  if (same) return { reply: 'already-recorded' };
  const waiver = { id: newId(), policy: policy.id, environment, from, until, reason };
  return {
    reply: 'recorded',
    record: {
      kind: 'waiver-granted',
      generation: generationOf(history),
      waiver: { ...waiver, approver: approver.id, names: namesOf(approver) },
    },
  };
}

/** Ends a waiver before its time. Any approver may: it only makes the gate stricter. */
export function revocationOf(
  history: EndpointHistory,
  { waiver: id, person, reason }: { waiver: string; person: string; reason: string },
  rules: ApprovalRules,
  now: string,
): RemarkReply<RecordOf<'waiver-revoked'>> {
  const approver = rules.approvers.find((each) => each.id === person);
  if (!approver) return refused('not-an-approver', `${person} is not on the list of approvers.`);
  const revoked = history.changes
    .flatMap(({ records }) => records)
    .some(({ body }) => body.kind === 'waiver-revoked' && body.waiver === id);
  if (revoked) return { reply: 'already-recorded' };
  const waiver = standingWaivers(history, now).find((each) => each.id === id);
  if (!waiver) return refused('no-waiver', 'The endpoint has no such waiver, or it is over.');
  const refusal = refusedReason(reason);
  if (refusal) return refusal;
  const { policy, until } = waiver;
  return {
    reply: 'recorded',
    record: {
      kind: 'waiver-revoked',
      generation: generationOf(history),
      waiver: id,
      policy,
      until,
      approver: approver.id,
      reason: reason.trim(),
    },
  };
}
