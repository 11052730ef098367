import { CliError, EXIT, json, type Output, table, visible } from './output.ts';
import { PROJECT } from './security-audit.ts';
import { applyUpdates } from './vulnerabilities/apply.ts';
import { type Listed, listVulnerabilities } from './vulnerabilities/list.ts';
import { changeText } from './vulnerabilities/lock-changes.ts';

type Here = { root: string; env: Readonly<Record<string, string | undefined>>; now: string };

function show({ packages, changes, unchecked }: Listed, output: Output): void {
  if (packages.length > 0)
    output.out(
      table(
        ['SEVERITY', 'PACKAGE', 'INSTALLED', 'WITHIN RANGE', 'NEWEST', 'KNOWN'],
        packages.map(({ severity, name, installed, wanted, latest, advisories }) => [
          severity ?? 'outdated',
          name,
          installed.join(', '),
          wanted ?? '-',
          latest ?? '-',
          advisories.join('; ') || '-',
        ]),
      ),
    );
  else if (unchecked.length === 0) output.out('Every package is up to date, and none is known to be vulnerable.');
  if (changes.length > 0)
    output.out(
      `\nAn update within range (--apply) would change:\n${changes.map((each) => `  ${visible(changeText(each))}`).join('\n')}`,
    );
  for (const reason of unchecked) output.err(`NOT CHECKED: ${visible(reason)}`);
}

/**
 * `portcullis vulnerabilities`: 0 nothing is known to be vulnerable, 1 something is, 2 could not be found out. With
 * `--apply`: 0 updated (or nothing to do), 1 not updated and everything as it was, 2 it could not be tried.
 */
export async function vulnerabilities(
  options: { apply?: boolean; json?: boolean },
  output: Output,
  { root = PROJECT, env = process.env, now = new Date().toISOString() }: Partial<Here> = {},
): Promise<number> {
  if (options.apply) {
    const tell = (text: string) => output.err(text.trimEnd());
    const applied = await applyUpdates({ root, env, now, tell }).catch((error: Error) => {
      throw new CliError(`The update could not be tried, and nothing was changed: ${error.message}`);
    });
    if (options.json) output.out(json(applied));
    else {
      for (const change of applied.changes) output.out(`  ${visible(changeText(change))}`);
      const told = {
        updated: 'Updated, and the tests pass. Look at the change and commit it.',
        'nothing to update': 'Within their ranges all packages are up to date.',
        kept: 'Not updated; lock file and packages are as they were.',
      };
      output.out(told[applied.result]);
      if (applied.result === 'kept') output.err(`Why: ${visible(applied.reason)}`);
    }
    return applied.result === 'kept' ? EXIT.violations : EXIT.fine;
  }
  const tell = options.json ? undefined : (text: string) => output.err(text);
  const listed = await listVulnerabilities({ root, env, ...(tell && { tell }) });
  if (options.json) output.out(json(listed));
  else show(listed, output);
  if (listed.packages.some(({ severity }) => severity !== null)) return EXIT.violations;
  return listed.unchecked.length > 0 ? EXIT.couldNotCheck : EXIT.fine;
}
