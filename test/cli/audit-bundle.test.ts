import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BundleSources, writeBundle } from '../../cli/bundle/write-bundle.ts';
import { BundleManifest } from '../../shared/model/bundle-manifest.ts';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { pseudonyms } from '../../shared/model/pseudonym.ts';
import { RangeFinder, type TrailScope, WHOLE_TRAIL } from '../../shared/model/trail-scope.ts';
import { digestsOf, judge, limitsOf } from '../../shared/policies/judge.ts';
import {
  endpoint,
  facts,
  given,
  instanceVariant,
  later,
  NOW,
  opened,
  openedPlan,
  outcome,
  person,
  prices,
  records,
  requested,
  settings,
  type Written,
} from '../builders.ts';
import { bundleSources, itemOf } from '../bundle-sources.ts';
import { unzip } from '../infra/zip.ts';

const EVIL = "=cmd|'/c calc'!A1 <script>alert(1)</script> \u001b[2J\u202e mallory";
const directory = mkdtempSync(join(tmpdir(), 'portcullis-bundle-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const judged = (read = facts(), generation = 1) =>
  judge({ opened: opened(generation, read), settings: settings(), plans: undefined, at: NOW });
const at = (ref: LedgerRecord['endpoint'], ...written: Written[]) => {
  let previous: LedgerRecord | undefined;
  return records(...written).map((record) => {
    const [moved = record] = [
      { ...record, endpoint: ref, previous: previous ? itemOf(previous).hash : record.previous },
    ];
    previous = moved;
    return moved;
  });
};
const small = facts({ variants: [instanceVariant({ minInstances: 1, maxInstances: 1 })] });
const { policyDigest, priceDigest } = digestsOf(settings());
const kept = (what: 'limits' | 'prices', digest: string, document: object) =>
  at(
    { ...endpoint, name: `${what}-${digest.slice(0, 40)}`, about: 'settings' },
    { kind: 'settings-kept', generation: 1, what, digest, document: document as never, version: '0.1.0' },
  );
const streams = () => [
  at(
    endpoint,
    { body: opened(), actor: person('mallory') },
    judged(),
    requested(),
    { body: given({ reason: EVIL }), id: 'approval#r#asha', actor: person('asha') },
    outcome(1, 'approved', { requesters: ['mallory'], reason: 'approved by asha' }),
    { body: opened(2, small), at: later(86_400) },
    { body: judged(small, 2), at: later(86_400) },
    { body: outcome(2, 'blocked', { violations: ['prod-min-instances'] }), at: later(86_460) },
  ),
  at({ ...endpoint, name: 'other-prod' }, opened(1, small), judged(small), outcome(1, 'blocked')),
  at({ ...endpoint, planned: true }, openedPlan()),
  kept('limits', policyDigest, limitsOf(settings())),
  kept('prices', priceDigest, prices),
];

type Unpacked = {
  folder: string;
  files: Map<string, Buffer>;
  manifest: BundleManifest;
  text: (path: string) => string;
};
async function bundle(name: string, sources: BundleSources): Promise<Unpacked> {
  const archive = join(directory, `${name}.zip`);
  const { manifest } = await writeBundle(archive, sources);
  const files = unzip(readFileSync(archive));
  const folder = join(directory, name);
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return { folder, files, manifest, text: (path) => files.get(path)?.toString('utf8') ?? '' };
}
function verified(folder: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'verify.mjs'), folder], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
/** The same bundle with one file changed, which is put back afterwards. */
function changed<T>({ folder, files }: Unpacked, path: string, change: (text: string) => string, look: () => T): T {
  const before = files.get(path) ?? Buffer.alloc(0);
  writeFileSync(join(folder, path), change(before.toString('utf8')));
  try {
    return look();
  } finally {
    writeFileSync(join(folder, path), before);
  }
}

describe('a bundle of everything', () => {
  let whole: Unpacked;
  beforeAll(async () => {
    whole = await bundle('whole', bundleSources(streams()));
  });

  test('has what an auditor reads, and what proves it', () => {
    expect([...whole.files.keys()]).toEqual(
      expect.arrayContaining([
        ...['manifest.json', 'index.html', 'style.css', 'trail.jsonl', 'facts.jsonl', 'checkpoints.jsonl'],
        ...['changes.csv', 'findings.csv', 'approvals.csv', 'public-key.pem', 'verify.mjs', 'reconciliation.json'],
        ...['policies/agentops-deployment-policies.md', 'schema/ledger-record.schema.json'],
        ...[`settings/${policyDigest}.json`, `prices/${priceDigest}.json`],
        'endpoints/111122223333/us-east-1/fraud-prod.html',
        'plans/111122223333/us-east-1/fraud-prod.html',
      ]),
    );
    expect(whole.files.has('ranges.jsonl')).toBe(false);
    expect(whole.manifest).toMatchObject({
      records: 14,
      streams: 5,
      changes: 4,
      notIncluded: [],
      pseudonymised: false,
    });
  });

  test('lists every file with its SHA-256, and the limits under their digest', () => {
    const listed = BundleManifest.parse(JSON.parse(whole.text('manifest.json')));
    expect(listed).toEqual(whole.manifest);
    expect(listed.files.map(({ path }) => path).sort()).toEqual(
      [...whole.files.keys()].filter((path) => path !== 'manifest.json').sort(),
    );
    for (const { path, sha256: digest, bytes } of listed.files)
      expect({ path, digest, bytes }).toEqual({
        path,
        digest: sha256(whole.text(path)),
        bytes: whole.files.get(path)?.length,
      });
    expect(whole.text(`settings/${policyDigest}.json`)).toBe(canonicalJson(limitsOf(settings())));
  });

  test('is for its owner alone, and leaves nothing else behind', () => {
    expect(statSync(join(directory, 'whole.zip')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('is proven by the verifier in it', () => {
    expect(verified(whole.folder)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Whole: 14 records are exactly those that were signed.'),
    });
  });

  test.each<[string, string, (text: string) => string, string]>([
    ['a record', 'trail.jsonl', (text) => text.replace('"mallory"', '"innocent"'), 'record 1 is not the record'],
    ['a page', 'index.html', (text) => text.replace('records', 'record'), 'file index.html is not the file'],
    ['limits', `settings/${policyDigest}.json`, (text) => `${text} `, 'does not have the digest'],
  ])('is refused where %s was changed', (_what, path, change, told) => {
    const { status, stdout } = changed(whole, path, change, () => verified(whole.folder));
    expect(status).toBe(1);
    expect(stdout).toContain(told);
  });

  test('shows what people wrote as text: in pages, in tables and on a terminal', () => {
    for (const [path, bytes] of whole.files) {
      if (!/\.(html|csv)$/.test(path)) continue;
      const text = bytes.toString('utf8');
      for (const steering of ['\u001b', '\u202e', ...(path.endsWith('.html') ? ['<script'] : [])])
        expect(text.includes(steering), path).toBe(false);
      expect(text, path).not.toMatch(/(^|,)"?[=+@]/m);
    }
    expect(whole.text('approvals.csv')).toContain(`"'=cmd|`);
    expect(whole.text('endpoints/111122223333/us-east-1/fraud-prod.html')).toContain('&lt;script&gt;');
  });

  test('pages lead to each other without a network, and only to files that are there', () => {
    let links = 0;
    for (const [path, bytes] of whole.files) {
      if (!path.endsWith('.html')) continue;
      for (const [, to = ''] of bytes.toString('utf8').matchAll(/(?:href|src)="([^"]*)"/g)) {
        if (to.startsWith('#')) continue;
        links += 1;
        expect([...whole.files.keys()], `${path} -> ${to}`).toContain(join(dirname(path), to));
      }
    }
    expect(links).toBeGreaterThan(20);
  });

  test('one line for each change, each finding and each answer', () => {
    const lines = (path: string) => whole.text(path).trimEnd().split('\r\n');
    expect(lines('changes.csv')).toHaveLength(1 + 4);
    expect(lines('findings.csv')).toHaveLength(1 + judged().findings.length + 2 * judged(small).findings.length);
    expect(lines('approvals.csv')).toHaveLength(1 + 1);
    expect(whole.text('facts.jsonl').trimEnd().split('\n')).toHaveLength(4);
  });
});

/** The records of these streams that belong to a part, as they are read for it. */
const partOf = (scope: TrailScope, list: LedgerRecord[][]) =>
  list.flatMap((stream) => {
    const [first] = stream;
    const finder = new RangeFinder(first ? itemOf(first).pk : '', scope);
    for (const record of stream) finder.see(record.sequence, record);
    const range = finder.range();
    return range ? [stream.filter(({ sequence }) => sequence >= range.first && sequence <= range.last)] : [];
  });

describe('a bundle of a part', () => {
  const scope = { ...WHOLE_TRAIL, from: later(86_400) };
  let part: Unpacked;
  beforeAll(async () => {
    const all = bundleSources(streams());
    const chosen = bundleSources(partOf(scope, streams()));
    part = await bundle('part', { ...all, items: chosen.items, scope });
  });

  test('has whole changes, and the limits and prices that they name', () => {
    expect(part.text('ranges.jsonl')).toContain(
      '{"stream":"endpoint#111122223333#us-east-1#fraud-prod","first":6,"last":8}',
    );
    expect(part.manifest).toMatchObject({ records: 5, streams: 3, changes: 1, notIncluded: [] });
  });
  test('is proven as a part, and says that it is one', () => {
    expect(verified(part.folder)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('It is a part: of 14 records that were signed, those of 3 streams'),
    });
  });
  test.each<[string, (text: string) => string, string]>([
    ['a record was left out', (text) => text.replace(/^.*"sequence":7\}\}\n/m, ''), 'record 7 is missing'],
    ['its first record was left out', (text) => text.replace(/^.*"sequence":6\}\}\n/m, ''), 'record 6 is missing'],
    ['its last record was left out', (text) => text.replace(/^.*"sequence":8\}\}\n/m, ''), 'record 8 is missing'],
  ])('is refused where %s', (_what, change, told) => {
    const { status, stdout } = changed(part, 'trail.jsonl', change, () => verified(part.folder));
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining(told) });
  });
});

