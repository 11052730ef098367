import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { keyIdOf } from '../local/sealed-directory.ts';
import { BackupManifest } from '../shared/model/backup-manifest.ts';
import { VERSION } from '../shared/model/version.ts';
import { holdDirectory } from './backup/hold.ts';
import { packFiles } from './bundle/pack.ts';
import { spoolIn } from './bundle/spool.ts';
import { CliError, EXIT, type Output } from './output.ts';

export type BackupOptions = { data: string; checkpoints?: string };

/** What is no part of the store: who uses it, logs, and what databases make anew when they are opened. */
const LEFT_OUT = /^(runtime\.pid|logs\/.*|checkpoints\/.*|.*-shm|dynamodb\/(LOCK|LOG|LOG\.old))$/;

/** Regular files below a directory, by their path in it. Anything else in there is refused: it would not be the same elsewhere. */
function filesBelow(directory: string, from = directory): string[] {
  return readdirSync(from)
    .sort()
    .flatMap((name) => {
      const path = join(from, name);
      const found = lstatSync(path);
      if (!/^\w[\w.-]*$/.test(name))
        throw new CliError(`${path} is not of the gate's making. Move it away, then try again.`);
      if (found.isDirectory()) return filesBelow(directory, path);
      if (!found.isFile()) throw new CliError(`${path} is neither a file nor a directory, so it cannot be backed up.`);
      return [relative(directory, path)];
    });
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * `portcullis backup FILE`: the store of a gate on one machine in one archive (mode 600) with a manifest of SHA-256 sums.
 * The gate must not run. The archive holds the key that signs checkpoints, so it is as secret as the store.
 */
export async function backup(
  file: string,
  options: BackupOptions,
  output: Output,
  { env = process.env, now = new Date().toISOString() }: { env?: NodeJS.ProcessEnv; now?: string } = {},
): Promise<number> {
  const archive = resolve(file);
  const data = resolve(options.data);
  const checkpoints = resolve(options.checkpoints ?? env.PORTCULLIS_CHECKPOINTS ?? join(data, 'checkpoints'));
  if (existsSync(archive)) throw new CliError(`${archive} is there already, and a backup is not written over.`);
  if (!existsSync(dirname(archive)))
    throw new CliError(`${dirname(archive)} is not there; make it first (mkdir -m 700).`);
  if (!existsSync(join(data, 'aws.sqlite')))
    throw new CliError(`${data} is no data directory of a gate: there is no aws.sqlite in it. Name it with --data.`);
  const keyId = keyIdOf(data);
  const { stoppedCleanly, release } = holdDirectory(data);
  const scratch = mkdtempSync(join(dirname(archive), `.${basename(archive)}-`));
  try {
    const sources = [
      ...filesBelow(data)
        .filter((path) => !LEFT_OUT.test(path))
        .map((path) => ({ path, from: join(data, path) })),
      ...(existsSync(checkpoints) ? filesBelow(checkpoints) : []).map((path) => ({
        path: `checkpoints/${path}`,
        from: join(checkpoints, path),
      })),
    ];
    const files = [];
    for (const { path, from } of sources)
      files.push({ path, sha256: await sumOf(from), bytes: statSync(from).size, what: 'Part of the store' });
    const manifest = BackupManifest.parse({
      schema: 1,
      kind: 'portcullis-backup',
      product: { name: 'portcullis', version: VERSION },
      createdAt: now,
      stoppedCleanly,
      files,
    });
    const { bytes } = spoolIn(scratch).put('manifest.json', 'This list', `${JSON.stringify(manifest, null, 2)}\n`);
    const entries = files.map((each, index) => ({ ...each, from: sources[index]?.from }));
    // Under another name until it is whole: what bears the name of a backup is one.
    const unfinished = join(scratch, 'backup.zip');
    await packFiles(scratch, [{ path: 'manifest.json', bytes }, ...entries], unfinished, new Date(now));
    renameSync(unfinished, archive);
    output.out(
      `${files.length} files of ${data} are in ${archive}. It holds keys: keep it where nobody else can read it.`,
    );
    output.out(`Write its SHA-256 down elsewhere: ${await sumOf(archive)}`);
    if (keyId !== undefined)
      output.out(
        `Its rows are encrypted with key ${keyId}. Keep that elsewhere: without it the backup opens to nobody.`,
      );
    if (!stoppedCleanly)
      output.err('The gate was killed and not stopped. What it had not signed yet is signed when this is restored.');
    return EXIT.fine;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    release();
  }
}
