import { existsSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './cli/portcullis.ts';
import { commandsIn, wrongWith } from './documented-commands.ts';
import { hasTest, testLinks } from './test-titles.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What is said about the project that the document was written for, and where it sends people. */
const NOT_OURS = /^## (Implementation Status|References)\n/;

/** Every sentence and every entry of a list below the headings of a document; examples in code are left out. */
function sentencesOf(path: string): string[] {
  return read(path)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .split(/^(?=#+ )/m)
    .filter((section) => /^##+ /.test(section) && !NOT_OURS.test(section))
    .flatMap((section) => section.replace(/^##+ .*/, '').split(/\n(?=- )|\n\s*\n/))
    .map((block) => block.trim().split(/\s+/).join(' '))
    .map((block) => block.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'))
    .flatMap((block) => (block.startsWith('- ') ? [block.slice(2)] : block.split(/(?<=[.:]) (?=[A-Z])/)))
    .filter((sentence) => sentence !== '');
}

const page = read('docs/policies/traceability.md');
const rowsBelow = (heading: string) =>
  (page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').split('\n').flatMap((line) => {
    if (!line.startsWith('| ') || /^\| (sentence|---) /.test(line)) return [];
    const [sentence = '', state = '', how = '', commands = '', files = '', proven = ''] = line
      .slice(2, -2)
      .split(' | ');
    return [{ sentence, state, how, commands, files, proven }];
  });
const deployment = rowsBelow('Deployment Policy');
const security = rowsBelow('Security Policy');
const rows = [...deployment, ...security];

describe('the two policies', () => {
  test('are quoted sentence by sentence, in their order, and nothing else is', () => {
    expect(deployment.map(({ sentence }) => sentence)).toEqual(sentencesOf('docs/policies/deployment-policy.md'));
    expect(security.map(({ sentence }) => sentence)).toEqual(sentencesOf('docs/policies/security-policy.md'));
    expect([deployment.length, security.length]).toEqual([17, 28]);
  });

  test('are met, all of them', () => {
    expect(rows.filter(({ state }) => state !== 'built').map(({ sentence }) => sentence)).toEqual([]);
  });

  test.each(rows)('are met as is said: "$sentence"', async ({ how, commands, files, proven }) => {
    expect(how.length).toBeGreaterThan(3);
    expect(how).not.toContain('To come');
    const typed = [...commands.matchAll(/`([^`]+)`/g)].map(([, command = '']) => command);
    expect(commands === '-').toBe(typed.length === 0);
    const wrong = await Promise.all(typed.flatMap(commandsIn).map(wrongWith));
    expect(wrong.flat()).toEqual([]);
    const named = [...files.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, name = '', path = ''] of named) {
      expect(normalize(join('docs/policies', path))).toBe(name);
      expect(existsSync(join(root, name)), name).toBe(true);
    }
    const tests = testLinks(proven, 'docs/policies');
    expect(tests.length).toBeGreaterThan(0);
    for (const { file, title } of tests) expect(hasTest(file, title), `${file}: ${title}`).toBe(true);
  });
});

test('SECURITY.md says how to report in private, and invents no address', () => {
  const text = read('SECURITY.md');
  expect(text).toContain('Report a vulnerability');
  expect(text).toContain('https://docs.github.com/');
  expect(text).not.toMatch(/[\w.-]+@[\w-]+\.\w+/);
  const links = [...text.matchAll(/\]\((?!https:)([^)]+)\)/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(2);
  for (const path of links) expect(existsSync(join(root, path)), path).toBe(true);
});
