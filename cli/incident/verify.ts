import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { FileEntry } from '@zip.js/zip.js';
import { IncidentManifest } from '../../shared/model/incident-manifest.ts';
import { openWithManifest } from '../bundle/archive.ts';
import { EXIT, type Output, visible } from '../output.ts';
import { PROJECT } from '../security-audit.ts';

const LEDGER = ['trail.jsonl', 'checkpoints.jsonl', 'public-key.pem'] as const;

/** The SHA-256 of what is in an entry, which may be longer than memory. */
async function sumOf(entry: FileEntry): Promise<string> {
  const hash = createHash('sha256');
  await entry.getData(new WritableStream({ write: (chunk: Uint8Array) => void hash.update(chunk) }));
  return hash.digest('hex');
}

/** Proves the ledger of the archive with the verifier of this installation, not with the one that came with it. */
async function proveLedger(entries: ReadonlyMap<string, FileEntry>, output: Output): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-verify-'));
  try {
    for (const name of LEDGER) {
      const entry = entries.get(`ledger/${name}`);
      if (!entry) {
        output.err(`NOT VERIFIED: there is no ledger/${name}, so the ledger cannot be proven.`);
        return EXIT.couldNotCheck;
      }
      await entry.getData(Writable.toWeb(createWriteStream(join(directory, name), { mode: 0o600 })));
    }
    const run = spawnSync(process.execPath, [join(PROJECT, 'verifier/verify.mjs'), directory], { encoding: 'utf8' });
    for (const line of run.stdout.trimEnd().split('\n')) output.out(`ledger: ${visible(line)}`);
    return run.status ?? EXIT.couldNotCheck;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `portcullis incident verify FILE`: 0 every file is what the manifest says and the ledger is proven, 1 not, 2 could not. */
export async function incidentVerify(path: string, output: Output): Promise<number> {
  const wrong: string[] = [];
  const { entries, manifest, twice, close } = await openWithManifest(path, 'incident archive', IncidentManifest);
  if (twice) wrong.push('a name stands in the archive twice');
  for (const { path: name, sha256 } of manifest.files) {
    const entry = entries.get(name);
    if (!entry) wrong.push(`${name} is missing`);
    else if ((await sumOf(entry).catch(() => 'unreadable')) !== sha256)
      wrong.push(`${name} is not what the manifest says: it was changed`);
  }
  const listed = new Set(['manifest.json', ...manifest.files.map((file) => file.path)]);
  for (const name of entries.keys()) if (!listed.has(name)) wrong.push(`${name} is not in the manifest: it was added`);
  for (const what of wrong) output.out(`WRONG  ${visible(what)}`);
  if (wrong.length === 0)
    output.out(`${manifest.files.length} files of ${manifest.createdAt} are what the manifest says.`);
  for (const what of manifest.notIncluded) output.err(`NOT INCLUDED: ${visible(what)}`);
  const proven = await proveLedger(entries, output);
  await close();
  return wrong.length > 0 ? EXIT.violations : proven;
}
