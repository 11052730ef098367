import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { approversIn } from '../../local/approvers-file.ts';
import { ConfigFile } from '../../shared/config.ts';
import { UnreadableApproversError } from '../../shared/model/approval-settings.ts';
import { config } from '../builders.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-approvers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const one = '{ id: asha, name: Asha, email: asha@example.com }';
const two = '{ id: ben, name: Ben, email: ben@example.com }';
let count = 0;
function written(text: string) {
  count += 1;
  const path = join(folder, `${count}.yaml`);
  const write = (next: string) => writeFileSync(path, next);
  write(text);
  const read = approversIn(path, config());
  return { path, write, ids: () => read().approvers.map(({ id }) => id) };
}
const list = (...people: string[]) => `approvals: { approvers: [${people.join(', ')}] }\n`;

test('the list is as the file has it at this moment', () => {
  const { ids, write } = written(list(one));
  expect(ids()).toEqual(['asha']);
  write(list(one, two));
  expect(ids()).toEqual(['asha', 'ben']);
  write(list(two));
  expect(ids()).toEqual(['ben']);
  write(list());
  expect(ids()).toEqual([]);
});

test('a change that keeps the size of the file is seen too', () => {
  const { ids, write } = written(list(one));
  expect(ids()).toEqual(['asha']);
  write(list(one.replaceAll('asha', 'omar')));
  expect(ids()).toEqual(['omar']);
});

test.each([
  ['that is no YAML', 'approvals: ['],
  ['with a mistake in it', list(one).replace('email: ', 'mail: ')],
  ['with a mistake elsewhere', `${list(one)}polices: {}\n`],
  ['in which one person stands twice', list(one, one.replace('id: asha', 'id: asha2'))],
])('a file %s is unreadable; the list before is not used instead', (_what, text) => {
  const { ids, write } = written(list(one));
  expect(ids()).toEqual(['asha']);
  write(text);
  expect(ids).toThrow(UnreadableApproversError);
  expect(ids).toThrow(UnreadableApproversError);
  write(list(two));
  expect(ids()).toEqual(['ben']);
});

test('a file that goes is unreadable', () => {
  const { ids, path } = written(list(one));
  expect(ids()).toEqual(['asha']);
  rmSync(path);
  expect(ids).toThrow(UnreadableApproversError);
});

test('where there never was a file the list is empty', () => {
  const read = approversIn(join(folder, 'never.yaml'), config({ file: ConfigFile.parse({}) }));
  expect(read().approvers).toEqual([]);
});
