import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { projectFiles } from './project-files.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

/** Files that hold secrets by their name. */
const SECRET_FILE =
  /(^|\/)(\.env(\.(?!example$|sample$)[\w.-]+)?|[\w.-]+\.env|[\w.-]*-key\.pem|[\w.-]+\.key|id_(rsa|ed25519|ecdsa))$/;
/** Variables that name such files. */
const NAMED = ['PORTCULLIS_TLS_KEY_FILE', 'PORTCULLIS_ENCRYPTION_KEY_FILE', 'PORTCULLIS_ENV_FILE'] as const;
const DATA = '.portcullis';

const octal = ({ mode }: Stats) => (mode & 0o777).toString(8);

/** Why others could read or replace a file or directory; undefined where they cannot. */
function openTo(path: string, where: string, wanted: 0o600 | 0o700): Weakness | undefined {
  const found = lstatSync(path);
  const directory = wanted === 0o700;
  const kind = directory ? 'a directory' : 'a regular file';
  const weakness = (why: string, todo: string) => ({ where, why, todo });
  if (found.isSymbolicLink() || !(directory ? found.isDirectory() : found.isFile()))
    return weakness(`It is not ${kind}, so somebody else may decide what is read.`, `Put ${kind} there.`);
  if (process.getuid && found.uid !== process.getuid() && process.getuid() !== 0)
    return weakness(
      'It belongs to somebody else.',
      `chown it to whoever runs the gate, and chmod ${wanted.toString(8)}.`,
    );
  return (found.mode & 0o077) === 0
    ? undefined
    : weakness(
        `Its mode is ${octal(found)}, so others on this machine can use it.`,
        `chmod ${wanted.toString(8)} ${where}`,
      );
}

/** Files with secrets in the project that git ignores, which is where they belong: the project's own directory only. */
function secretFilesIn(root: string, listed: readonly string[]): string[] {
  const top = readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]));
  return [...new Set([...top, ...listed])].filter((path) => SECRET_FILE.test(path) && !path.startsWith('test/'));
}

/** Whether others on this machine can read secrets and records, or change what runs. */
export async function checkFileModes({ root, env }: Audited): Promise<Seen> {
  const listed = projectFiles(root);
  if (listed.length === 0) return unseen('there are no files here');
  const weaknesses: Weakness[] = [];
  const unchecked: string[] = [];
  let examined = listed.length;
  const look = (path: string, where: string, wanted: 0o600 | 0o700) => {
    examined += 1;
    const weakness = openTo(path, where, wanted);
    if (weakness) weaknesses.push(weakness);
  };
  for (const path of listed) {
    const found = lstatSync(join(root, path));
    if ((found.mode & 0o002) !== 0)
      weaknesses.push({
        where: path,
        why: `Its mode is ${octal(found)}: everybody on this machine can change it.`,
        todo: `chmod o-w ${path}`,
      });
  }
  for (const path of secretFilesIn(root, listed)) look(join(root, path), path, 0o600);
  for (const name of NAMED) {
    const named = env[name];
    if (!named) continue;
    const path = isAbsolute(named) ? named : join(root, named);
    if (lstatSync(path, { throwIfNoEntry: false })) look(path, named, 0o600);
    else unchecked.push(`${name} names ${named}, which is not there`);
  }
  const data = join(root, DATA);
  if (lstatSync(data, { throwIfNoEntry: false })) {
    look(data, DATA, 0o700);
    for (const name of readdirSync(data).filter((each) => SECRET_FILE.test(each) || each.endsWith('.sqlite')))
      look(join(data, name), `${DATA}/${name}`, 0o600);
  }
  return seen(`${examined} files and directories`, weaknesses, unchecked);
}
