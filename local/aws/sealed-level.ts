import { ClassicLevel } from 'classic-level';
import { type RowCipher, SealedRowError } from '../../shared/model/row-cipher.ts';
import { nameOnDisk, openedRow, sealedRow } from './level-rows.ts';

type Options = Record<PropertyKey, unknown>;
type Operation = { type: 'put' | 'del'; key: string; value?: string | Uint8Array };
type Entry = [key: string, value: string | Uint8Array | undefined];
type NativeIterator = {
  _next: () => Promise<Entry | undefined>;
  _nextv: (size: number, options: Options) => Promise<Entry[]>;
};
/** What abstract-level asks of a database, with keys and values as they are stored. */
type Native = {
  _get: (key: string, options: Options) => Promise<string | Uint8Array | undefined>;
  _getSync: (key: string, options: Options) => string | Uint8Array | undefined;
  _put: (key: string, value: string | Uint8Array, options: Options) => Promise<void>;
  _del: (key: string, options: Options) => Promise<void>;
  _batch: (operations: Operation[], options: Options) => Promise<void>;
  _iterator: (options: Options) => NativeIterator;
};

const native = ClassicLevel.prototype as unknown as Native;

/** What is asked for is in memory, here or in that of the system: a thread of its own to read it would take far longer. */
const read = (database: Native, key: string, options: Options) => native._getSync.call(database, key, options);

/** dynalite answers an error with a status and goes on, and falls over at any other. */
function refuse(error: unknown): never {
  const { message } = error as Error;
  console.error(`The store cannot be read: ${message}`);
  const body = { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message };
  throw Object.assign(error as Error, { statusCode: 500, body });
}

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const;

function sealed(cipher: RowCipher): Omit<Native, '_getSync'> {
  const opened = (name: string, value: string | Uint8Array | undefined) => {
    if (value === undefined) return undefined;
    try {
      return openedRow(cipher, name, value as Uint8Array).value;
    } catch (error) {
      return refuse(error);
    }
  };
  const asBytes = (options: Options) => ({ ...options, valueEncoding: 'buffer' });
  const nameOf = (key: string) => nameOnDisk(cipher, key);
  return {
    async _get(this: Native, key, options) {
      const name = nameOf(key);
      return opened(name, read(this, name, asBytes(options)));
    },
    async _put(this: Native, key, value, options) {
      const { key: name, value: envelope } = sealedRow(cipher, key, value);
      return native._put.call(this, name, envelope, options);
    },
    async _del(this: Native, key, options) {
      return native._del.call(this, nameOf(key), options);
    },
    async _batch(this: Native, operations, options) {
      const all = operations.map((operation) =>
        operation.type === 'put'
          ? { ...operation, ...sealedRow(cipher, operation.key, operation.value ?? '') }
          : { ...operation, key: nameOf(operation.key) },
      );
      return native._batch.call(this, all, options);
    },
    _iterator(this: Native, options) {
      const bounds = BOUNDS.flatMap((bound) =>
        typeof options[bound] === 'string' ? [[bound, nameOf(options[bound])]] : [],
      );
      // The value opens with its key only, so that is always read too.
      const iterator = native._iterator.call(this, {
        ...asBytes(options),
        ...Object.fromEntries(bounds),
        keys: true,
      });
      const { _next, _nextv } = iterator;
      const open = ([key, value]: Entry): Entry => [key, options.values === false ? undefined : opened(key, value)];
      iterator._next = async () => {
        const entry = await _next.call(iterator);
        return entry && open(entry);
      };
      iterator._nextv = async (size, more) => (await _nextv.call(iterator, size, more)).map(open);
      return iterator;
    },
  };
}

/** What an encrypted value looks like where UTF-8 was expected; ours are JSON, which never begins so. */
const UNREADABLE = '\uFFFD';

/** Refuses encrypted rows, which dynalite would take for damaged, and remove. */
const plain: Pick<Native, '_get'> = {
  async _get(this: Native, key, options) {
    const value = read(this, key, options);
    if (typeof value !== 'string' || !value.startsWith(UNREADABLE)) return value;
    return refuse(new SealedRowError(`${key.slice(0, 60)}: is encrypted, and no key was given`));
  },
};

/** What goes around the hooks above; nobody uses it, and nobody is to begin without a thought of this. */
const AROUND = ['_getSync', '_getMany', '_has', '_hasMany', '_chainedBatch'].map((name) => [
  name,
  () => {
    throw new Error(`The store has no ${name}, which would go around encryption.`);
  },
]);

/** A LevelDB database whose values are sealed, and whose hash keys are hidden, where there is a cipher. */
export function openLevel(path: string, cipher: RowCipher | undefined): ClassicLevel<string, unknown> {
  const database = new ClassicLevel<string, unknown>(path, { valueEncoding: 'json' });
  return Object.assign(database, Object.fromEntries(AROUND), cipher ? sealed(cipher) : plain);
}
