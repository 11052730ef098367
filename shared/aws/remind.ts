import { gateActor } from '../model/actor.ts';
import { type AskedChange, askedChange } from '../model/approval.ts';
import { type Round, roundsDue } from '../model/asked-people.ts';
import type { EndpointHistory } from '../model/endpoint-history.ts';
import { listOpenReviews, type StoredRequest } from './approvals.ts';
import { listExpiryNotices, removeExpiryNotice } from './expiry-notices.ts';
import { append, readStream } from './ledger.ts';
import { type Notifying, notify, type Telling } from './notify.ts';
import { claimRound, finishRound } from './told.ts';

/** A change about which people are to be written to, why, and in which round. */
export type Writing = Omit<Round, 'occasion'> & {
  occasion: Round['occasion'] | 'expired' | 'break-glass';
  history: EndpointHistory;
  change: AskedChange;
};
/** Makes the messages. Pages and messages are not known here, so whoever calls brings it along. */
export type Write = (writing: Writing) => Pick<Telling, 'request' | 'environment' | 'mail' | 'slack'>;

/** Puts on record who else was told. It is what the gate says about the request, so nobody has to guess later. */
async function recordEscalation(services: Notifying, request: StoredRequest, { people }: Round): Promise<void> {
  const { escalation } = services.readApprovals();
  const stream = await readStream(services, request.endpoint, request.generation);
  await append(services, stream, (history) => {
    const change = askedChange(history, request.generation, request.id);
    if (!change || change.decided) return undefined;
    return {
      id: `escalated#${request.id}`,
      body: {
        kind: 'commented',
        generation: request.generation,
        digest: change.request.digest,
        request: request.id,
        person: gateActor.person,
        text: `Nobody has decided for ${escalation?.afterHours} hours, so ${escalation?.group} is told too: ${people.map(({ id }) => id).join(', ')}.`,
      },
      actor: gateActor,
    };
  });
}

/** Tells a round, unless another sweep has done so or is at it. */
async function tellRound(
  services: Notifying,
  write: Write,
  writing: Writing,
  first?: () => Promise<void>,
): Promise<number> {
  const { request } = writing.change.request;
  if (!(await claimRound(services, request, writing.round))) return 0;
  await first?.();
  await notify(services, { ...write(writing), round: writing.round, people: writing.people });
  await finishRound(services, request, writing.round);
  return 1;
}

/**
 * Reminds those who have not answered a request that waits, and tells the second group of one that waits too long. Any
 * number of sweeps at once tell each round once. Returns how many rounds were told.
 */
export async function remind(services: Notifying, request: StoredRequest, write: Write): Promise<number> {
  const { history } = await readStream(services, request.endpoint, request.generation);
  const change = askedChange(history, request.generation, request.id);
  if (!change) return 0;
  let told = 0;
  for (const round of roundsDue(history, change, services.readApprovals(), services.now())) {
    const first = round.occasion === 'escalation' ? () => recordEscalation(services, request, round) : undefined;
    told += await tellRound(services, write, { ...round, history, change }, first);
  }
  return told;
}

type Noticed = Pick<StoredRequest, 'endpoint' | 'generation'> & { request: string };

async function notice(services: Notifying, { request, endpoint, generation }: Noticed, write: Write): Promise<number> {
  const { history } = await readStream(services, endpoint, generation);
  const change = askedChange(history, generation, request);
  const expired = change?.decided?.answer === 'expired';
  if (!change || (!expired && (!change.breakGlass || change.review))) return 0;
  const { approvers } = services.readApprovals();
  const occasion = expired ? 'expired' : 'break-glass';
  const people = approvers.filter(({ id }) => (expired ? change.request.approvers.includes(id) : true));
  return tellRound(services, write, { round: occasion, occasion, people, history, change });
}

/** Tells approvers, once each, of requests that expired and of approvals that were given by breaking the glass. */
export async function sendNotices(services: Notifying, write: Write): Promise<number> {
  let told = 0;
  for (const review of await listOpenReviews(services)) told += await notice(services, review, write);
  for (const expired of await listExpiryNotices(services)) {
    told += await notice(services, expired, write);
    await removeExpiryNotice(services, expired.request);
  }
  return told;
}
