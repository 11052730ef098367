import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { problemsWithEnvironmentFiles } from '../../local/environment-files.ts';
import { asRoot } from '../spawn-gate.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-environment-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
for (const [name, mode] of [
  ['good', 0o600],
  ['stricter', 0o400],
  ['group', 0o640],
  ['world', 0o604],
  ['written', 0o622],
  ['foreign', 0o600],
] as const) {
  writeFileSync(at(name), 'PORTCULLIS_ACCESS_TOKEN=canary');
  chmodSync(at(name), mode);
}
mkdirSync(at('folder'), { mode: 0o700 });
symlinkSync(at('good'), at('link'));
if (asRoot) chownSync(at('foreign'), 65_534, 65_534);

describe('the file that the environment came from', () => {
  test.each<[string, string | undefined]>([
    ['good', undefined],
    ['stricter', undefined],
    ['group', 'has mode 640; chmod 600'],
    ['world', 'has mode 604; chmod 600'],
    ['written', 'has mode 622; chmod 600'],
    ['folder', 'is no regular file'],
    ['link', 'is no regular file'],
    ['none', 'there is no file'],
    ...(asRoot ? [['foreign', 'belongs to somebody else'] as [string, string]] : []),
  ])('is taken, or refused with what to do about it: %s', (name, wrong) => {
    const path = at(name);
    const ways = [
      [{ PORTCULLIS_ENV_FILE: path }, [], 'PORTCULLIS_ENV_FILE'],
      [{}, [`--env-file=${path}`], '--env-file'],
      [{}, ['--no-warnings', '--env-file', path], '--env-file'],
    ] as const;
    for (const [env, execArgv, by] of ways) {
      const problems = problemsWithEnvironmentFiles(env, execArgv);
      expect(problems).toEqual(wrong === undefined ? [] : [expect.stringContaining(wrong)]);
      for (const problem of problems) {
        expect(problem).toContain(`environment: ${by}: `);
        expect(problem).not.toContain('canary');
      }
    }
  });

  test('may be missing where Node was told that it may, and is looked at where it is there', () => {
    expect(problemsWithEnvironmentFiles({}, [`--env-file-if-exists=${at('none')}`])).toEqual([]);
    expect(problemsWithEnvironmentFiles({}, [`--env-file-if-exists=${at('group')}`])).toHaveLength(1);
    expect(problemsWithEnvironmentFiles({}, [])).toEqual([]);
  });
});
