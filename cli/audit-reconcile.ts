import { noteAudit } from '../shared/aws/audit-note.ts';
import { type ReconcileOptions, reconcile } from '../shared/aws/reconcile.ts';
import { forRecord, isReconciled, type Reconciliation } from '../shared/model/reconciliation-result.ts';
import { type AwsOptions, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output, visible } from './output.ts';
import { momentOf } from './trail-scope.ts';
import { tried } from './witnesses.ts';

type Options = AwsOptions & {
  json?: boolean;
  from: string;
  to?: string;
  trailBucket?: string;
  trailPrefix?: string;
  /** False with --no-record. */
  record?: boolean;
};

/** On one machine an event is handled in seconds, and lookups may follow each other at once. */
export const paceFor = ({ local }: AwsOptions): Pick<ReconcileOptions, 'settlingMs' | 'pause'> =>
  local ? { settlingMs: 60_000, pause: async () => {} } : {};

/** Was there neither a call nor a decision? Then all is not well, it was not looked at. */
export const heldNothing = ({ calls, decisions }: Reconciliation): boolean => calls.total + decisions.total === 0;

/** What is said first of a comparison: never that all is well where something is missing, unread or not yet known. */
export function verdictOn(result: Reconciliation): string {
  const { calls } = result;
  if (!isReconciled(result)) return 'NOT reconciled:';
  if (heldNothing(result)) return 'Not reconciled: there was nothing to hold together.';
  return calls.tooNew === 0
    ? 'Reconciled: each call has one decision, and each decision a cause.'
    : `Reconciled but for what is too new to tell (${calls.tooNew}): every other call has one decision, and each decision a cause.`;
}

/** What a reconciliation says, in lines. */
export function reconciliationLines(result: Reconciliation): string[] {
  const { calls, decisions, gaps, duplicates, surplus, notRead } = result;
  return [
    `${result.from} to ${result.to}, from ${result.source} (${result.read.join(', ') || 'nothing could be read'})`,
    `${calls.total} calls: ${calls.matched} decided on their event, ${calls.seenLater} seen later and decided, ${calls.tooNew} too new to tell.`,
    `Left aside: ${calls.elsewhere} calls about no endpoint of the gate, ${calls.failed} that AWS refused.`,
    `${decisions.total} decisions: ${decisions.byCall} explained by a call, ${decisions.byGate} because the gate looked by itself.`,
    ...gaps.map(
      ({ at, call, stream, who, eventId, problem }) =>
        `GAP        ${at}  ${call}  ${stream ?? 'unknown endpoint'}  by ${who}  event ${eventId} ${problem}.`,
    ),
    ...duplicates.map(
      ({ at, call, stream, eventId, problem }) =>
        `DUPLICATE  ${at}  ${call}  ${stream ?? 'unknown endpoint'}  event ${eventId} ${problem}.`,
    ),
    ...surplus.map(
      ({ at, stream, generation, cause, problem }) =>
        `SURPLUS    ${at}  ${stream}  change ${generation} (${cause}) ${problem}.`,
    ),
    ...notRead.map((what) => `NOT READ   ${what}`),
  ];
}

/** `audit reconcile`: 0 reconciled, 1 gaps or surplus, 2 something could not be read, or there was nothing to hold together. */
export async function auditReconcile(options: Options, output: Output): Promise<number> {
  const services = servicesFor(options);
  const from = momentOf('--from', options.from);
  const to = options.to === undefined ? services.now() : momentOf('--to', options.to);
  if (!(from < to)) throw new CliError(`--from is ${from}; it must be before ${to}.`, EXIT.usage);
  if (options.trailPrefix !== undefined && options.trailBucket === undefined)
    throw new CliError('--trail-prefix needs --trail-bucket.', EXIT.usage);
  const progress = (calls: number) => {
    if (output.terminal && calls % 1_000 === 0) output.err(`${calls} calls`);
  };
  const source = { bucket: options.trailBucket, prefix: options.trailPrefix };
  const result = await reconcile(services, { from, to, source, progress, ...paceFor(options) });
  const reconciled = isReconciled(result) && !heldNothing(result);
  const id = `reconciled#${services.newId()}`;
  const body = { kind: 'reconciled', generation: 1, reconciled, ...forRecord(result) } as const;
  const noted =
    options.record === false ? { reason: 'not asked for' } : await tried(() => noteAudit(services, id, body));
  if (options.json) output.out(json({ reconciled, ...result, recorded: !('reason' in noted) }));
  else for (const line of [verdictOn(result), ...reconciliationLines(result)]) output.out(visible(line));
  if ('reason' in noted && options.record !== false) output.err(`NOT RECORDED in the ledger: ${visible(noted.reason)}`);
  if (heldNothing(result) || result.notRead.length > 0) return EXIT.couldNotCheck;
  return reconciled ? EXIT.fine : EXIT.violations;
}
