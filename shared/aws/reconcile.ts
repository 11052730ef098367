import { DescribeInferenceComponentCommand } from '@aws-sdk/client-sagemaker';
import { type EventReading, readEvent } from '../model/aws-event.ts';
import { EndpointRef as Endpoint, type EndpointRef, refOfStream, streamOf } from '../model/endpoint-ref.ts';
import { Environment } from '../model/environment.ts';
import { QUERIES, spanBetween } from '../model/ledger-question.ts';
import type { LedgerRecord } from '../model/ledger-record.ts';
import { compareWithCalls, EFFECT_MS, type TrailCall } from '../model/reconciliation.ts';
import type { Reconciliation } from '../model/reconciliation-result.ts';
import { readCaller } from './caller.ts';
import { isMissing } from './endpoint-reader.ts';
import { guardedEndpoints } from './guard-index.ts';
import { readWholeStream } from './ledger.ts';
import { sagemakerAt } from './member-accounts.ts';
import { askAll } from './questions.ts';
import type { With } from './services.ts';
import { type CallRecord, type Place, readCalls, type TrailSource, whyNotRead } from './trail-calls.ts';

export type Reconciling = With<'dynamodb' | 's3' | 'sagemaker' | 'sts'>;
export type ReconcileOptions = {
  /** Moments, ISO 8601; the second is not in it. */
  from: string;
  to: string;
  source?: TrailSource | undefined;
  /** Calls younger than so many milliseconds may still be under way; an hour where nothing is said. */
  settlingMs?: number | undefined;
  /** Waits between lookups, which CloudTrail allows two of in a second. */
  pause?: (ms: number) => Promise<void>;
  /** Told how many calls were read so far. */
  progress?: (calls: number) => void;
};

const label = ({ account, region }: Place) => `${account} ${region}`;

/** The calls by the stream of the endpoint that each is about, and what could not be assigned. */
class Population {
  readonly byStream = new Map<string, TrailCall[]>();
  readonly unassigned: { call: Omit<TrailCall, 'endpoint'>; problem: string }[] = [];
  readonly seen = new Set<string>();
  elsewhere = 0;
  failed = 0;
  read = 0;

  add(endpoint: EndpointRef, call: Omit<TrailCall, 'endpoint'>): void {
    const stream = streamOf(endpoint);
    const calls = this.byStream.get(stream) ?? [];
    this.byStream.set(stream, calls);
    calls.push({ ...call, endpoint });
  }
}

/** A record of CloudTrail as EventBridge would have brought it. */
function readRecord(record: CallRecord, { account, region }: Place): EventReading {
  const time = typeof record.eventTime === 'string' ? record.eventTime : '';
  return readEvent({
    id: String(record.eventID ?? ''),
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.cloudtrail',
    account,
    region,
    time,
    detail: record,
  });
}

/** The endpoint of an inference component: as SageMaker says, or as was remembered of one that is gone. */
async function componentEndpoint(services: Reconciling, place: Place, name: string): Promise<EndpointRef | undefined> {
  try {
    const { EndpointName } = await sagemakerAt(services, place).sagemaker.send(
      new DescribeInferenceComponentCommand({ InferenceComponentName: name }),
    );
    return Endpoint.safeParse({ ...place, name: EndpointName }).data;
  } catch (error) {
    if (!isMissing(error)) throw error;
    const [remembered] = await guardedEndpoints(services, place, [{ kind: 'inference-component', name }]);
    return remembered;
  }
}

/** Reads the calls of one place and finds out which endpoints each is about. */
async function populate(
  services: Reconciling,
  population: Population,
  place: Place,
  records: AsyncIterable<CallRecord>,
  progress: ReconcileOptions['progress'],
): Promise<void> {
  const guarded = new Map<string, EndpointRef[]>();
  for await (const record of records) {
    const id = `${label(place)} ${record.eventID}`;
    // Log files may hold an event twice, with the same id (CloudTrail user guide).
    if (population.seen.has(id)) continue;
    population.seen.add(id);
    population.read += 1;
    progress?.(population.read);
    const reading = readRecord(record, place);
    if (reading.as === 'change') population.add(reading.change.endpoint, reading.change);
    else if (reading.as === 'guard') {
      const key = JSON.stringify(reading.keys);
      const known = guarded.get(key) ?? (await guardedEndpoints(services, place, reading.keys));
      guarded.set(key, known);
      const all = new Map([...known, ...reading.endpoints].map((ref) => [streamOf(ref), ref]));
      if (all.size === 0) population.elsewhere += 1;
      for (const ref of all.values()) population.add(ref, reading.change);
    } else if (reading.as === 'lookup') {
      const ref = await componentEndpoint(services, place, reading.name);
      if (ref) population.add(ref, reading.change);
      else
        population.unassigned.push({
          call: reading.change,
          problem: `is about inference component ${reading.name}, whose endpoint nobody knows any more`,
        });
    } else if (reading.as === 'dropped' && reading.reason.startsWith('failed-call')) population.failed += 1;
    else if (reading.as === 'dropped') population.elsewhere += 1;
    else if (reading.as === 'poison') {
      const at = typeof record.eventTime === 'string' ? new Date(record.eventTime).toISOString() : services.now();
      const call = {
        kind: 'endpoint' as const,
        cause: String(record.eventName),
        eventId: String(record.eventID),
        at,
        sighting: {},
      };
      population.unassigned.push({ call, problem: `cannot be read: ${reading.reason.slice(0, 200)}` });
    }
  }
}

