import { publicKeysIn, verifyChain } from '../shared/model/checkpoint.ts';
import { CliError, EXIT, type Output } from './output.ts';
import { type WitnessOptions, witnessesFor } from './witnesses.ts';

/**
 * `audit checkpoint`: the newest checkpoint in its one line, to be given to somebody who keeps it, or the public key that
 * it is signed with. It is printed only where the whole chain up to it is good.
 */
export async function auditCheckpoint(options: WitnessOptions & { key?: boolean }, output: Output): Promise<number> {
  const { lines, readKey } = await witnessesFor(options);
  const pem = await readKey();
  if (options.key) {
    output.out(pem.trimEnd());
    output.err(`SHA-256 of the key: ${[...publicKeysIn(pem).keys()].join(', ')}`);
    return EXIT.fine;
  }
  let newest: string | undefined;
  async function* remembered(): AsyncGenerator<string> {
    for await (const line of lines()) {
      newest = line;
      yield line;
    }
  }
  const { problems, end } = await verifyChain(remembered(), publicKeysIn(pem));
  if (newest === undefined)
    throw new CliError('There is no checkpoint yet: one is made a minute after something was recorded.');
  for (const { checkpoint, problem } of problems) output.err(`BROKEN  checkpoint ${checkpoint} ${problem}.`);
  if (problems.length > 0) return EXIT.violations;
  output.out(newest);
  output.err(`Checkpoint ${end.number} of ${end.at}, ${end.total} records. SHA-256 of the line: ${end.hash}`);
  return EXIT.fine;
}
