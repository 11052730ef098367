import { readFileSync } from 'node:fs';
import { listStreams } from '../shared/aws/audit.ts';
import { settingsByDigest } from '../shared/aws/decided-under.ts';
import type { ConfigFile } from '../shared/config.ts';
import { ConfigError } from '../shared/config-error.ts';
import { loadPrices, parseConfigFile } from '../shared/config-yaml.ts';
import { refOfStream } from '../shared/model/endpoint-ref.ts';
import type { Result } from '../shared/model/ledger-record.ts';
import { mayHold } from '../shared/model/trail-scope.ts';
import { NotReplayableError, type WhatIf, whatIf } from '../shared/policies/replay.ts';
import type { PolicySettings } from '../shared/policies/settings.ts';
import { type AwsOptions, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';
import { again, decisionsIn, readReplayable, settingsOf } from './replayed.ts';
import { type ScopeOptions, scopeOf } from './trail-scope.ts';

type Options = AwsOptions & ScopeOptions & { settings: string; json?: boolean };

type Change = { endpoint: string; planned: boolean; change: number; at: string; environment: string };
/** A change of the past: how its decision was and would be, when policies were checked or once it had settled. */
type Differs = Change & WhatIf & { checked: 'before' | 'settled'; ended: Result | null };
type Unknown = Change & { reason: string };

/** The limits of a settings file, and its prices where it names a table of its own. Throws ConfigError with every mistake. */
function newSettings(path: string): { file: ConfigFile; prices: PolicySettings['prices'] | undefined } {
  const problems: string[] = [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`--settings ${path} cannot be read: ${(error as Error).message}`, EXIT.usage);
  }
  const file = parseConfigFile(text, path, problems);
  const prices = file?.prices.file === undefined ? undefined : loadPrices(file.prices.file, path, problems);
  if (!file || problems.length > 0) throw new ConfigError(problems);
  return { file, prices };
}

/**
 * `policy what-if --settings FILE`: decides the changes of a time again, from the same facts and plans and at the prices of
 * then, under other limits; lists those that would have been decided otherwise and which policies made the difference.
 * Ends with 0 where none would, 1 where one would, 2 where one could not be decided again.
 */
export async function policyWhatIf(options: Options, output: Output): Promise<number> {
  const { file, prices } = newSettings(options.settings);
  const services = servicesFor(options);
  const scope = await scopeOf(options, services);
  const kept = settingsByDigest(services);
  const bySettings = new Map<PolicySettings['prices'], PolicySettings>();
  /** The new limits with these prices: one object for each table. */
  const withPrices = (table: PolicySettings['prices']): PolicySettings => {
    const known = bySettings.get(table) ?? { ...file.policies, pricesAlsoFor: file.prices.alsoFor, prices: table };
    bySettings.set(table, known);
    return known;
  };

  const differs: Differs[] = [];
  const unknown: Unknown[] = [];
  let decided = 0;
  for (const stream of await listStreams(services)) {
    const ref = refOfStream(stream);
    if (!ref || ref.about || !mayHold(stream, scope)) continue;
    const replayable = await readReplayable(services, stream);
    for (const decision of decisionsIn(replayable)) {
      const { at, body } = decision;
      if ((scope.from !== null && at < scope.from) || (scope.to !== null && at >= scope.to)) continue;
      const mine = replayable.records
        .map((record) => record.body)
        .filter((each) => each.generation === body.generation);
      const opened = mine.find((each) => each.kind === 'change-opened');
      const environment = opened?.environment.name ?? 'unknown';
      if (scope.environment !== null && environment !== scope.environment) continue;
      const change = { endpoint: ref.name, planned: ref.planned === true, change: body.generation, at, environment };
      decided += 1;
      try {
        const then = prices ?? (await settingsOf(decision, replayable, kept)).prices;
        const difference = whatIf(body, again(decision, replayable, withPrices(then)));
        const ended = mine.find((each) => each.kind === 'outcome')?.result ?? null;
        const checked = body.kind === 'findings' ? 'before' : 'settled';
        if (difference) differs.push({ ...change, ...difference, checked, ended });
      } catch (error) {
        if (!(error instanceof NotReplayableError)) throw error;
        unknown.push({ ...change, reason: error.message });
      }
    }
  }

  if (options.json) output.out(json({ settings: options.settings, scope, decided, differs, unknown }));
  else {
    if (differs.length > 0)
      output.out(
        table(
          ['ENDPOINT', 'CHANGE', 'DECIDED', 'ENV', 'ENDED', 'WAS', 'WOULD BE', 'BECAUSE OF'],
          differs.map((each) => [
            each.endpoint,
            `${each.planned ? 'plan ' : ''}${each.change}`,
            each.at.slice(0, 16).replace('T', ' '),
            each.environment,
            each.ended ?? 'open',
            each.from,
            each.to,
            each.policies
              .map(({ policy, from, to, messages }) => `${policy} (${from} -> ${to}): ${messages.join(' ')}`)
              .join('; ') || 'what was accepted or planned before',
          ]),
        ),
      );
    output.out(`${differs.length} of ${decided} decisions would have been others.`);
    for (const { endpoint, change, reason } of unknown)
      output.err(`NOT DECIDED AGAIN: ${endpoint}, change ${change}: ${reason}`);
  }
  if (decided === 0) output.err('No decision is on record for this time.');
  if (decided === 0 || unknown.length > 0) return EXIT.couldNotCheck;
  return differs.length > 0 ? EXIT.violations : EXIT.fine;
}
