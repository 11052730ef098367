import { type EncryptionKey, MalformedKeyError, parseEncryptionKeys } from '../shared/model/encryption-key.ts';
import { readKeyFile } from './key-file.ts';

export type EncryptionKeys = [EncryptionKey, ...EncryptionKey[]];
/** Keys, the one that seals first, and which variable they came from (with the file that it names). */
export type EncryptionSettings = { keys: EncryptionKeys; from: string };

const [TOGGLE, KEY, FILE] = [
  'PORTCULLIS_ENCRYPTION_AT_REST',
  'PORTCULLIS_ENCRYPTION_KEY',
  'PORTCULLIS_ENCRYPTION_KEY_FILE',
] as const;

/** The keys that an environment gives, whatever it says of their use; undefined where it gives none. Throws MalformedKeyError. */
export function givenKeys(env: NodeJS.ProcessEnv): EncryptionSettings | undefined {
  const [text, path] = [env[KEY], env[FILE]];
  if (text && path) throw new MalformedKeyError(`${KEY} and ${FILE} are both set: take one away`);
  if (path) return { keys: readKeyFile(path), from: `${FILE} (${path})` };
  return text ? { keys: parseEncryptionKeys(text, KEY), from: KEY } : undefined;
}

/**
 * What an environment wants of the store on this machine: undefined where it is not to be encrypted. Throws
 * MalformedKeyError where that is not clear: who gives a key believes that it is used.
 */
export function encryptionFrom(env: NodeJS.ProcessEnv): EncryptionSettings | undefined {
  const toggle = env[TOGGLE];
  if (toggle !== undefined && toggle !== 'true' && toggle !== 'false')
    throw new MalformedKeyError(`${TOGGLE}: ${JSON.stringify(toggle.slice(0, 80))}: must be true or false`);
  if (toggle === 'false') return undefined;
  const given = givenKeys(env);
  if (toggle === 'true' && !given)
    throw new MalformedKeyError(
      `${TOGGLE} is true, and there is no key. Make one (portcullis key generate --output portcullis.key) and name it in ${FILE}`,
    );
  if (toggle === undefined && given)
    throw new MalformedKeyError(
      `${given.from} gives a key, and ${TOGGLE} does not say what for: set it to true, or to false for a store in plain text`,
    );
  return given;
}

/** What keeps a gate from starting with this environment, said with everything else that does. */
export function problemsWithEncryption(env: NodeJS.ProcessEnv): string[] {
  // What is neither true nor false is told of with the other variables.
  if (!['true', 'false', undefined].includes(env[TOGGLE])) return [];
  try {
    encryptionFrom(env);
    return [];
  } catch (error) {
    return [`environment: ${(error as Error).message}`];
  }
}
