import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { actorFrom, type UserIdentity } from '../../shared/model/actor.ts';
import { type Answer, decideApproval } from '../../shared/model/approval.ts';
import { ApprovalSettings, problemsWithApprovals } from '../../shared/model/approval-settings.ts';
import { type Approver, personInSlack, personOfIamIdentity } from '../../shared/model/approver.ts';
import type { EndpointHistory } from '../../shared/model/endpoint-history.ts';
import { approver, findings, history, NOW, opened, REQUEST, requested } from '../builders.ts';

// Everybody turns up under many names: in CloudTrail, in Slack, at the login provider. Whoever made a change must not
// approve it under any of them, and people who are not the same must not be taken for each other.

const RUNS = 10_000;
const ACCOUNT = '111122223333';

/** One person as AWS, Slack and the login provider know them; `tag` keeps two people apart. */
type Person = { approver: Approver; tag: string; oldDirectoryId: string; directoryId: string };

function personOf(tag: string, number: number): Person {
  const [directoryId, oldDirectoryId] = [`d-${tag}-${number}-new`, `d-${tag}-${number}-old`];
  return {
    tag,
    directoryId,
    oldDirectoryId,
    approver: approver(tag, {
      email: `${tag}.mail@example.com`,
      slack: { team: 'T0123ABCD', user: `U${String(number).padStart(4, '0')}${tag.toUpperCase()}` },
      oidcSubject: `subject-${tag}-${number}`,
      awsIdentities: [
        `${tag}.alias`,
        `arn:aws:iam::${ACCOUNT}:user/people/${tag}-user`,
        `arn:aws:iam::${ACCOUNT}:role/people/${tag}-role`,
        `${tag}-bare-role`,
        `arn:aws:sts::${ACCOUNT}:assumed-role/Shared/${tag}-session`,
        // The provider gave them another id when it was renamed; both are theirs.
        directoryId,
        oldDirectoryId,
      ],
    }),
  };
}

