import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LedgerItem } from '../../shared/aws/ledger.ts';
import { BundleManifest } from '../../shared/model/bundle-manifest.ts';
import { BUNDLE_TABLES } from '../../shared/model/bundle-tables.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/model/canonical-json.ts';
import { type ChangeGroup, ChangeGroups } from '../../shared/model/change-groups.ts';
import { refOfStream } from '../../shared/model/endpoint-ref.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { publishedSchemas } from '../../shared/model/published-schemas.ts';
import { isWhole, type TrailScope } from '../../shared/model/trail-scope.ts';
import { VERSION } from '../../shared/model/version.ts';
import { bundleStyle } from '../../web/bundle-frame.ts';
import { bundleIndexPage } from '../../web/bundle-index-page.ts';
import type { Says } from '../../web/bundle-page.ts';
import { style } from '../../web/style.ts';
import { packFiles } from './pack.ts';
import { readingPages } from './reading-pages.ts';
import { spoolIn } from './spool.ts';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** A record and the line that it is in the bundle. */
export type BundledItem = Pick<LedgerItem, 'pk' | 'sk' | 'hash' | 'record'> & { line: string };

export type BundleSources = {
  scope: TrailScope;
  /** ISO 8601. */
  now: string;
  items: AsyncIterable<BundledItem>;
  /** Every checkpoint, in its line, from the first. */
  checkpoints: AsyncIterable<string> | Iterable<string>;
  /** PEM; undefined where it could not be had, and why. */
  publicKey: { pem: string } | { why: string };
  /** What comparing with CloudTrail found, to be kept as it is and told in these sentences. */
  reconciliation: { document: unknown; told: readonly string[] };
  pseudonymised: boolean;
  says: Says;
  progress?: (records: number) => void;
};

export type Bundle = { manifest: BundleManifest; manifestSha256: string; bytes: number };

const numberOf = (sk: string) => Number(/^\d{9}/.exec(sk)?.[0] ?? 0);

/** Are there the parts of a record that everything but the trail itself is made from? What somebody broke may lack them. */
const isRecord = (record: Partial<LedgerRecord>): record is LedgerRecord =>
  typeof record?.body?.kind === 'string' &&
  typeof record.body.generation === 'number' &&
  typeof record.at === 'string' &&
  typeof record.endpoint?.name === 'string' &&
  typeof record.actor?.person === 'string';

/**
 * Writes an evidence bundle: everything is written into a directory beside the archive first (only its owner can read it),
 * in one pass over the records, then packed and removed. Memory does not grow with the number of records.
 */
