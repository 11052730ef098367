import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Listed } from '../../cli/vulnerabilities/list.ts';
import { vulnerabilities } from '../../cli/vulnerabilities.ts';
import { npmRegistry, type Published, published } from '../npm-registry.ts';
import { NOW } from '../small-project.ts';
import { printed } from './portcullis.ts';

const good = published('left-side', '1.0.0', 'export const left = () => "left";\n');
const better = published('left-side', '1.0.1', 'export const left = () => "left"; // faster\n');
const broken = published('left-side', '1.1.0', 'export const left = () => "right";\n');
const advisory = {
  id: 1,
  url: 'https://example.com/GHSA-aaaa-bbbb-cccc',
  title: 'left-side falls over',
  severity: 'high',
  vulnerable_versions: '<1.0.1',
};

let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'portcullis-update-test-'));
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** A project that uses version 1.0.0, with a test that says what it expects of it. */
function project(name: string): string {
  const root = join(parent, name);
  const own = { name, version: '1.0.0', license: 'MIT', dependencies: { 'left-side': '^1.0.0' } };
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write(
    'package.json',
    `${JSON.stringify({ ...own, private: true, type: 'module', scripts: { test: 'node test.js' } })}\n`,
  );
  const { version, integrity } = good;
  const packages = { '': own, 'node_modules/left-side': { version, integrity, license: 'MIT' } };
  write(
    'package-lock.json',
    `${JSON.stringify({ name, version: '1.0.0', lockfileVersion: 3, requires: true, packages })}\n`,
  );
  write('.npmrc', 'omit-lockfile-registry-resolved=true\n');
  write('security-audit.yaml', 'licences: [MIT]\n');
  write('test.js', "import { left } from 'left-side';\nif (left() !== 'left') throw new Error('it is not left');\n");
  write(
    'node_modules/left-side/package.json',
    JSON.stringify({ name: 'left-side', version, type: 'module', main: 'index.js' }),
  );
  write('node_modules/left-side/index.js', good.code);
  return root;
}

/** Every file below a directory with its bytes, its mode and what a link leads to. */
function fingerprint(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(root, name);
      const stats = lstatSync(path);
      const bytes = stats.isSymbolicLink() ? readlinkSync(path) : stats.isFile() ? readFileSync(path) : '';
      return `${name} ${stats.mode} ${stats.mtimeMs} ${createHash('sha256').update(bytes).digest('hex')}`;
    });
}

async function run(root: string, packages: Published[], options: object, advisories = {}) {
  const registry = await npmRegistry(packages, advisories);
  try {
    return await printed((output) => vulnerabilities(options, output, { root, env: registry.env, now: NOW }));
  } finally {
    registry.close();
  }
}

test('what is vulnerable is listed with its severity, what is known of it, and what an update would change', async () => {
  const root = project('listed');
  const before = fingerprint(root);
  const { code, out } = await run(root, [good, better], { json: true }, { 'left-side': [advisory] });
  const listed = JSON.parse(out) as Listed;
  expect(listed).toEqual({
    packages: [
      {
        name: 'left-side',
        severity: 'high',
        advisories: ['https://example.com/GHSA-aaaa-bbbb-cccc left-side falls over'],
        installed: ['1.0.0'],
        wanted: '1.0.1',
        latest: '1.0.1',
      },
    ],
    changes: [{ name: 'left-side', path: 'node_modules/left-side', from: '1.0.0', to: '1.0.1' }],
    unchecked: [],
  });
  expect(code).toBe(1);
  expect(fingerprint(root)).toEqual(before);
});

test('an update that breaks the tests leaves lock file and tree as they were, byte for byte', async () => {
  const root = project('broken');
  const before = fingerprint(root);
  const { code, out, err } = await run(root, [good, better, broken], { apply: true });
  expect(out).toContain('left-side 1.0.0 -> 1.1.0');
  expect(err).toContain('it is not left');
  expect(err).toContain('Why: the tests failed');
  expect(code).toBe(1);
  expect(fingerprint(root)).toEqual(before);
  expect(readdirSync(parent).filter((name) => name.includes('update'))).toEqual([]);
});

test('an update with which the tests pass takes the place of what was there', async () => {
  const root = project('better');
  const { code, out } = await run(root, [good, better], { apply: true });
  expect(out).toContain('left-side 1.0.0 -> 1.0.1');
  expect(code).toBe(0);
  expect(readFileSync(join(root, 'node_modules/left-side/index.js'), 'utf8')).toBe(better.code);
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string; resolved?: string }>;
  };
  expect(lock.packages['node_modules/left-side']).toMatchObject({ version: '1.0.1', integrity: better.integrity });
  expect(readdirSync(parent).filter((name) => name.includes('update'))).toEqual([]);
});
