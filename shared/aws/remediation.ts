import type { EndpointFacts } from '../model/endpoint-facts.ts';
import { changeOf } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { isRepaired } from '../model/guard-repairs.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { intendedAt, isWithin, modeOf, nextStep, refusedAs, waitedTooLong } from '../model/remediation.ts';
import { isUnderWay } from './endpoint-reader.ts';
import { servicesAt } from './member-accounts.ts';
import { makeCalls } from './remediation-calls.ts';
import { type Doing, describe, digestOf, type Remediating, read } from './remediation-look.ts';
import { planRemediation } from './remediation-plan.ts';
import { type Remediated, readHour, recordEnd, recordIntent, recordProposal } from './remediation-records.ts';
import { isUnreadable } from './remediation-way.ts';

type Intent = RecordOf<'remediation-intended'>;

const GONE = 'The endpoint does not exist any more.';

/** Finds out how it could be put back and says so, or (`carry-out`) goes on to do it as soon as it can be done. */
async function begin(work: Doing, step: 'propose' | 'carry-out'): Promise<Remediated> {
  const { services, mine } = work;
  const { opened, remediation } = mine;
  const refusal = refusedAs(mine);
  if (!opened || !refusal) return 'over';
  const described = await describe(work);
  if (described && step === 'carry-out' && isUnderWay(described.output)) return 'waiting';
  const seen = described && (await read(work, described));
  if (!seen) return recordEnd(work, 'abandoned', GONE);
  const digest = digestOf(seen.facts);
  if (digest !== opened.digest) {
    const reason =
      digest === opened.baseline?.digest
        ? 'The endpoint runs what was accepted last again; somebody or SageMaker was faster.'
        : 'The endpoint is another by now than the one that was refused, so nothing was done to it.';
    return recordEnd(work, 'abandoned', reason);
  }
  const plan = await planRemediation(seen, mine, refusal);
  if (step === 'propose' || (plan.calls.length === 0 && !remediation.accepted)) return recordProposal(work, plan);
  if (plan.calls.length === 0)
    return recordEnd(work, 'abandoned', plan.notes.join(' ') || 'Nothing is left to put back.');
  if (remediation.accepted && !isWithin(plan.calls, remediation.proposed?.calls ?? [])) {
    return recordEnd(work, 'abandoned', 'By now it would take other calls than those that were accepted.');
  }
  const intended = await recordIntent(work, plan, seen.facts.lastModifiedAt);
  if (!intended) return 'waiting';
  if ('result' in intended) return recordEnd(work, intended.result, intended.reason);
  const after = changeOf(intended.history, mine.generation);
  const intent = after?.remediation.intended;
  return after && intent ? act({ services, stream: intended, mine: after }, intent, seen.facts) : 'waiting';
}

/** The last look, a moment before the calls: whatever has touched the endpoint since it was read keeps them from being made. */
async function isAsRead(work: Doing, { lastModifiedAt, configName }: EndpointFacts): Promise<boolean> {
  const described = await describe(work);
  if (!described || isUnderWay(described.output)) return false;
  const { LastModifiedTime, EndpointConfigName } = described.output;
  return LastModifiedTime?.toISOString() === lastModifiedAt && EndpointConfigName === configName;
}

/** Makes the calls of the intent. What became of an update shows when the endpoint has settled. */
async function act(work: Doing, intent: Intent, facts: EndpointFacts): Promise<Remediated> {
  if (!(await isAsRead(work, facts))) return 'waiting';
  const calls = intent.calls.filter((call) => !isRepaired(facts, call));
  const refused = await makeCalls(servicesAt(work.services, work.stream.ref), calls);
  if (refused !== undefined) return recordEnd(work, 'failed', refused);
  return intent.of === 'guards' ? recordEnd(work, 'done', done(intent)) : 'waiting';
}

const done = ({ of, to, calls }: Intent) =>
  of === 'guards' || !to
    ? `AWS took ${calls.map(({ api }) => api).join(', ')}.`
    : `The endpoint runs ${to.configName} again, as it was accepted with change ${to.generation}.`;

/** A look this long after the intent shows what was done then; one before that may be out of date. */
const CONSISTENT_AFTER_MS = 10_000;

/**
 * With an intent on record, by a run before this one: finds out what became of it. As long as nobody has modified the
 * endpoint since the intent, its calls were not made (or had no effect), and are made now.
 */
async function finish(work: Doing, intent: Intent): Promise<Remediated> {
  const { services, mine } = work;
  const described = await describe(work);
  if (described && isUnderWay(described.output)) return 'waiting';
  const seen = described && (await read(work, described));
  if (!seen) return recordEnd(work, 'failed', GONE);
  const { facts } = seen;
  const { to, calls, of } = intent;
  const digest = digestOf(facts);
  const isBack = of === 'guards' ? calls.every((call) => isRepaired(facts, call)) : digest === to?.digest;
  if (isBack) return recordEnd(work, 'done', done(intent));
  if (digest !== intent.digest) {
    return recordEnd(
      work,
      'failed',
      'The endpoint is neither what was refused nor what was accepted: somebody has changed it.',
    );
  }
  if (of === 'deployment' && facts.lastModifiedAt !== intent.lastModifiedAt) {
    return recordEnd(
      work,
      'failed',
      `The endpoint was updated and is what was refused again (${facts.status}): the update was rolled back, or somebody was faster.`,
    );
  }
  if (Date.parse(services.now()) - Date.parse(intendedAt(mine) ?? '') < CONSISTENT_AFTER_MS) return 'waiting';
  return act(work, intent, facts);
}

/** The next step of putting a change back, whichever that is by the ledger. Safe to run again after any crash. */
async function takeStep(work: Doing): Promise<Remediated> {
  const { mine, services } = work;
  const step = nextStep(mine, modeOf(mine, services.config.policySettings));
  if (step === 'over') return 'over';
  if (waitedTooLong(mine, services.now()))
    return recordEnd(work, 'failed', 'It could not be done within twelve hours.');
  const { intended } = mine.remediation;
  try {
    return step === 'finish' && intended
      ? await finish(work, intended)
      : await begin(work, step === 'finish' ? 'carry-out' : step);
  } catch (error) {
    // What cannot be read now will not be readable later either, and somebody has to know.
    if (!isUnreadable(error)) throw error;
    if (step !== 'propose') return recordEnd(work, 'failed', error.message);
    return recordProposal(work, { of: 'deployment', to: null, calls: [], others: [], notes: [error.message] });
  }
}

/** Reads how a change stands and takes the next step of putting it back. */
export async function remediate(services: Remediating, ref: EndpointRef, generation: number): Promise<Remediated> {
  const stream = await readHour(services, ref, generation);
  const mine = changeOf(stream.history, generation);
  return mine ? takeStep({ services, stream, mine }) : 'over';
}
