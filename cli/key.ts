import { randomBytes } from 'node:crypto';
import { readKeyFile, writeKeyFile } from '../local/key-file.ts';
import { type EncryptionKey, encryptionKeyId, MalformedKeyError } from '../shared/model/encryption-key.ts';
import { CliError, EXIT, type Output } from './output.ts';

function newKey(now: string): EncryptionKey {
  const bytes = randomBytes(32);
  return { id: encryptionKeyId(bytes), bytes, createdAt: now.slice(0, 10) };
}

const written = (path: string, keys: readonly EncryptionKey[], fresh: boolean) => {
  try {
    writeKeyFile(path, keys, { fresh });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliError(
      code === 'EEXIST'
        ? `${path} is there already, and what its keys open would be lost. To replace the active key: portcullis key rotate ${path}`
        : `${path} cannot be written: ${message}`,
    );
  }
};

/**
 * `portcullis key generate`: 32 random bytes in base64, to a file with mode 600, or to whoever reads the output:
 * `export PORTCULLIS_ENCRYPTION_KEY="$(portcullis key generate)"`. On a terminal it would stay on the screen.
 */
export async function keyGenerate(
  { output: path }: { output?: string },
  output: Output,
  now = new Date().toISOString(),
): Promise<number> {
  if (path === undefined && output.terminal)
    throw new CliError(
      'A key does not belong on a screen. Write it to a file (--output FILE), or take it: export PORTCULLIS_ENCRYPTION_KEY="$(portcullis key generate)".',
      EXIT.usage,
    );
  const key = newKey(now);
  if (path === undefined) output.out(key.bytes.toString('base64'));
  else {
    written(path, [key], true);
    output.err(
      `Key ${key.id} is in ${path}, for its owner alone. Without it nothing can be read: keep a copy elsewhere.`,
    );
  }
  return EXIT.fine;
}

/**
 * `portcullis key rotate FILE`: a new active key before the others, which go on opening what they closed. Nothing is
 * encrypted anew here: the gate does that at its next start, when nobody else uses its directory.
 */
export async function keyRotate(path: string, output: Output, now = new Date().toISOString()): Promise<number> {
  let keys: EncryptionKey[];
  try {
    keys = readKeyFile(path);
  } catch (error) {
    if (error instanceof MalformedKeyError) throw new CliError(error.message);
    throw error;
  }
  const key = newKey(now);
  written(path, [key, ...keys], false);
  output.err(
    `Key ${key.id} is active now. Kept, to read what they encrypted: ${keys.map(({ id }) => id).join(', ')}. Start the gate again: it encrypts everything anew, and says when they are not needed any more.`,
  );
  return EXIT.fine;
}
