import { wholeSweep } from '../local/whole-sweep.ts';
import { SweepIncompleteError } from '../shared/aws/sweep-tally.ts';
import type { SweepSummary } from '../shared/model/sweep-summary.ts';
import { type AwsOptions, servicesOfGate } from './context.ts';
import { EXIT, json, type Output, table } from './output.ts';
import { unreachable } from './unreachable.ts';

const MEANING: Record<keyof SweepSummary, string> = {
  endpoints: 'endpoints that SageMaker lists',
  started: 'changes started that no event had told of',
  joined: 'endpoints modified in a way that is known or being read already',
  ended: 'changes ended whose execution had died',
  resumed: 'decisions whose execution had not been woken',
  told: 'rounds of messages: reminders, escalations, expiries, approvals in an emergency',
  postponed: 'changes left for the next sweep',
  failed: 'things that could not be looked at',
};

/** `portcullis sweep`: looks now for what no event told of, as the gate does every quarter of an hour. */
export async function sweep(options: AwsOptions & { json?: boolean }, output: Output): Promise<number> {
  const services = servicesOfGate(options);
  let summary: SweepSummary;
  let incomplete: SweepIncompleteError | undefined;
  try {
    summary = await wholeSweep(services);
  } catch (error) {
    if (!(error instanceof SweepIncompleteError)) throw error;
    incomplete = error;
    summary = error.summary;
  }
  if (options.json) output.out(json(summary));
  else {
    const rows = Object.entries(MEANING).map(([name, meaning]) => [
      String(summary[name as keyof SweepSummary]),
      meaning,
    ]);
    output.out(table(['COUNT', 'WHAT'], rows));
  }
  if (!incomplete) return EXIT.fine;
  output.err(`The sweep is not complete. ${unreachable(incomplete.cause).message}`);
  return EXIT.couldNotCheck;
}
