// One side of bench/ledger.ts in a process of its own: `hash` reads an export and hashes its bytes, `verify` proves it.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
// @ts-expect-error plain JavaScript, since auditors run it as it is
import { keysIn, linesOf, verify } from '../verifier/verify.mjs';

const [what, directory = '.'] = process.argv.slice(2);
const path = (name: string) => join(directory, name);
const started = performance.now();
let found = 0;
let records = 0;
if (what === 'hash') {
  for (const name of ['checkpoints.jsonl', 'trail.jsonl']) {
    const [file, hash, chunk] = [openSync(path(name), 'r'), createHash('sha256'), Buffer.allocUnsafe(1 << 20)];
    for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) hash.update(chunk.subarray(0, size));
    hash.digest();
    closeSync(file);
  }
} else {
  ({ records } = verify({
    trail: () => linesOf(path('trail.jsonl')),
    checkpoints: () => linesOf(path('checkpoints.jsonl')),
    keys: keysIn(readFileSync(path('public-key.pem'), 'utf8')),
    found: () => {
      found += 1;
    },
  }));
}
const { user, system } = process.cpuUsage();
const { maxRSS } = process.resourceUsage();
const ms = performance.now() - started;
console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1_000, maxRssMb: maxRSS / 1_024, records, found }));
