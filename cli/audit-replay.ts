import { settingsByDigest } from '../shared/aws/decided-under.ts';
import type { Finding } from '../shared/model/finding.ts';
import { VERSION } from '../shared/model/version.ts';
import {
  type DecisionDifference,
  type DecisionRecord,
  decisionDifferences,
  NotReplayableError,
} from '../shared/policies/replay.ts';
import { streamFor } from './audit.ts';
import { type AwsOptions, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output, visible } from './output.ts';
import { again, decisionsIn, type Replayable, readReplayable, settingsOf } from './replayed.ts';

type Options = AwsOptions & { json?: boolean };

type Result = {
  record: number;
  id: string;
  change: number;
  /** The version that decided; null for records that do not say. */
  version: string | null;
  result: 'identical' | 'different' | 'not replayed';
  differences: DecisionDifference[];
  reason?: string;
};

/** A record by its number in the stream or by its id. */
function wanted(record: string | undefined, stream: Replayable): DecisionRecord[] {
  const decisions = decisionsIn(stream);
  const found =
    record === undefined
      ? decisions
      : decisions.filter(({ sequence, id }) => id === record || String(sequence) === record);
  if (found.length > 0) return found;
  const other = stream.records.find(({ sequence, id }) => id === record || String(sequence) === record);
  throw new CliError(
    other
      ? `Record ${record} is no decision but ${other.body.kind}. Decisions are: ${decisions.map(({ id }) => id).join(', ') || 'none'}.`
      : `There is no decision on record${record === undefined ? '' : ` under ${record}`}.`,
  );
}

const said = (finding: Finding | null) =>
  finding === null ? 'nothing' : [finding.outcome, ...finding.messages].join(': ');

function explained(difference: DecisionDifference): string[] {
  if (difference.what !== 'policy')
    return [
      `  ${difference.what}: recorded ${JSON.stringify(difference.recorded)}, now ${JSON.stringify(difference.again)}`,
    ];
  const { policy, recorded, again: now } = difference;
  const sentence = recorded?.statement !== now?.statement && recorded && now;
  return [
    `  ${policy}: recorded ${said(recorded)}`,
    `  ${policy}: now ${said(now)}`,
    ...(sentence ? [`  ${policy}: its sentence was "${recorded.statement}" and is "${now.statement}"`] : []),
  ];
}

/**
 * `audit replay ENDPOINT [RECORD]`: makes recorded decisions again from the facts, plans, limits and prices on record, and says
 * where anything is another than it was. Ends with 0 where all are identical to the byte, 1 where one differs, 2 where one
 * could not be made again.
 */
export async function auditReplay(
  endpoint: string,
  record: string | undefined,
  options: Options,
  output: Output,
): Promise<number> {
  const services = servicesFor(options);
  const stream = await readReplayable(services, await streamFor(services, endpoint));
  if (stream.records.length === 0) throw new CliError(`Nothing is on record for ${endpoint}.`);
  const kept = settingsByDigest(services);
  const results: Result[] = [];
  for (const decision of wanted(record, stream)) {
    const { sequence, id, body } = decision;
    const about = { record: sequence, id, change: body.generation, version: body.version ?? null };
    try {
      const settings = await settingsOf(decision, stream, kept);
      const differences = decisionDifferences(body, again(decision, stream, settings));
      results.push({ ...about, result: differences.length > 0 ? 'different' : 'identical', differences });
    } catch (error) {
      if (!(error instanceof NotReplayableError)) throw error;
      results.push({ ...about, result: 'not replayed', differences: [], reason: error.message });
    }
  }
  if (options.json) output.out(json({ version: VERSION, results }));
  else
    for (const { record: sequence, id, change, version, result, differences, reason } of results) {
      const by = version === VERSION ? '' : `, decided by version ${version ?? 'unknown'} and replayed by ${VERSION}`;
      output.out(visible(`record ${sequence} (${id}, change ${change}): ${result}${by}${reason ? `: ${reason}` : ''}`));
      for (const line of differences.flatMap(explained)) output.out(visible(line));
    }
  if (results.some(({ result }) => result === 'not replayed')) return EXIT.couldNotCheck;
  return results.some(({ result }) => result === 'different') ? EXIT.violations : EXIT.fine;
}
