/** A read that takes names which another read answers first: the alarms of a deployment, a schedule of an endpoint. */
export type NamedRead = { what: 'alarms' | 'schedule'; names: readonly string[] };

/** Endpoints of which a container remembers the names; each has a handful. */
const MAX_ENDPOINTS = 1_000;

// By the cache of the container, so that containers (and tests) know nothing of each other.
const memories = new WeakMap<object, Map<string, NamedRead[]>>();

function memoryOf(container: object): Map<string, NamedRead[]> {
  const known = memories.get(container) ?? new Map<string, NamedRead[]>();
  memories.set(container, known);
  return known;
}

/**
 * Reads ahead within one reading of an endpoint: what the last reading here asked for by name is asked for at once, beside the
 * reads that answer the names, and whoever asks for the same finds it under way. Nothing old is reused; names that
 * have changed cost a call for nothing.
 */
export class ReadAhead {
  readonly #memory: Map<string, NamedRead[]>;
  readonly #endpoint: string;
  readonly #underWay = new Map<string, Promise<unknown>>();
  #used: NamedRead[] = [];
  #ahead = false;

  constructor(container: object, endpoint: string) {
    this.#memory = memoryOf(container);
    this.#endpoint = endpoint;
  }

  /** Runs a read, unless the same is under way. */
  once<T>(named: NamedRead, run: () => Promise<T>): Promise<T> {
    if (!this.#ahead) this.#used.push(named);
    const key = JSON.stringify([named.what, ...named.names]);
    const known = this.#underWay.get(key) as Promise<T> | undefined;
    const read = known ?? run();
    this.#underWay.set(key, read);
    return read;
  }

  /** Starts what is expected to be asked for. `read` calls `once` before anything else. */
  start(read: (named: NamedRead) => Promise<unknown>): void {
    this.#ahead = true;
    // Whoever asks for it sees its error; if nobody does, it was about nothing.
    for (const named of this.#memory.get(this.#endpoint) ?? []) read(named).catch(() => undefined);
    this.#ahead = false;
  }

  /** Remembers what this reading asked for. */
  keep(): void {
    this.#memory.delete(this.#endpoint);
    this.#memory.set(this.#endpoint, this.#used);
    this.#used = [];
    if (this.#memory.size > MAX_ENDPOINTS) {
      const oldest = this.#memory.keys().next();
      if (!oldest.done) this.#memory.delete(oldest.value);
    }
  }
}
