import { gateActor } from '../model/actor.ts';
import { type ChangeHistory, changeOf } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { type Hindrance, hindranceOf, hourBefore, type RemediationPlan, reachesBack } from '../model/remediation.ts';
import { append, readStream, type Stream } from './ledger.ts';
import type { With } from './services.ts';

type Recording = With<'dynamodb'>;
/** A change that is to be put back, and how its stream stands. */
export type Work<Services extends Recording = Recording> = { services: Services; stream: Stream; mine: ChangeHistory };
/** `waiting`: look again later. `over`: everything that there was to do is on record. */
export type Remediated = 'waiting' | 'over';

type Result = RecordOf<'remediation-done'>['result'];

/** Reads the stream an hour back at least, for counting what was put back lately. */
export const readHour = (services: Recording, ref: EndpointRef, generation?: number): Promise<Stream> =>
  readStream(services, ref, generation, hourBefore(services.now()));

function count({ measure }: Recording, Result: Result | 'proposed'): void {
  measure({ name: 'Remediations', unit: 'Count', value: 1, dimensions: { Result } });
}

/** Puts the end on record: one for the intent, or one for each time that it did not come to an intent. */
export async function recordEnd({ services, stream, mine }: Work, result: Result, reason: string): Promise<Remediated> {
  const { generation } = mine;
  const { intended, accepted } = mine.remediation;
  const digest = mine.opened?.digest ?? '';
  let mayEnd = false;
  await append(services, stream, (history) => {
    const now = changeOf(history, generation)?.remediation;
    // Another run of the same task may have ended it, or gone on to the intent, between our look and this.
    mayEnd = now !== undefined && !now.done && Boolean(now.intended) === Boolean(intended);
    if (!mayEnd) return undefined;
    return {
      id: intended ? `put-back#${generation}` : `not-put-back#${generation}#${accepted ? 'accepted' : 'enforced'}`,
      body: { kind: 'remediation-done', generation, digest, result, reason },
      actor: gateActor,
    };
  });
  if (mayEnd) count(services, result);
  return 'over';
}

/** Puts on record how it could be put back, once for each change. */
export async function recordProposal({ services, stream, mine }: Work, plan: RemediationPlan): Promise<Remediated> {
  const { generation } = mine;
  const digest = mine.opened?.digest ?? '';
  let first = false;
  await append(services, stream, (history) => {
    first = !changeOf(history, generation)?.remediation.proposed;
    if (!first) return undefined;
    return {
      id: `put-back-proposed#${generation}`,
      body: { kind: 'remediation-proposed', generation, digest, ...plan },
      actor: gateActor,
    };
  });
  if (first) count(services, 'proposed');
  return 'over';
}

/**
 * Puts the intent on record: one for each change, and only where at this very moment nothing stands against it. Whether
 * anything does and recording it are one conditional insert, so of any number who try one gets through. Returns the
 * stream with the intent where it is ours, what stands against it, or undefined where another run was faster.
 */
export async function recordIntent(
  { services, stream, mine }: Work,
  { of, to, calls }: RemediationPlan,
  lastModifiedAt: string,
): Promise<Stream | Hindrance | undefined> {
  const { generation } = mine;
  const { accepted } = mine.remediation;
  const digest = mine.opened?.digest ?? '';
  const since = hourBefore(services.now());
  let from = stream;
  for (;;) {
    let tooShort = false;
    let mayIntend = false;
    let hindrance: Hindrance | undefined;
    const after = await append(services, from, (history) => {
      const now = changeOf(history, generation)?.remediation;
      tooShort = !reachesBack(history, since);
      hindrance = tooShort ? undefined : hindranceOf(history, generation, services.now());
      mayIntend = !tooShort && !hindrance && now !== undefined && !now.intended && !now.done;
      if (!mayIntend) return undefined;
      const person = accepted?.person ?? null;
      return {
        id: `put-back-intended#${generation}`,
        body: { kind: 'remediation-intended', generation, digest, of, to, calls, lastModifiedAt, person },
        actor: gateActor,
      };
    });
    if (!tooShort) return hindrance ?? (mayIntend ? after : undefined);
    from = await readHour(services, stream.ref, generation);
  }
}
