import { installedIn, type LockFile } from '../security-audit/lock-file.ts';

/** What happens to one package: `from` is missing where it is new, `to` where it goes away. */
export type LockChange = { name: string; path: string; from?: string | undefined; to?: string | undefined };

/** What differs between two lock files, by the place of each package, in the order of names. */
export function lockChanges(before: LockFile, after: LockFile): LockChange[] {
  const versions = (lock: LockFile) =>
    new Map(installedIn(lock).map(({ path, name, entry }) => [path, { name, version: entry.version ?? 'unknown' }]));
  const [old, young] = [versions(before), versions(after)];
  return [...new Set([...old.keys(), ...young.keys()])]
    .flatMap((path) => {
      const [from, to] = [old.get(path), young.get(path)];
      if (from?.version === to?.version) return [];
      return [{ name: (to ?? from)?.name ?? path, path, from: from?.version, to: to?.version }];
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `left-side 1.0.0 -> 1.0.1`, `+ new-side 1.0.0`, `- old-side 1.0.0`. */
export function changeText({ path, from, to }: LockChange): string {
  // Below another package there may be a version of its own: `other-side/node_modules/left-side`.
  const place = path.replace(/^node_modules\//, '');
  if (from === undefined) return `+ ${place} ${to}`;
  return to === undefined ? `- ${place} ${from}` : `${place} ${from} -> ${to}`;
}
