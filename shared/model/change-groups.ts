import { type ChangeHistory, historyOf } from './endpoint-history.ts';
import type { StreamRef } from './endpoint-ref.ts';
import type { LedgerRecord } from './ledger-record.ts';

/** Everything about one change, in the order in which it was recorded. */
export type ChangeGroup = {
  stream: string;
  endpoint: StreamRef;
  change: ChangeHistory;
  /** True where records about the same change were handed out before: something came so much later. */
  continued: boolean;
};

/** So many changes of one stream are kept open for what may still come about them. */
const OPEN = 100;

/**
 * Sorts the records of one stream after the other into changes without holding more than some of them: a change is
 * handed out when a hundred newer ones have begun, and what comes about it after that is handed out as its continuation.
 */
export class ChangeGroups {
  #stream = '';
  readonly #open = new Map<number, LedgerRecord[]>();
  #handedOut = new Set<number>();

  /** Takes the next record; returns the changes that are complete by it. */
  add(stream: string, record: LedgerRecord): ChangeGroup[] {
    const before = stream === this.#stream ? [] : this.end();
    this.#stream = stream;
    const { generation } = record.body;
    const records = this.#open.get(generation) ?? [];
    this.#open.set(generation, records);
    records.push(record);
    if (this.#open.size <= OPEN) return before;
    const [oldest = generation] = this.#open.keys();
    return [...before, ...this.#handOut(oldest)];
  }

  /** What is left of the stream. */
  end(): ChangeGroup[] {
    const rest = [...this.#open.keys()].flatMap((generation) => this.#handOut(generation));
    this.#handedOut = new Set();
    return rest;
  }

  #handOut(generation: number): ChangeGroup[] {
    const records = this.#open.get(generation) ?? [];
    this.#open.delete(generation);
    const [first] = records;
    const change = historyOf(records).changes.find((each) => each.generation === generation);
    if (!first || !change) return [];
    const continued = this.#handedOut.has(generation);
    this.#handedOut.add(generation);
    return [{ stream: this.#stream, endpoint: first.endpoint, change, continued }];
  }
}

/** The environment of a change as far as its records say. */
export const environmentOf = ({ opened, outcome }: ChangeHistory): string =>
  opened?.environment.name ?? outcome?.environment ?? 'unknown';
