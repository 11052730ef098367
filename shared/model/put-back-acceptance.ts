import { type ApprovalRules, type RemarkReply, refused, refusedName, refusedReason } from './approval.ts';
import { changeOf, type EndpointHistory, lastOpened } from './endpoint-history.ts';
import type { RecordOf, Via } from './ledger-record.ts';

/** What an approver says who wants a refused change put back as it was proposed. Whoever calls has made sure that it is them. */
export type PutBackAnswer = {
  digest: string;
  person: string;
  reason: string;
  via: Via;
  /** What was typed on a page as the endpoint's name; elsewhere it is named by whoever sends it. */
  typedName?: string | undefined;
};

/**
 * May it be carried out on this person's word? Any approver may say so, whoever made the change too: it goes back to what
 * was accepted before.
 */
export function putBackAcceptance(
  history: EndpointHistory,
  generation: number,
  { digest, person, reason, via, typedName }: PutBackAnswer,
  rules: Pick<ApprovalRules, 'approvers'>,
): RemarkReply<RecordOf<'remediation-accepted'>> {
  const change = changeOf(history, generation);
  const { proposed, accepted, intended, done } = change?.remediation ?? {};
  if (!proposed) return refused('nothing-to-put-back', 'Nothing is proposed about this change.');
  const approver = rules.approvers.find(({ id }) => id === person);
  if (!approver) return refused('not-an-approver', `${person} is not on the list of approvers.`);
  if (accepted?.person === person) return { reply: 'already-recorded' };
  if (accepted ?? intended ?? done) return refused('ended', 'It is being put back, or that has ended, already.');
  if (proposed.calls.length === 0) {
    return refused('nothing-to-put-back', 'The gate can not put this back itself; what people could do stands there.');
  }
  if (digest !== proposed.digest) {
    return refused('other-deployment', 'That is the digest of another deployment than the one that is to be put back.');
  }
  const newest = lastOpened(history);
  if (newest && newest.generation > generation && newest.opened?.digest !== digest) {
    return refused('superseded', `The endpoint has changed since: see change ${newest.generation}.`);
  }
  const wrong = refusedReason(reason);
  if (wrong) return wrong;
  const otherName = change?.opened?.environment.name === 'prod' ? refusedName(typedName, change) : undefined;
  if (otherName) return otherName;
  return {
    reply: 'recorded',
    record: { kind: 'remediation-accepted', generation, digest, person, reason: reason.trim(), via },
  };
}