describe('a bundle with pseudonyms', () => {
  let hidden: Unpacked;
  beforeAll(async () => {
    const { record, of } = pseudonyms('k'.repeat(32), [['asha'], ['ben']]);
    expect(of('mallory')).toMatch(/^person-/);
    const sources = bundleSources(streams());
    async function* replaced() {
      for await (const item of sources.items) {
        const other = record(item.record);
        const line = item.line.replace(/,"record":.*$/, `,"pseudonymised":${canonicalJson(other)}}`);
        yield { ...item, record: other, line };
      }
    }
    hidden = await bundle('hidden', { ...sources, items: replaced(), pseudonymised: true });
  });

  test('names nobody in any file', () => {
    expect(hidden.files.size).toBeGreaterThan(15);
    for (const [path, bytes] of hidden.files)
      expect(bytes.toString('utf8').match(/.{20}(mallory|asha)/i)?.[0], path).toBeUndefined();
  });
  test('proves that the records exist in their order, and says that what they say is not proven', () => {
    const { status, stdout } = verified(hidden.folder);
    expect({ status, stdout }).toEqual({
      status: 2,
      stdout: expect.stringContaining('Persons are replaced in 14 records'),
    });
    expect(stdout).not.toContain('BROKEN');
  });
  test('still names a record that is missing', () => {
    const without = (text: string) => text.replace(/^.*"sequence":3\}\}\n/m, '');
    expect(changed(hidden, 'trail.jsonl', without, () => verified(hidden.folder))).toMatchObject({ status: 1 });
  });
});
