import type { Environment } from './environment.ts';
import type { Result } from './ledger-record.ts';

/** One change in a list, from the ledger's index: for looking around, never for deciding. */
export type ChangeRow = {
  endpoint: string;
  account: string;
  region: string;
  environment: Environment;
  generation: number;
  /** It is intended and has not been made; its number is that of the plan. */
  planned: boolean;
  /** When the state began: the change was opened, or ended. */
  at: string;
  state: Result | 'open';
  /** Why it ended so; null while it is open. */
  reason: string | null;
  /** What was seen of it first, where the index has it. */
  cause: string | null;
  /** Whom the first event named; null where it named nobody. */
  who: string | null;
  /** The policies that it violated, where it has ended. */
  violations?: readonly string[];
  /** The request by which it waits for people, where that was looked up. */
  request?: string;
};
