import type { Store } from './store.ts';

/** Who calls: the loopback AWS believes everybody, so an access key id is simply the name of the person. */
export type Caller = { accessKeyId: string; account: string; region: string };

/** An error in AWS's format: `code` becomes `__type` (or the XML `Code`), and so the `name` of the SDK's exception. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export type Operation = (input: Record<string, unknown>, caller: Caller) => unknown;

/** What the services share: the store, the clock, the bus, and how fast endpoints move. */
export type Loopback = {
  store: Store;
  account: string;
  region: string;
  now: () => Date;
  newId: () => string;
  /** Milliseconds that an endpoint takes from one status to the next; 0 means at once. */
  transitionMs: number;
  /** Runs `work` after `ms`; cancelled when the runtime stops. What must survive a restart is in the store. */
  after: (ms: number, work: () => void) => void;
  /** Puts an event on the default bus; it is stored before this returns. */
  emit: (event: BusEvent) => void;
};

/** An event as it is put on the bus; id, account, region and version are filled in. */
export type BusEvent = {
  source: string;
  'detail-type': string;
  resources?: string[];
  time: string;
  detail: Record<string, unknown>;
};

/** One AWS service: its operations by name. What is not in the table is refused by name. */
export type ServiceTable = Record<string, Operation>;

/** SageMaker answers a missing thing with a ValidationException (its API declares no other error). */
export const missing = (what: string, arn: string) =>
  new AwsError('ValidationException', `Could not find ${what} "${arn}".`);
