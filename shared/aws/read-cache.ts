/**
 * Keeps the results of reads for a short while, per container. Two callers who ask at once share one read; a failed
 * read is not kept. Bounded: the oldest entries go first.
 */
export class ReadCache {
  readonly #entries = new Map<string, { value: Promise<unknown>; at: number }>();
  readonly #lifetimeMs: number;
  readonly #now: () => number;
  readonly #maxEntries: number;

  constructor(lifetimeMs: number, now: () => number, maxEntries = 5_000) {
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
    this.#maxEntries = maxEntries;
  }

  /** `reused` is told when what is handed out was read, where it was not read now. */
  get<T>(key: string, read: () => Promise<T>, reused?: (at: number) => void): Promise<T> {
    const now = this.#now();
    const entry = this.#entries.get(key);
    if (entry && entry.at + this.#lifetimeMs > now) {
      reused?.(entry.at);
      return entry.value as Promise<T>;
    }
    const value = read();
    this.#entries.delete(key);
    this.#entries.set(key, { value, at: now });
    value.catch(() => this.#entries.get(key)?.value === value && this.#entries.delete(key));
    if (this.#entries.size > this.#maxEntries) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    return value;
  }

  clear(): void {
    this.#entries.clear();
  }
}
