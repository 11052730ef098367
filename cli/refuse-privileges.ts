import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliError, EXIT } from './output.ts';

/** What a process may do, and what was typed to start it. */
export type Started = {
  /** Real and effective user; undefined on systems that have no such numbers. */
  uid: number | undefined;
  euid: number | undefined;
  platform: NodeJS.Platform;
  /** The program and what stands behind it, as `process.execPath` and `process.argv` have them. */
  command: readonly [node: string, script: string, ...args: string[]];
  env: Readonly<Record<string, string | undefined>>;
  /** Whether somebody who owns nothing could read a file and all that leads to it. */
  readable: (path: string) => boolean;
};

/** User and group that own nothing, on every Linux. */
const NOBODY = 65_534;

const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The same command as somebody without rights, for whoever has no other user at hand. */
function asNobody({ command: [node, script, ...args], readable }: Started): string[] {
  const locked = [node, script].filter((path) => !readable(path));
  if (locked.length > 0)
    return [`Nobody else can read ${locked.join(' and ')}: put it where that user can, in /opt for instance.`];
  const data = args.includes('up') && !args.some((each) => /^--data(=|$)/.test(each));
  const own = [node, script, ...args, ...(data ? ['--data', `/tmp/portcullis-${NOBODY}`] : [])];
  return [
    'Where there is no such user, in a container for instance, as somebody who owns nothing:',
    '',
    `  setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups env HOME=/tmp ${own.map(word).join(' ')}`,
    '',
    'A container can be started as somebody: docker run --user 1000:1000 ...',
  ];
}

/** Why this program must not go on, and the way out; undefined where it has no more rights than it needs. */
export function privilegesProblem(what: string, started: Started): string | undefined {
  const { uid, euid, platform, env } = started;
  if (uid === undefined || (uid !== 0 && uid === euid)) return undefined;
  const who = uid === 0 || euid === 0 ? 'as root' : `with rights of another user (uid ${uid}, effective ${euid})`;
  return [
    `${what} does not run ${who}. It needs no such rights: whoever got into it would have them, and what it writes would belong to that user.`,
    env.SUDO_UID
      ? 'Start it without sudo.'
      : 'Start it as an ordinary user, to whom the files belong that it is to write.',
    ...(platform === 'linux' && !env.SUDO_UID ? asNobody(started) : []),
  ].join('\n');
}

/** Whether everybody may read a file, and go through every directory that leads to it. */
function readableByAll(path: string): boolean {
  const stats = statSync(path);
  const parent = dirname(path);
  const wanted = stats.isDirectory() ? 0o001 : 0o004;
  return (stats.mode & wanted) !== 0 && (path === parent || readableByAll(parent));
}

/** Throws CliError (77, as BSD's sysexits.h has it for permissions) where this process runs with rights of root. There is no way to override it. */
export function refusePrivileges(what: string): void {
  const [, script = '', ...args] = process.argv;
  const problem = privilegesProblem(what, {
    uid: process.getuid?.(),
    euid: process.geteuid?.(),
    platform: process.platform,
    // npx starts what is behind a link that nobody else can follow.
    command: [realpathSync(process.execPath), realpathSync(script), ...args],
    env: process.env,
    readable: readableByAll,
  });
  if (problem !== undefined) throw new CliError(problem, EXIT.elevated);
}
