import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { secretsIn } from './secret-patterns.ts';
import { isListed, weaknessOf } from './secrets.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

/** Every line that any commit of any branch has added, as git shows changes; nothing of it is kept in memory. */
const LOG = [
  ...['log', '--all', '--patch', '--unified=0', '--format=commit %h', '--no-color', '--no-ext-diff'],
  ...['--no-textconv', '--no-renames', '--diff-filter=AM', '--diff-merges=first-parent'],
];

function git(root: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  return status === 0 ? stdout.trim() : undefined;
}

/** Secrets that were ever committed. Taking one out of the newest commit does not take it out of the history. */
export async function checkHistory(audited: Audited): Promise<Seen> {
  const { root } = audited;
  if (git(root, 'rev-parse', '--git-dir') === undefined) return unseen('there is no git history here, or no git');
  const shallow = git(root, 'rev-parse', '--is-shallow-repository') !== 'false';

  const child = spawn('git', LOG, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const found = new Map<string, Weakness>();
  let [commit, path, commits] = ['', '', 0];
  let added: string[] = [];
  const look = () => {
    for (const each of added.length === 0 ? [] : secretsIn(added.join('\n')))
      if (!isListed(audited, each))
        found.set(`${path}\0${each.sha256}`, weaknessOf(`${path} (commit ${commit})`, each));
    added = [];
  };
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.startsWith('+') && !line.startsWith('+++ ')) {
      added.push(line.slice(1));
      continue;
    }
    look();
    if (line.startsWith('commit ')) {
      commit = line.slice('commit '.length);
      commits += 1;
    } else if (line.startsWith('+++ b/')) path = line.slice('+++ b/'.length);
  }
  look();
  for (const entry of git(root, 'log', '--all', '--format=%h %B%x00')?.split('\0') ?? []) {
    const [name = ''] = entry.trimStart().split(' ');
    for (const each of secretsIn(entry))
      if (!isListed(audited, each)) found.set(`${name}\0${each.sha256}`, weaknessOf(`message of commit ${name}`, each));
  }
  const [code] = await ended;
  if (code !== 0) return unseen(`git log ended with ${code}`);
  if (commits === 0) return unseen('there is no commit yet');
  return seen(
    `${commits} commits`,
    [...found.values()],
    shallow ? ['the clone is shallow, so older commits are not here (git fetch --unshallow)'] : [],
  );
}
