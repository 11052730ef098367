import pLimit from 'p-limit';
import { digestOf, sha256 } from '../model/canonical-json.ts';
import type { EndpointChange } from '../model/endpoint-change.ts';
import { coveringGeneration } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { environmentOf } from '../model/environment.ts';
import { decayedParts } from '../model/guard-decay.ts';
import {
  hasEnded,
  isDue,
  isResting,
  isSettled,
  latestReading,
  overwrittenArtifacts,
  reasonToLook,
  sweptChange,
  sweptEnd,
  sweptParts,
} from '../model/missed-change.ts';
import {
  fingerprintOf,
  movedParts,
  partsNotIn,
  type ShownEndpoint,
  unseenParts,
  watchedAlarms,
} from '../model/shown-endpoint.ts';
import { readArtifact } from './artifact-reader.ts';
import { countFleets } from './count-fleets.ts';
import { describeEndpoint, isUnderWay, type Readable } from './endpoint-reader.ts';
import { listFleet } from './fleet-listing.ts';
import { rememberGuards } from './guard-index.ts';
import { readStream, type Stream } from './ledger.ts';
import { servicesAt } from './member-accounts.ts';
import { ReadCache } from './read-cache.ts';
import {
  forgetEndpoint,
  hasSeenAll,
  lastSweptAt,
  listRememberedEndpoints,
  type RememberedEndpoint,
  rememberEndpoint,
  rememberSeen,
  rememberSweep,
} from './remembered-endpoints.ts';
import { budgeted, type RequestBudget } from './request-budget.ts';
import type { With } from './services.ts';
import { endStuckChanges } from './stuck-changes.ts';

export type Place = Pick<EndpointRef, 'account' | 'region'>;
/** A change that no event told of, and the stream as it was when that was found. */
export type Missed = { change: EndpointChange; stream: Stream };
export type Swept = { endpoints: number; joined: number; ended: number; missed: Missed[]; problems: Error[] };

type Sweeping = Readable & With<'dynamodb' | 'sfn' | 'sts'>;

const AT_ONCE = 8;
/** AWS's own maintenance changes nothing, and what is going is recorded when it is gone. */
const PASSED_OVER = ['SystemUpdating', 'Deleting'];
/** What keeps the reader of artifacts from asking for a bucket once for each object in it. */
const BUCKETS_FOR_MS = 600_000;

/** Clients of a place that keep to the budget. */
function readingFrom(services: Sweeping, place: Place, budget: RequestBudget): Readable {
  const there = servicesAt(services, place);
  const at = `${place.account}/${place.region}`;
  return {
    ...there,
    sagemaker: budgeted(there.sagemaker, budget, at),
    cloudwatch: budgeted(there.cloudwatch, budget, at),
    scaling: budgeted(there.scaling, budget, at),
    s3: budgeted(there.s3, budget, at),
  };
}

/**
 * Looks through one account and region for what no event told of. An endpoint that is shown as the sweep before saw it,
 * with nothing open about it, costs its share of a few lists and nothing else. The rest is held against the ledger, and
 * what the ledger does not hold is missed. Once in `reading.artifactCheckHours` each endpoint is held against the ledger
 * anyway, and its artifacts are looked at. Throws where the endpoints cannot be listed.
 */