/** Streams of endpoints of which something was decided in a time; what is decided a day later belongs to it too. */
async function decidedStreams(services: Reconciling, from: string, to: string): Promise<Set<string>> {
  const found = new Set<string>();
  const span = spanBetween(from, new Date(Date.parse(to) + EFFECT_MS).toISOString());
  for (const environment of Environment.options)
    for await (const { stream } of askAll(services, QUERIES.environment(environment, span)))
      if (stream.startsWith('endpoint#')) found.add(stream);
  return found;
}

/** Accounts and regions whose endpoints the gate looks after. */
function placesOf({ config }: Reconciling, own: Place): Place[] {
  const { accounts, regions } = config.file.members;
  return [own.account, ...accounts].flatMap((account) =>
    [...new Set([own.region, ...regions])].map((region) => ({ account, region })),
  );
}

/**
 * Holds the calls that CloudTrail has of a time against what is on record, and the other way round. Reads every stream
 * that is concerned whole. What cannot be read stands in `notRead`, and then it is not reconciled.
 */
export async function reconcile(services: Reconciling, options: ReconcileOptions): Promise<Reconciliation> {
  const { from, to, source = {}, settlingMs, pause = services.wait, progress } = options;
  const { account } = await readCaller(services);
  if (account === undefined) throw new Error('AWS did not say which account these credentials belong to.');
  const own = { account, region: services.config.region };
  const places = placesOf(services, own);
  const population = new Population();
  const [read, notRead]: [string[], string[]] = [[], []];
  // Calls of the day before explain what was decided on the first.
  const span = { from: new Date(Date.parse(from) - EFFECT_MS).toISOString(), to };
  for (const place of places) {
    try {
      await populate(services, population, place, readCalls(services, source, place, span, { own, pause }), progress);
      read.push(label(place));
    } catch (error) {
      notRead.push(`${label(place)}: ${whyNotRead(error, source)}`);
    }
  }
  const result: Reconciliation = {
    schema: 1,
    from,
    to,
    source:
      source.bucket === undefined ? 'CloudTrail event history' : `s3://${source.bucket}/${source.prefix ?? 'AWSLogs/'}`,
    read,
    notRead,
    calls: {
      total: 0,
      byName: {},
      matched: 0,
      seenLater: 0,
      tooNew: 0,
      elsewhere: population.elsewhere,
      failed: population.failed,
    },
    decisions: { total: 0, byCall: 0, byGate: 0 },
    gaps: [],
    duplicates: [],
    surplus: [],
  };
  // Without a population there is nothing that decisions could be held against.
  if (read.length === 0) return result;

  const { calls, decisions } = result;
  const count = (name: string) => {
    calls.total += 1;
    calls.byName[name] = (calls.byName[name] ?? 0) + 1;
  };
  const left = new Set(population.unassigned.filter(({ call }) => call.at >= from && call.at < to));
  const wasRead = (stream: string) => {
    const ref = refOfStream(stream);
    return ref !== undefined && read.includes(label(ref));
  };
  const streams = new Set([...population.byStream.keys(), ...(await decidedStreams(services, from, to))]);
  for (const stream of [...streams].sort()) {
    if (!wasRead(stream)) continue;
    const records: LedgerRecord[] = [];
    for await (const { record } of readWholeStream(services, stream)) records.push(record);
    const mine = population.byStream.get(stream) ?? [];
    for (const one of left) {
      const known = records.some(({ body }) =>
        body.kind === 'event-joined'
          ? body.event.eventId === one.call.eventId
          : 'eventId' in body && body.eventId === one.call.eventId,
      );
      const ref = known ? refOfStream(stream) : undefined;
      if (!ref) continue;
      mine.push({ ...one.call, endpoint: ref });
      left.delete(one);
    }
    const compared = compareWithCalls(stream, mine, records, { from, to, now: services.now(), settlingMs });
    for (const { at, cause } of mine) if (at >= from && at < to) count(cause);
    calls.matched += compared.matched;
    calls.seenLater += compared.seenLater;
    calls.tooNew += compared.tooNew;
    decisions.total += compared.decisions.total;
    decisions.byCall += compared.decisions.byCall;
    decisions.byGate += compared.decisions.byGate;
    result.gaps.push(...compared.gaps);
    result.duplicates.push(...compared.duplicates);
    result.surplus.push(...compared.surplus);
  }
  for (const { call, problem } of left) {
    count(call.cause);
    const { eventId, cause, at, actor } = call;
    result.gaps.push({ eventId, call: cause, at, stream: null, who: actor?.person ?? 'unknown', problem });
  }
  return result;
}
