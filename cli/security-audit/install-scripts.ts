import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedIn, readLockFile } from './lock-file.ts';
import { type Audited, type Seen, seen, unseen } from './weakness.ts';

/**
 * Install scripts run with the rights of whoever installs, before anybody has looked: most worms of npm came that way.
 * Each package that has one must be named in `allowScripts` of package.json: `true` runs it, `false` refuses it.
 */
export async function checkInstallScripts({ root }: Audited): Promise<Seen> {
  const lock = readLockFile(root);
  if ('reason' in lock) return unseen(lock.reason);
  const { allowScripts = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    allowScripts?: Record<string, boolean>;
  };
  const named = new Set(Object.keys(allowScripts).map((key) => key.replace(/(?<=.)@.*$/, '')));
  const scripted = installedIn(lock).filter(({ entry }) => entry.hasInstallScript);
  const weaknesses = scripted
    .filter(({ name }) => !named.has(name))
    .map(({ name, entry }) => ({
      where: `${name}@${entry.version}`,
      why: 'It has an install script that nobody has allowed or refused.',
      todo: `Read the script; then set allowScripts["${name}"] in package.json to true or false.`,
    }));
  return seen(`${scripted.length} packages with an install script`, weaknesses);
}