export async function writeBundle(archive: string, sources: BundleSources): Promise<Bundle> {
  const directory = mkdtempSync(join(dirname(resolve(archive)), `.${basename(archive)}-`));
  try {
    return await writeIn(directory, archive, sources);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeIn(directory: string, archive: string, sources: BundleSources): Promise<Bundle> {
  const { scope, now, pseudonymised } = sources;
  const spool = spoolIn(directory);
  const notIncluded: string[] = [];

  // Before the records: what is signed is then among them, and what is not is too new.
  let newest: BundleManifest['checkpoint'] = null;
  let checkpointLine = '';
  const checkpoints = spool.open('checkpoints.jsonl', 'Signed checkpoints, from the first');
  for await (const line of sources.checkpoints) {
    checkpoints.write(`${line}\n`);
    checkpointLine = line;
  }
  checkpoints.close();
  if (checkpointLine === '') notIncluded.push('Checkpoints: there is none yet, so nothing can be proven.');
  else {
    const { number, at, total } = (JSON.parse(checkpointLine) as { checkpoint: NonNullable<typeof newest> }).checkpoint;
    newest = { number, at, total, sha256: sha256(checkpointLine) };
  }
  if ('pem' in sources.publicKey)
    spool.put('public-key.pem', 'The public key that checkpoints are signed with', sources.publicKey.pem);
  else notIncluded.push(`The public key: ${sources.publicKey.why}`);
  spool.put(
    'verify.mjs',
    'Proves the trail; needs Node and nothing else',
    readFileSync(root('verifier/verify.mjs'), 'utf8'),
  );

  const trail = spool.open('trail.jsonl', 'Every record, one a line, with its keys and its hash');
  const facts = spool.open('facts.jsonl', 'The facts that decisions rest on, as they were read, one reading a line');
  const tables = BUNDLE_TABLES.map((table) => ({ ...table, out: spool.open(table.file, table.what) }));
  for (const { out, headings } of tables) out.write(`${headings}\r\n`);
  const pages = readingPages(spool, sources.says);
  const groups = new ChangeGroups();
  const ranges: { stream: string; first: number; last: number }[] = [];
  const named = new Set<string>();
  const kept = new Set<string>();
  let [records, changes, unread] = [0, 0, 0];

  const tell = (group: ChangeGroup) => {
    if (!group.continued) changes += 1;
    for (const { out, rows } of tables) for (const row of rows(group)) out.write(`${row}\r\n`);
    pages.add(group);
  };
  for await (const { pk, sk, hash, record, line } of sources.items) {
    records += 1;
    if (records % 10_000 === 0) sources.progress?.(records);
    trail.write(`${line}\n`);
    const sequence = numberOf(sk);
    const range = ranges.at(-1);
    if (range?.stream !== pk) ranges.push({ stream: pk, first: sequence, last: sequence });
    else {
      range.first = Math.min(range.first, sequence);
      range.last = Math.max(range.last, sequence);
    }
    const ref = refOfStream(pk);
    if (!ref || !isRecord(record)) {
      unread += 1;
      continue;
    }
    const { body, at } = record;
    if (body.kind === 'settings-kept' && body.what && digestOf(body.document) === body.digest) {
      const folder = body.what === 'limits' ? 'settings' : 'prices';
      const name = `${folder}/${body.digest}`;
      if (!kept.has(name)) {
        kept.add(name);
        spool.put(`${name}.json`, `The ${body.what} that decisions name by this digest`, canonicalJson(body.document));
        if (body.statements)
          spool.put(
            `policies/${body.digest}.json`,
            'The sentence of each policy under these limits',
            `${JSON.stringify(body.statements, null, 2)}\n`,
          );
      }
    }
    // Only endpoints and plans have changes.
    if (ref.about) continue;
    if ((body.kind === 'change-opened' || body.kind === 'monitoring-verified') && body.facts)
      facts.write(
        `${JSON.stringify({ stream: pk, sequence, record: hash, generation: body.generation, at, facts: body.facts })}\n`,
      );
    if (body.kind === 'findings') {
      named.add(`settings/${body.policyDigest}`);
      named.add(`prices/${body.priceDigest}`);
    }
    for (const group of groups.add(pk, record)) tell(group);
  }
  for (const group of groups.end()) tell(group);
  trail.close();
  facts.close();
  for (const { out } of tables) out.close();
  const streams = pages.end();

  for (const name of named)
    if (!kept.has(name)) notIncluded.push(`${name}.json: decisions name it, and it was never put on record.`);
  if (unread > 0) notIncluded.push(`${unread} records that cannot be read are in trail.jsonl only.`);
  if (!isWhole(scope))
    spool.put(
      'ranges.jsonl',
      'Which records of which streams are in this bundle, which is a part of the trail',
      ranges.map((range) => `${JSON.stringify(range)}\n`).join(''),
    );
  for (const name of ['agentops-deployment-policies.md', 'deployment-policy.md', 'security-policy.md'])
    spool.put(`policies/${name}`, 'A policy document', readFileSync(root(`docs/policies/${name}`), 'utf8'));
  for (const { file, text } of publishedSchemas()) spool.put(`schema/${file}`, 'JSON Schema', text);
  spool.put(
    'reconciliation.json',
    'The comparison with CloudTrail, or why there is none',
    `${JSON.stringify(sources.reconciliation.document, null, 2)}\n`,
  );
  spool.put('style.css', 'How the pages look', style + bundleStyle);

  const about = {
    schema: 1,
    kind: 'portcullis-evidence-bundle',
    product: { name: 'portcullis', version: VERSION },
    createdAt: now,
    scope,
    pseudonymised,
    streams: ranges.length,
    records,
    changes,
    checkpoint: newest,
    notIncluded,
  } as const;
  const notPages = spool.files().filter(({ path }) => !/^(endpoints|plans)\/|\.css$/.test(path));
  const index = { manifest: about, files: notPages, streams, reconciliation: sources.reconciliation.told };
  spool.put('index.html', 'Start here', `${bundleIndexPage({ ...index, manifest: { ...about, notIncluded } })}`);
  const manifest = BundleManifest.parse({ ...about, files: spool.files() });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const { bytes } = spool.put('manifest.json', 'This list', text);
  await packFiles(directory, [{ path: 'manifest.json', bytes }, ...manifest.files], archive, new Date(now));
  return {
    manifest,
    manifestSha256: sha256(text),
    bytes: statSync(archive).size,
  };
}
