import { once } from 'node:events';
import { copyFileSync, createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listStreams } from '../shared/aws/audit.ts';
import { type LedgerItem, readWholeStream } from '../shared/aws/ledger.ts';
import { WHOLE_TRAIL } from '../shared/model/trail-scope.ts';
import { noteExport } from './note-export.ts';
import { CliError, EXIT, type Output } from './output.ts';
import { type WitnessOptions, witnessesFor } from './witnesses.ts';

const VERIFIER = fileURLToPath(new URL('../verifier/verify.mjs', import.meta.url));

/** A record in its own bytes, which are what was signed. What cannot stand in a line goes in as a text, and is no record. */
export function exportedLine({ pk, sk, hash, text }: Pick<LedgerItem, 'pk' | 'sk' | 'hash' | 'text'>): string {
  const keys = `{"pk":${JSON.stringify(pk)},"sk":${JSON.stringify(sk)},"hash":${JSON.stringify(hash)}`;
  return /^\{[^\n\r]*\}$/.test(text) ? `${keys},"record":${text}}` : `${keys},"unreadable":${JSON.stringify(text)}}`;
}

async function write(path: string, lines: AsyncIterable<string> | Iterable<string>): Promise<number> {
  const file = createWriteStream(path, { mode: 0o600, flags: 'wx' });
  await once(file, 'open');
  let count = 0;
  for await (const line of lines) {
    count += 1;
    if (!file.write(`${line}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return count;
}

/** Everything that an auditor needs to prove the trail on a machine of their own: records, checkpoints, key, verifier. */
export async function exportDirectory(directory: string, options: WitnessOptions, output: Output): Promise<number> {
  const { services, lines, readKey } = await witnessesFor(options);
  const path = (name: string) => join(directory, name);
  for (const name of ['trail.jsonl', 'checkpoints.jsonl'])
    if (existsSync(path(name))) throw new CliError(`${path(name)} is there already. Choose an empty directory.`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(path('public-key.pem'), await readKey(), { mode: 0o600 });
  copyFileSync(VERIFIER, path('verify.mjs'));
  // Before the records: what is signed is then among them, and what is not is too new.
  const checkpoints = await write(path('checkpoints.jsonl'), lines());
  const streams = await listStreams(services);
  async function* trail(): AsyncGenerator<string> {
    for (const stream of streams) for await (const item of readWholeStream(services, stream)) yield exportedLine(item);
  }
  const records = await write(path('trail.jsonl'), trail());
  const noted = await noteExport(services, {
    format: 'directory',
    scope: WHOLE_TRAIL,
    records,
    sha256: null,
    pseudonymised: false,
  });
  output.err(
    `${records} records of ${streams.length} streams and ${checkpoints} checkpoints exported to ${directory}. Verify them with: node ${path('verify.mjs')} ${directory}`,
  );
  if (!noted.recorded) output.err(`NOT RECORDED in the ledger: ${noted.reason}`);
  return records === 0 ? EXIT.couldNotCheck : EXIT.fine;
}
