import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedIn, type LockFile, readLockFile } from './lock-file.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

const REGISTRY = 'https://registry.npmjs.org/';
const AGAIN = 'Remove the entry, and npm install the package from the registry.';

/** What `package.json` asks for, which the lock file has to repeat. */
const ASKED = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

function packageWeaknesses(lock: LockFile): Weakness[] {
  return installedIn(lock).flatMap(({ path, entry: { resolved, integrity, link, inBundle } }) => {
    const where = `package-lock.json ${path}`;
    const found: Weakness[] = [];
    // Without an address npm takes it from the registry of the settings, which are looked at below.
    if (link || (resolved !== undefined && !resolved.startsWith(REGISTRY)))
      found.push({
        where,
        why: `It comes from ${link ? 'a directory' : (resolved ?? '').replace(/\/\/[^/@]*@/, '//...@')} and not from ${REGISTRY}.`,
        todo: AGAIN,
      });
    if (!link && !inBundle && !/(^|\s)sha512-[A-Za-z0-9+/]{86}==/.test(integrity ?? ''))
      found.push({
        where,
        why: 'It has no SHA-512 sum, so that another file in its place would be installed unnoticed.',
        todo: AGAIN,
      });
    return found;
  });
}

function askedWeaknesses(root: string, lock: LockFile): Weakness[] {
  const asked = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
  return ASKED.flatMap((field) =>
    Object.entries(asked[field] ?? {}).flatMap(([name, range]) => {
      const where = `package.json ${field}.${name}`;
      if (/^(git|https?:|file:|link:|github:|[\w.-]+\/[\w.-]+)/.test(range))
        return [{ where, why: `${range} is no version of the registry.`, todo: 'Ask for a version.' }];
      if (lock.packages['']?.[field]?.[name] !== range)
        return [
          { where, why: 'The lock file says something else.', todo: 'Run npm install and look at what changed.' },
        ];
      return [];
    }),
  );
}

function settingWeaknesses(root: string): Weakness[] {
  let text = '';
  try {
    text = readFileSync(join(root, '.npmrc'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return text.split('\n').flatMap((line, index) => {
    const [, name = '', value = ''] = /^\s*([^;#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const elsewhere = /(^|:)registry$/.test(name) && `${value.replace(/\/$/, '')}/` !== REGISTRY;
    const off = /^(strict-ssl|audit|package-lock)$/.test(name) && value === 'false';
    return elsewhere || off
      ? [
          {
            where: `.npmrc:${index + 1}`,
            why: elsewhere ? 'Packages come from another registry.' : `${name} is switched off.`,
            todo: 'Take the line out, or keep it in a file of your own that is not part of the project.',
          },
        ]
      : [];
  });
}

/** Where every package comes from, and whether another file in its place would be noticed. */
export async function checkLockfile({ root }: Audited): Promise<Seen> {
  const lock = readLockFile(root);
  if ('reason' in lock) return unseen(lock.reason);
  if (lock.lockfileVersion < 3) return unseen(`lockfileVersion is ${lock.lockfileVersion}; 3 is read here`);
  return seen(`${installedIn(lock).length} packages`, [
    ...packageWeaknesses(lock),
    ...askedWeaknesses(root, lock),
    ...settingWeaknesses(root),
  ]);
}
