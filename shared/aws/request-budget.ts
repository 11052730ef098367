/** Calls that AWS refuses because there are too many, by the names that its services use. */
const THROTTLED = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ProvisionedThroughputExceeded/;

/** A halved pace is back at its full height after about a minute without being refused. */
const RECOVERS_IN_MS = 60_000;
const LEAST_PER_SECOND = 0.5;

type Pace = { perSecond: number; tokens: number; at: number };

/**
 * How many calls of each API of an account and region may go out in a second, since AWS counts them so and shares its
 * limits among everybody in the account. A token bucket for each key, of one second's calls. When AWS refuses one, or
 * took it only after tries, the pace of that API is halved and comes back slowly.
 */
export class RequestBudget {
  readonly #paces = new Map<string, Pace>();
  readonly #most: number;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<void>;

  constructor(perSecond: number, now: () => number, wait: (ms: number) => Promise<void>) {
    this.#most = perSecond;
    this.#now = now;
    this.#wait = wait;
  }

  #paceOf(key: string): Pace {
    const now = this.#now();
    const pace = this.#paces.get(key) ?? { perSecond: this.#most, tokens: this.#most, at: now };
    this.#paces.set(key, pace);
    const elapsed = Math.max(0, now - pace.at);
    pace.perSecond = Math.min(this.#most, pace.perSecond + (this.#most * elapsed) / RECOVERS_IN_MS);
    pace.tokens = Math.min(Math.max(1, pace.perSecond), pace.tokens + (pace.perSecond * elapsed) / 1_000);
    pace.at = now;
    return pace;
  }

  /** Waits until a call of this API may go out. */
  async take(key: string): Promise<void> {
    const pace = this.#paceOf(key);
    pace.tokens -= 1;
    if (pace.tokens < 0) await this.#wait(Math.ceil((-pace.tokens * 1_000) / pace.perSecond));
  }

  /** Called where AWS said "slow down". */
  slower(key: string): void {
    const pace = this.#paceOf(key);
    pace.perSecond = Math.max(Math.min(LEAST_PER_SECOND, this.#most), pace.perSecond / 2);
    pace.tokens = Math.min(pace.tokens, 0);
  }
}

type Sending = { send: (command: object, ...rest: never[]) => unknown };

/** A client whose every call waits for its turn in the budget. It is the same client otherwise, paginators take it. */
export function budgeted<Client extends object>(client: Client, budget: RequestBudget, place: string): Client {
  const send = async (command: object, ...rest: never[]) => {
    const key = `${place} ${command.constructor.name}`;
    await budget.take(key);
    try {
      const answer = await (client as unknown as Sending).send(command, ...rest);
      const { $metadata } = answer as { $metadata?: { attempts?: number } };
      if (($metadata?.attempts ?? 1) > 1) budget.slower(key);
      return answer;
    } catch (error) {
      if (THROTTLED.test((error as Error).name)) budget.slower(key);
      throw error;
    }
  };
  return Object.create(client, { send: { value: send } }) as Client;
}
