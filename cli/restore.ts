import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { storedItems } from '../local/aws/dynamodb.ts';
import { recordIn, signWhatIsLeft, storedRecordOf } from '../local/aws/ledger-items.ts';
import { openCheckpointWriter } from '../local/checkpoint-writer.ts';
import { type EncryptionSettings, encryptionFrom } from '../local/encryption-settings.ts';
import { resealDirectory } from '../local/reseal-directory.ts';
import { CHECKPOINT_KEY, cipherOf, keyIdOf } from '../local/sealed-directory.ts';
import { BackupManifest } from '../shared/model/backup-manifest.ts';
import type { RowCipher } from '../shared/model/row-cipher.ts';
import { type Archive, openWithManifest } from './bundle/archive.ts';
import { exportedLine } from './export-directory.ts';
import { CliError, EXIT, type Output, visible } from './output.ts';
import { PROJECT } from './security-audit.ts';

export type RestoreOptions = { data: string };

/** Writes one file of the backup, and throws where it is not what the manifest says. */
async function unpack({ entries }: Archive, { path, sha256 }: BackupManifest['files'][number], into: string) {
  const entry = entries.get(path);
  if (!entry) throw new CliError(`${path} is missing in the backup.`, EXIT.violations);
  const place = join(into, path);
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
  const file = openSync(place, 'wx', 0o600);
  const hash = createHash('sha256');
  const write = (chunk: Uint8Array) => {
    hash.update(chunk);
    for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
  };
  try {
    await entry.getData(new WritableStream({ write }));
    fsyncSync(file);
  } catch (error) {
    throw new CliError(`${path} in the backup cannot be read: ${(error as Error).message}`, EXIT.violations);
  } finally {
    closeSync(file);
  }
  if (hash.digest('hex') !== sha256)
    throw new CliError(`${path} is not what the manifest says: the backup was changed.`, EXIT.violations);
}

/** Proves the ledger of a directory that no runtime uses, with the verifier for people who do not trust the rest. */
async function proveLedger(
  directory: string,
  { table, cipher }: { table: string; cipher: RowCipher | undefined },
  output: Output,
): Promise<boolean> {
  const proof = mkdtempSync(join(directory, 'proof-'));
  try {
    const trail = openSync(join(proof, 'trail.jsonl'), 'wx', 0o600);
    for await (const item of storedItems(join(directory, 'dynamodb'), table, cipher))
      writeSync(trail, `${exportedLine(storedRecordOf(item))}\n`);
    closeSync(trail);
    for (const name of ['checkpoints.jsonl', 'public-key.pem'])
      renameSync(join(directory, 'checkpoints', name), join(proof, name));
    const run = spawnSync(process.execPath, [join(PROJECT, 'verifier/verify.mjs'), proof], { encoding: 'utf8' });
    for (const name of ['checkpoints.jsonl', 'public-key.pem'])
      renameSync(join(proof, name), join(directory, 'checkpoints', name));
    // Of a line that was written over, which is how it tells how far it is, the end is left.
    for (const line of `${run.stdout}${run.stderr}`.trimEnd().split('\n'))
      output.out(`ledger: ${visible(line.split('\r').at(-1) ?? '')}`);
    return run.status === 0;
  } finally {
    rmSync(proof, { recursive: true, force: true });
  }
}

/**
 * What a restored directory is read with. It stays as encrypted as it was; one in plain text is encrypted now, where the
 * environment wants that. Throws CliError where the key is not there.
 */
async function cipherFor(directory: string, env: NodeJS.ProcessEnv, output: Output): Promise<RowCipher | undefined> {
  try {
    const wanted: EncryptionSettings | undefined = encryptionFrom(env);
    const keyId = keyIdOf(directory);
    if (keyId !== undefined && !wanted)
      throw new Error(
        `it is encrypted with key ${keyId}: set PORTCULLIS_ENCRYPTION_AT_REST=true and name the key file in PORTCULLIS_ENCRYPTION_KEY_FILE`,
      );
    if (keyId === undefined && wanted) {
      const rows = await resealDirectory(directory, wanted.keys, { plain: true });
      output.err(`The backup was in plain text; ${rows} rows were encrypted with key ${wanted.keys[0].id}.`);
    }
    return cipherOf(directory, env);
  } catch (error) {
    throw new CliError(`The backup cannot be opened: ${(error as Error).message.replace(`${directory} is`, 'it is')}.`);
  }
}

/**
 * `portcullis restore FILE --data DIRECTORY`: a backup into a directory that is empty or not there. 0 it is there and its
 * ledger is proven; 1 the backup was changed or its ledger is not whole, 2 it could not be read. Then nothing is there.
 */
export async function restore(
  file: string,
  options: RestoreOptions,
  output: Output,
  { env = process.env }: { env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const data = resolve(options.data);
  if (existsSync(data) && readdirSync(data).length > 0)
    throw new CliError(`${data} is not empty, and nothing is restored over what is there. Choose another with --data.`);
  if (!existsSync(dirname(data))) throw new CliError(`${dirname(data)} is not there; make it first (mkdir -m 700).`);
  const found = await openWithManifest(resolve(file), 'backup', BackupManifest);
  const table = env.PORTCULLIS_LEDGER_TABLE ?? 'portcullis-ledger';
  // Beside its place and into it at once, so that no gate ever starts with half a store.
  const beside = mkdtempSync(join(dirname(data), `.${basename(data)}-`));
  try {
    for (const each of found.manifest.files) await unpack(found, each, beside);
    await found.close();
    const cipher = await cipherFor(beside, env, output);
    if (!found.manifest.stoppedCleanly) {
      // As the gate itself does at its start after it was killed.
      const keyFile = join(beside, CHECKPOINT_KEY);
      const now = () => new Date().toISOString();
      const writer = openCheckpointWriter({ directory: join(beside, 'checkpoints'), keyFile, cipher, now });
      const covered = new Map(writer.covered());
      let unsigned = 0;
      async function* items() {
        for await (const item of storedItems(join(beside, 'dynamodb'), table, cipher)) {
          const record = recordIn(item);
          if (record && record.sequence > (covered.get(record.stream) ?? 0)) unsigned += 1;
          yield item;
        }
      }
      await signWhatIsLeft(writer, items());
      // At most those of its last minute. Many mean that somebody took checkpoints away.
      if (unsigned > 0) output.err(`${unsigned} records were in no checkpoint yet, and were signed now.`);
    }
    if (!(await proveLedger(beside, { table, cipher }, output))) {
      output.err(
        'NOT RESTORED: the ledger in the backup is not whole. "portcullis incident" keeps what is there as evidence.',
      );
      return EXIT.violations;
    }
    // The mark of an unclean stop: at its start the gate looks for what happened meanwhile.
    writeFileSync(join(beside, 'runtime.pid'), '0', { mode: 0o600 });
    if (existsSync(data)) rmdirSync(data);
    renameSync(beside, data);
    output.out(
      `The store of ${found.manifest.createdAt} is in ${data}, proven. What happened since is not in it; the gate looks for it at its start.`,
    );
    return EXIT.fine;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