const session = (role: string, name: string, more: object = {}): UserIdentity => ({
  type: 'AssumedRole',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${name}`,
  ...more,
});

/** The ways in which a person turns up in CloudTrail; `spell` changes case, spaces and mail domain. */
const APPEARANCES: ((person: Person, spell: (name: string) => string, chance: string) => UserIdentity)[] = [
  ({ tag }, spell) => ({ type: 'IAMUser', userName: spell(tag), arn: `arn:aws:iam::${ACCOUNT}:user/${tag}` }),
  ({ tag }, spell) => ({ type: 'IAMUser', userName: spell(`${tag}.alias`), arn: null }),
  ({ tag }) => ({ type: 'IAMUser', userName: 'x', arn: `arn:aws:iam::${ACCOUNT}:user/people/${tag}-user` }),
  ({ tag }, spell) => session('Shared', spell(`${tag}.mail@example.com`)),
  ({ tag }, spell) => session('Shared', spell(tag)),
  ({ tag }) => session('Shared', `${tag}-session`),
  ({ tag }, _spell, chance) => session(`${tag}-role`, chance),
  ({ tag }, _spell, chance) => session(`${tag}-bare-role`, chance),
  ({ tag }, spell, chance) =>
    session('Shared', chance, { sessionContext: { sourceIdentity: spell(`${tag}.mail@example.com`) } }),
  // Whoever assumes one role with another keeps the source identity.
  ({ tag }, spell, chance) => session('Chained', chance, { sessionContext: { sourceIdentity: spell(`${tag}.alias`) } }),
  ({ directoryId }, spell, chance) => session('Centre', chance, { onBehalfOf: { userId: spell(directoryId) } }),
  ({ oldDirectoryId }, spell, chance) => session('Centre', chance, { onBehalfOf: { userId: spell(oldDirectoryId) } }),
  ({ tag }, spell) => ({ type: 'FederatedUser', arn: `arn:aws:sts::${ACCOUNT}:federated-user/${spell(tag)}` }),
  ({ tag }, spell) => ({ type: 'SAMLUser', userName: spell(`${tag}.mail@example.com`), arn: null }),
];

const SPELLINGS: ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.charAt(0).toUpperCase() + name.slice(1),
  (name) => ` ${name}`,
  (name) => name.replace('@example.com', '@elsewhere.org'),
  (name) => name.replace('@example.com', ''),
];

/** The ways in which somebody proves to the gate who they are; each leads to the id of an approver. */
const PROOFS: ((person: Person, all: readonly Approver[]) => string | undefined)[] = [
  ({ approver: { id } }) => id,
  ({ approver: { slack } }, all) => slack && personInSlack(all, { ...slack, userTeam: slack.team })?.id,
  ({ approver: { oidcSubject } }, all) => all.find((each) => each.oidcSubject === oidcSubject)?.id,
  ({ tag }, all) => personOfIamIdentity(all, `arn:aws:iam::${ACCOUNT}:user/people/${tag}-user`)?.id,
  ({ tag }, all) => personOfIamIdentity(all, `arn:aws:sts::${ACCOUNT}:assumed-role/${tag}-role/anything`)?.id,
  ({ tag }, all) => personOfIamIdentity(all, `arn:aws:sts::${ACCOUNT}:assumed-role/Shared/${tag}-session`)?.id,
];

const settings = ApprovalSettings.parse({});
const base = history(opened(), findings(), requested());
const answer: Omit<Answer, 'approver'> = {
  request: REQUEST,
  answer: 'approved',
  reason: 'ok',
  digest: opened().digest,
};

/** What becomes of an approval by `id` of what `identity` made. */
function attempt(identity: UserIdentity, id: string, approvers: Approver[]) {
  const [change] = base.changes;
  if (!change) throw new Error('nothing was asked');
  const made: EndpointHistory = { ...base, changes: [{ ...change, requesters: [actorFrom(identity)] }] };
  return decideApproval(made, 1, { ...answer, approver: id }, { ...settings, approvers }, NOW);
}

// Names of letters, of which one may begin like the other.
const name = fc
  .nat(26 ** 5)
  .map((number) => `a${number.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '')}`);
const tags = fc.tuple(name, name).filter(([one, two]) => one !== two);
const pair = fc
  .record({ tags, number: fc.nat(9_999), appearance: fc.nat(), spelling: fc.nat(), proof: fc.nat(), chance: fc.nat() })
  .map(({ tags: [one, two], number, appearance, spelling, proof, chance }) => {
    const pick = <T>(list: readonly T[], index: number) => list[index % list.length] as T;
    const [maker, other] = [personOf(one, number), personOf(two, number + 1)];
    const identity = pick(APPEARANCES, appearance)(maker, pick(SPELLINGS, spelling), `i-${chance}`);
    return { maker, other, identity, prove: pick(PROOFS, proof) };
  });

test('of 10,000 pairs of identities of one person, none approves what the other made', () => {
  const seen = { attempts: 0, refused: 0, others: 0, othersApproved: 0 };
  fc.assert(
    fc.property(pair, ({ maker, other, identity, prove }) => {
      const approvers = [maker.approver, other.approver];
      const own = prove(maker, approvers) ?? '';
      seen.attempts += 1;
      const reply = attempt(identity, own, approvers);
      if (reply.reply === 'refused' && reply.code === 'own-change') seen.refused += 1;
      // The control: somebody else, who came in the same way, may.
      const theirs = prove(other, approvers) ?? '';
      seen.others += 1;
      if (attempt(identity, theirs, approvers).reply === 'recorded') seen.othersApproved += 1;
      return own === maker.approver.id && theirs === other.approver.id && reply.reply === 'refused';
    }),
    { numRuns: RUNS },
  );
  expect(seen).toEqual({ attempts: RUNS, refused: RUNS, others: RUNS, othersApproved: RUNS });
});

test('the settings take such people for different ones', () => {
  fc.assert(
    fc.property(pair, ({ maker, other }) => {
      const approvers = [maker.approver, other.approver];
      return problemsWithApprovals({ ...settings, approvers }).length === 0;
    }),
  );
});
