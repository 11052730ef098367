import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { openSecurityLog } from '../../local/security-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-logs-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const fresh = () => join(folder, `logs-${++count}`);
const NOW = '2026-11-21T10:00:00.000Z';
const FILE = 'security-2026-11-21.jsonl';
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('the log of security events', () => {
  test.each([0o000, 0o022, 0o077])('is its owner’s alone, whatever the umask (%o)', (umask) => {
    const [directory, before] = [fresh(), process.umask(umask)];
    try {
      const log = openSecurityLog(directory, () => NOW);
      log.note({ event: 'login', actor: 'asha' });
      log.close();
    } finally {
      process.umask(before);
    }
    expect([modeOf(directory), modeOf(join(directory, FILE))]).toEqual(['700', '600']);
  });
  test('is added to and never begun again, with a file for each day', () => {
    const directory = fresh();
    let at = NOW;
    for (const actor of ['asha', 'ben']) {
      const log = openSecurityLog(directory, () => at);
      log.note({ event: 'login', actor });
      log.close();
    }
    const log = openSecurityLog(directory, () => at);
    at = '2026-11-22T00:00:00.000Z';
    log.note({ event: 'logout', actor: 'ben' });
    log.close();
    const lines = (file: string) =>
      readFileSync(join(directory, file), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    expect(readdirSync(directory).sort()).toEqual([FILE, 'security-2026-11-22.jsonl']);
    expect(lines(FILE)).toEqual([
      { at: NOW, event: 'login', actor: 'asha' },
      { at: NOW, event: 'login', actor: 'ben' },
    ]);
    expect(lines('security-2026-11-22.jsonl')).toEqual([{ at, event: 'logout', actor: 'ben' }]);
  });

  test.each<[what: string, plant: (directory: string) => void, told: RegExp]>([
    [
      'a directory that others can look into',
      (path) => {
        mkdirSync(path);
        chmodSync(path, 0o755);
      },
      /mode 755.*chmod 700/,
    ],
    [
      'a directory that others can write into',
      (path) => {
        mkdirSync(path);
        chmodSync(path, 0o722);
      },
      /chmod 700/,
    ],
    ['a file in the place of the directory', (path) => writeFileSync(path, ''), /cannot be written|no directory/],
    ['a link in the place of the directory', (path) => symlinkSync(tmpdir(), path), /no directory/],
    [
      'a file that others can read',
      (path) => {
        mkdirSync(path, { mode: 0o700 });
        writeFileSync(join(path, FILE), '');
        chmodSync(join(path, FILE), 0o644);
      },
      /mode 644.*chmod 600/,
    ],
    [
      'a link in the place of the file',
      (path) => {
        mkdirSync(path, { mode: 0o700 });
        symlinkSync(join(folder, 'elsewhere'), join(path, FILE));
      },
      /ELOOP/,
    ],
  ])('is not begun with %s', (_what, plant, told) => {
    const directory = fresh();
    plant(directory);
    expect(() => openSecurityLog(directory, () => NOW)).toThrow(told);
  });

  test('that cannot be written stops nothing, and standard error says so', () => {
    const directory = fresh();
    let at = NOW;
    const log = openSecurityLog(directory, () => at);
    rmSync(directory, { recursive: true });
    at = '2026-11-22T00:00:00.000Z';
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    try {
      log.note({ event: 'login', actor: 'canary' });
      expect(said.mock.calls).toEqual([[expect.stringMatching(/security event \(login\).*ENOENT/)]]);
    } finally {
      said.mockRestore();
    }
  });
});