export async function sweepPlace(services: Sweeping, place: Place, budget: RequestBudget): Promise<Swept> {
  const there = readingFrom(services, place, budget);
  const swept: Swept = { endpoints: 0, joined: 0, ended: 0, missed: [], problems: [] };
  const limit = pLimit(AT_ONCE);
  const { environments, reading } = services.config.file;
  const startedAt = services.now();
  const artifacts = new ReadCache(BUCKETS_FOR_MS, () => Date.parse(services.now()));

  const each = <T>(items: readonly T[], work: (item: T) => Promise<void>) =>
    Promise.all(items.map((item) => limit(() => work(item).catch((error: Error) => swept.problems.push(error)))));

  async function read(ref: EndpointRef): Promise<Stream> {
    const stream = await readStream(services, ref);
    swept.ended += await endStuckChanges(services, stream);
    return stream;
  }

  /** As an event would show it now. What is under way shows where it is going only when it is asked for. */
  async function modification(ref: EndpointRef, shown: ShownEndpoint, reason: 'modified' | 'again', next: number) {
    const { searched, status, lastModifiedAt } = shown;
    if (searched && !isUnderWay({ EndpointStatus: status } as never)) {
      const output = {
        EndpointStatus: status,
        EndpointConfigName: searched.configName,
        ProductionVariants: searched.variants,
        LastModifiedTime: lastModifiedAt === undefined ? undefined : new Date(lastModifiedAt),
      };
      return sweptChange(ref, output, reason, next, services.now());
    }
    const described = await describeEndpoint(there, ref);
    return described && sweptChange(ref, described.output, reason, next, services.now());
  }

  /** The artifacts that the newest reading names, as they are now; a change where one is another. */
  async function overwritten({ ref, history }: Stream): Promise<EndpointChange | undefined> {
    const latest = latestReading(history);
    if (!latest) return undefined;
    const call = <T>(run: () => Promise<T>) => run();
    const now = await Promise.all(
      latest.facts.artifacts.map(({ uri }) => readArtifact({ services: there, ref, cache: artifacts, call }, uri)),
    );
    const versions = now.map(({ uri, version }) => ({ uri, version }));
    if (latest.facts.artifacts.every(({ version }, index) => version === versions[index]?.version)) return undefined;
    return overwrittenArtifacts(ref, { generation: latest.generation, shown: digestOf(versions) }, services.now());
  }

  /** A change where guards have failed or recovered by themselves since the newest reading. */
  function decayed({ ref, history }: Stream, shown: ShownEndpoint): EndpointChange | undefined {
    const latest = latestReading(history);
    const now = services.now();
    const parts = latest ? decayedParts(latest.facts, shown, now, services.config.policySettings) : [];
    if (!latest || parts.length === 0) return undefined;
    return sweptParts(
      ref,
      parts,
      { generation: latest.generation, shown: digestOf([fingerprintOf(shown), parts]) },
      now,
    );
  }

  async function lookAt(shown: ShownEndpoint, remembered: RememberedEndpoint | undefined, due: boolean): Promise<void> {
    const ref = { ...place, name: shown.name };
    const now = fingerprintOf(shown);
    const before = remembered?.seen;
    const moved = before ? movedParts(before, now) : [];
    if (before && moved.length === 0 && unseenParts(before, now).length === 0 && !due) return;
    // First remembered and then read, so that what is recorded in between is noticed (see rememberSeen).
    const known = remembered ?? (await rememberEndpoint(services, ref));
    const stream = await read(ref);
    const { history } = stream;
    const latest = latestReading(history);
    // What guards it is in the index since it was read; where the table was lost, it is put there again.
    if (latest && (!remembered || due)) await rememberGuards(services, ref, latest.facts);

    const reason = reasonToLook(history, shown.lastModifiedAt, services.now());
    const modified = reason && (await modification(ref, shown, reason, history.generation + 1));
    // The end of a deployment, and scaling within its range, modify an endpoint without being a change of it.
    const joins = modified?.kind === 'endpoint' && coveringGeneration(history, modified) !== undefined;
    if (joins) swept.joined += 1;
    const parts = latest ? partsNotIn(latest.facts, shown, moved, environments) : [];
    const otherwise =
      latest && parts.length > 0
        ? sweptParts(ref, parts, { generation: latest.generation, shown: digestOf(now) }, services.now())
        : due && (!reason || joins)
          ? ((await overwritten(stream)) ?? decayed(stream, shown))
          : undefined;
    const change = modified?.kind === 'endpoint' && !joins ? modified : otherwise;
    if (change && coveringGeneration(history, change) === undefined) swept.missed.push({ change, stream });
    else if (!change && (!reason || joins) && isSettled(history) && hasSeenAll(known, history)) {
      const seen = { seen: now, alarms: latest ? watchedAlarms(latest.facts) : [] };
      if (digestOf(seen) !== digestOf({ seen: before ?? null, alarms: known.alarms })) {
        await rememberSeen(services, known, seen);
      }
    }
  }

  /** Not listed does not mean gone: lists may be behind. */
  async function lookForEnd({ ref }: RememberedEndpoint): Promise<void> {
    const stream = await read(ref);
    const { history } = stream;
    if (!hasEnded(history)) {
      if (isResting(history, services.now()) || (await describeEndpoint(there, ref))) return;
      swept.missed.push({ change: sweptEnd(ref, history.generation + 1, services.now()), stream });
    } else if (history.changes.every(({ opened, outcome }) => !opened || outcome)) {
      await forgetEndpoint(services, ref);
    }
  }

  const [known, last] = await Promise.all([listRememberedEndpoints(services, place), lastSweptAt(services, place)]);
  const { shown, problems } = await listFleet(there, known, last);
  swept.problems.push(...problems);
  swept.endpoints = shown.length;
  const remembered = new Map(known.map((each) => [each.ref.name.toLowerCase(), each]));
  const periodMs = reading.artifactCheckHours * 3_600_000;
  await each(shown, async (endpoint) => {
    const key = endpoint.name.toLowerCase();
    const mine = remembered.get(key);
    remembered.delete(key);
    if (PASSED_OVER.includes(endpoint.status)) return;
    const seed = Number.parseInt(sha256(key).slice(0, 12), 16);
    await lookAt(endpoint, mine, isDue(seed, periodMs, last, startedAt));
  });
  await each([...remembered.values()], lookForEnd);
  const listed = shown.filter(({ status }) => status !== 'Deleting');
  await countFleets(
    services,
    place,
    listed.map(({ name, lastModifiedAt, searched }) => ({
      name,
      lastModifiedAt,
      environment: searched && environmentOf(name, searched.tags, environments).name,
    })),
  ).catch((error: Error) => swept.problems.push(error));
  if (swept.problems.length === 0) await rememberSweep(services, place, startedAt);
  return swept;
}
