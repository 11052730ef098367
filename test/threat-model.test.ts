import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './cli/portcullis.ts';
import { hasTest, testLinks } from './test-titles.ts';

const markdown = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const cells = (line: string) =>
  line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
const rows = markdown.split('\n').flatMap((line) => (/^\| \d+ /.test(line) ? [cells(line)] : []));
/** What the table with this first heading defines. */
const defined = (letter: string) =>
  markdown.split('\n').flatMap((line) => new RegExp(`^\\| (${letter}\\d+) `).exec(line)?.[1] ?? []);

describe('the threat model', () => {
  test('has its threats, each under a number of its own', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(new Set(rows.map(([number]) => number)).size).toBe(rows.length);
  });

  test('says of each what is attacked, by whom, how, and what is done, in words that it defines', () => {
    const [assets, attackers] = [defined('A'), defined('T')];
    expect([assets.length, attackers.length]).toEqual([9, 9]);
    for (const [number, asset = '', who = '', attack = '', done = ''] of rows) {
      expect(assets, number).toContain(asset);
      expect(attackers, number).toContain(who);
      for (const text of [attack, done]) expect(text.length, number).toBeGreaterThan(15);
    }
    const used = (column: number) => new Set(rows.map((row) => row[column]));
    expect(used(1)).toEqual(new Set(assets));
    expect(used(2)).toEqual(new Set(attackers));
  });

  test.each(rows.map((row) => ({ number: row[0], attack: row[3], proven: row[5] ?? '' })))(
    'threat $number ($attack) is met by something that a test proves',
    ({ proven }) => {
      const links = testLinks(proven, 'docs');
      expect(links.length).toBeGreaterThan(0);
      for (const { file, title } of links) {
        expect(existsSync(join(root, file)), file).toBe(true);
        expect(hasTest(file, title), `${file}: ${title}`).toBe(true);
      }
    },
  );

  test('a row whose test is not there would be found', () => {
    expect(testLinks('[no such title](../test/threat-model.test.ts)', 'docs')).toEqual([
      { file: 'test/threat-model.test.ts', title: 'no such title' },
    ]);
    expect(hasTest('test/threat-model.test.ts', 'no such')).toBe(false);
    expect(hasTest('test/nothing.test.ts', 'no such title')).toBe(false);
    expect(hasTest('test/threat-model.test.ts', 'a row whose test is not there would be found')).toBe(true);
    expect(testLinks('somebody said so', 'docs')).toEqual([]);
  });
});
