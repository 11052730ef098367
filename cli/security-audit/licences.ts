import { installedIn, readLockFile } from './lock-file.ts';
import { type Audited, type Seen, seen, unseen } from './weakness.ts';

/** Whether an SPDX expression can be met with licences of the list: all of an AND, one of an OR. */
export function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const bare = expression.trim();
  // Split where no parenthesis is open; AND binds closer than OR.
  for (const [word, meets] of [
    [' OR ', 'some'],
    [' AND ', 'every'],
  ] as const) {
    const parts: string[] = [];
    let [depth, from] = [0, 0];
    for (let at = 0; at < bare.length; at += 1) {
      if (bare[at] === '(') depth += 1;
      if (bare[at] === ')') depth -= 1;
      if (depth === 0 && bare.startsWith(word, at)) {
        parts.push(bare.slice(from, at));
        from = at + word.length;
      }
    }
    if (parts.length > 0) return [...parts, bare.slice(from)][meets]((part) => isAllowed(part, allowed));
  }
  if (bare.startsWith('(') && bare.endsWith(')')) return isAllowed(bare.slice(1, -1), allowed);
  return allowed.includes(bare);
}

/** The licence of every package in the lock file, against the list. What names none may not be used at all. */
export async function checkLicences({ root, rules }: Audited): Promise<Seen> {
  const lock = readLockFile(root);
  if ('reason' in lock) return unseen(lock.reason);
  const installed = installedIn(lock).filter(({ entry }) => !entry.link);
  if (installed.length > 0 && rules.licences.length === 0)
    return unseen('security-audit.yaml lists no licences, so there is nothing to compare with');
  const weaknesses = installed.flatMap(({ name, entry: { version, license } }) =>
    typeof license === 'string' && isAllowed(license, rules.licences)
      ? []
      : [
          {
            where: `${name}@${version}`,
            why:
              typeof license === 'string'
                ? `It is under ${license}, which is not on the list.`
                : 'It names no licence, and without one nobody may use it.',
            todo: 'Ask whether it may be used; then add the licence to security-audit.yaml, or replace the package.',
          },
        ],
  );
  return seen(`${installed.length} packages`, weaknesses);
}
