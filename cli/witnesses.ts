import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLines, readPublicKey } from '../shared/aws/checkpoints.ts';
import type { Services } from '../shared/aws/services.ts';
import { linesIn } from '../shared/lines-in.ts';
import { type AwsOptions, accountOf, archiveBucketOf, servicesFor } from './context.ts';
import { CliError } from './output.ts';

export type WitnessOptions = AwsOptions & { checkpoints?: string; publicKey?: string };

/** What speaks for the ledger besides itself: checkpoints with their key, and on AWS the sealed copies. */
export type Witnesses = {
  services: Services;
  /** Every checkpoint, from the first. */
  lines: () => AsyncIterable<string> | Iterable<string>;
  /** PEM: the public key, or the keys, of whoever signs. */
  readKey: () => Promise<string>;
  /** Whether sealed copies are kept at all. */
  sealed: boolean;
};

const messageOf = (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`;

/** Where the runtime on this machine keeps its checkpoints. */
async function localDirectory(): Promise<string> {
  const url = `${process.env.AWS_ENDPOINT_URL}/_loopback/checkpoints`;
  const response = await fetch(url).catch(() => undefined);
  if (!response?.ok)
    throw new CliError(`Nothing listens at ${process.env.AWS_ENDPOINT_URL}. Start the runtime with "portcullis up".`);
  return ((await response.json()) as { directory: string }).directory;
}

/** Checkpoints in a directory: that of the runtime, or of an export. */
function inDirectory(directory: string): Pick<Witnesses, 'lines' | 'readKey'> {
  return {
    lines: () => linesIn(join(directory, 'checkpoints.jsonl')),
    readKey: async () => {
      const path = join(directory, 'public-key.pem');
      if (!existsSync(path)) throw new CliError(`There is no ${path}.`);
      return readFileSync(path, 'utf8');
    },
  };
}

/** Finds the witnesses of the ledger that the options name. What cannot be read is found out when it is read. */
export async function witnessesFor(options: WitnessOptions): Promise<Witnesses> {
  const services = servicesFor(options);
  const pinned =
    options.publicKey === undefined ? {} : { readKey: async () => readFileSync(options.publicKey ?? '', 'utf8') };
  if (options.local) {
    const directory = options.checkpoints ?? (await localDirectory());
    return { services, ...inDirectory(directory), ...pinned, sealed: false };
  }
  // By the table that is read, so that one stage is never held against the witnesses of another.
  const [, stack] = /^(.+)-ledger$/.exec(services.config.tables.ledger) ?? [];
  if (stack === undefined) throw new CliError(`${services.config.tables.ledger} is no name of a ledger (--stage).`);
  const account = await accountOf(services);
  const config = {
    ...services.config,
    archiveBucket: archiveBucketOf(stack, { account, region: services.config.region }),
    checkpointKeyId: services.config.checkpointKeyId || `alias/${stack}-checkpoints`,
  };
  const there = { ...services, config };
  const source =
    options.checkpoints === undefined
      ? { lines: () => readLines(there), readKey: () => readPublicKey(there) }
      : inDirectory(options.checkpoints);
  return { services: there, ...source, ...pinned, sealed: true };
}

/** What something gives, or why it cannot be had. */
export async function tried<T>(read: () => Promise<T>): Promise<{ value: T } | { reason: string }> {
  try {
    return { value: await read() };
  } catch (error) {
    return { reason: error instanceof CliError ? error.message : messageOf(error) };
  }
}
