import * as z from 'zod';
import { EndpointRef, refOfStream, streamOf } from './endpoint-ref.ts';
import { Environment } from './environment.ts';
import type { LedgerRecord } from './ledger-record.ts';

const Timestamp = z.iso.datetime();

/** Which part of the trail is asked for; null: all of it. `from` is in it, `to` is not. */
export const TrailScope = z.strictObject({
  from: Timestamp.nullable(),
  to: Timestamp.nullable(),
  /** One endpoint, with its plans. */
  endpoint: EndpointRef.nullable(),
  environment: Environment.nullable(),
});
export type TrailScope = z.infer<typeof TrailScope>;

export const WHOLE_TRAIL: TrailScope = { from: null, to: null, endpoint: null, environment: null };

export const isWhole = ({ from, to, endpoint, environment }: TrailScope): boolean =>
  from === null && to === null && endpoint === null && environment === null;

/**
 * Can a stream hold anything that was asked for? Limits and prices belong to every part, since its decisions name them;
 * what the gate notes about itself belongs to no single endpoint. Under a key that the ledger would not write may be anything.
 */
export function mayHold(stream: string, { endpoint, environment }: TrailScope): boolean {
  const ref = refOfStream(stream);
  if (!ref || ref.about === 'settings') return true;
  if (ref.about === 'fleet') return endpoint === null && (environment === null || ref.name === environment);
  if (ref.about === 'audit') return endpoint === null && environment === null;
  if (endpoint === null) return true;
  const { planned: _plan, ...itself } = ref;
  return streamOf(itself) === streamOf({ ...endpoint, planned: undefined });
}

type Seen = { first: number; last: number; asked: boolean; environments: Set<string> };

/**
 * Finds the part of one stream that was asked for, as it is shown the records in order: from the first to the last record of
 * all changes that anything is on record about between `from` and `to`, so that no change is cut in two and no record is left
 * out in between. What no time can be told of counts as asked for.
 */
export class RangeFinder {
  readonly #scope: TrailScope;
  readonly #everything: boolean;
  readonly #changes = new Map<number, Seen>();

  constructor(stream: string, scope: TrailScope) {
    this.#scope = scope;
    const about = refOfStream(stream)?.about;
    this.#everything = isWhole(scope) || about === 'settings';
  }

  see(sequence: number, record: Partial<LedgerRecord>): void {
    const { at, body } = record;
    const { from, to } = this.#scope;
    const time = Date.parse(at ?? '');
    const asked =
      this.#everything ||
      Number.isNaN(time) ||
      ((from === null || time >= Date.parse(from)) && (to === null || time < Date.parse(to)));
    const generation = body?.generation ?? 0;
    const seen = this.#changes.get(generation) ?? { first: sequence, last: sequence, asked, environments: new Set() };
    seen.first = Math.min(seen.first, sequence);
    seen.last = Math.max(seen.last, sequence);
    seen.asked ||= asked;
    if (body?.kind === 'change-opened') seen.environments.add(body.environment.name);
    if (body?.kind === 'outcome') seen.environments.add(body.environment);
    this.#changes.set(generation, seen);
  }

  /** Undefined where nothing of the stream was asked for. */
  range(): { first: number; last: number } | undefined {
    const { environment } = this.#scope;
    const wanted = [...this.#changes.values()].filter(
      ({ asked, environments }) =>
        asked && (environment === null || environments.size === 0 || environments.has(environment)),
    );
    if (wanted.length === 0) return undefined;
    return {
      first: wanted.reduce((least, { first }) => Math.min(least, first), Number.POSITIVE_INFINITY),
      last: wanted.reduce((most, { last }) => Math.max(most, last), 0),
    };
  }
}
