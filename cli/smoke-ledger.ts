import { archiveKey, readArchived } from '../shared/aws/archive.ts';
import { verifyStream } from '../shared/aws/audit.ts';
import { readStream, readWholeStream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { type EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { type Found, ok, problem } from './checks.ts';
import { archiveBucketOf } from './context.ts';

const WAIT_FOR_OUTCOME_MS = 35_000;
const WAIT_FOR_COPIES_MS = 10_000;
const PAUSE_MS = 250;

/** What the ledger is asked about, and how to wait for it. */
export type Watched = { services: Services; endpoint: EndpointRef; pause: (ms: number) => Promise<void> };

/** Asks again until there is an answer or the time is over. */
async function waitFor<T>(
  { services, pause }: Watched,
  ms: number,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const until = Date.parse(services.now()) + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || Date.parse(services.now()) >= until) return answer;
    await pause(PAUSE_MS);
  }
}

/** Did exactly this event become exactly one outcome? */
export async function checkOutcome(watched: Watched, eventId: string): Promise<Found> {
  const { services, endpoint } = watched;
  const records = await waitFor(watched, WAIT_FOR_OUTCOME_MS, async () => {
    const stream = await readStream(services, endpoint);
    return stream.records.some(({ body }) => body.kind === 'outcome') ? stream.records : undefined;
  });
  if (!records) {
    return problem(
      `no outcome is on record after ${WAIT_FOR_OUTCOME_MS / 1000} s. See "portcullis doctor" and the executions of the state machine.`,
    );
  }
  const outcomes = records.flatMap(({ body }) => (body.kind === 'outcome' ? [body] : []));
  const [outcome] = outcomes;
  if (outcomes.length !== 1 || outcome?.result !== 'deleted') {
    return problem(`expected one outcome, deleted, and found ${outcomes.map(({ result }) => result).join(', ')}`);
  }
  const caused = records.some(({ body }) => body.kind === 'event-joined' && body.event.eventId === eventId);
  return caused
    ? ok(`one outcome, ${outcome.result}, environment ${outcome.environment}`)
    : problem(`the event ${eventId} is not on record with the outcome`);
}

export async function checkChain({ services, endpoint }: Watched): Promise<Found> {
  const { records, broken } = await verifyStream(services, streamOf(endpoint));
  if (broken) return problem(`record ${broken.sequence} ${broken.problem}`);
  return records === 0 ? problem('nothing is on record') : ok(`${records} records, whole`);
}

/** Has every record its copy in the archive, byte for byte? The copies come a moment after the records. */
export async function checkCopies(watched: Watched, stack: string): Promise<Found> {
  const { endpoint, services } = watched;
  const archive = { ...services, config: { ...services.config, archiveBucket: archiveBucketOf(stack, endpoint) } };
  let copies = 0;
  for await (const { pk, sk, text } of readWholeStream(services, streamOf(endpoint))) {
    const key = archiveKey(pk, sk) ?? '';
    let refused: unknown;
    const copy = await waitFor(watched, WAIT_FOR_COPIES_MS, () =>
      readArchived(archive, key).catch((error) => {
        refused = error;
        return undefined;
      }),
    );
    if (!copy && (refused as Error).name === 'NoSuchKey') return problem(`record ${sk.slice(0, 9)} has no sealed copy`);
    // Who may not list a bucket is refused where there is nothing, too.
    if (!copy) throw refused;
    if (!Buffer.from(text, 'utf8').equals(copy)) return problem(`the sealed copy of record ${sk.slice(0, 9)} differs`);
    copies += 1;
  }
  return copies === 0 ? problem('nothing is on record') : ok(`${copies} sealed copies, the same bytes`);
}
