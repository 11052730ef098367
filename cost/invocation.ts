import type { Metric } from '../shared/aws/services.ts';

/** One call of one Lambda, as it was counted. */
export type Invocation = {
  /** The file in functions/, without its ending. */
  lambda: string;
  /** The state that called it, and the execution that state is of; neither where something else called. */
  state?: string;
  execution?: string;
  output?: unknown;
  /** The name of the error that it ended with. */
  error?: string;
  ms: number;
  /** Calls of AWS by `Service.Operation`. */
  calls: Record<string, number>;
  /** DynamoDB request units, those of indexes included. */
  readUnits: number;
  writeUnits: number;
  tables: string[];
  /** What it put into the ledger: the kind of each record, what that consumed, and its bytes. Not those that lost a race. */
  inserts: { kind: string; units: number; bytes: number }[];
  /** Bytes that are kept: of ledger items, and of objects in the archive. */
  ledgerBytes: number;
  archiveBytes: number;
  metrics: Metric[];
  /** How long its state had waited before this try, at AWS's pace. */
  waitedSeconds?: number;
};

export const callsOf = ({ calls }: Invocation, wanted: (name: string) => boolean = () => true) =>
  Object.entries(calls).reduce((sum, [name, count]) => sum + (wanted(name) ? count : 0), 0);

/** Reads of the customer's account; the rest is the gate's own bookkeeping. */
export const isRead = (name: string) =>
  /^(SageMaker|CloudWatch|ApplicationAutoScaling)\./.test(name) || /^S3\.(Head|Get|List)/.test(name);
