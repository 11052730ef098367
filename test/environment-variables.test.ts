import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../shared/config-error.ts';
import { loadConfig } from '../shared/config-yaml.ts';
import { ENVIRONMENT_VARIABLES, nearestVariable, problemsWithVariables } from '../shared/environment-variables.ts';
import { root } from './cli/portcullis.ts';

/** What loading the configuration says is wrong with an environment. */
function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig({ PORTCULLIS_CONFIG: '/dev/null', ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('a variable that nobody knows', () => {
  test.each([
    ['PORTCULLIS_LEDGR_TABLE', 'PORTCULLIS_LEDGER_TABLE'],
    ['PORTCULLIS_ACCESS_TOKENS', 'PORTCULLIS_ACCESS_TOKEN'],
    ['PORTCULLIS_TLS_KEYFILE', 'PORTCULLIS_TLS_KEY_FILE'],
    ['PORTCULLIS_AUTHENTICATION_ENABLE', 'PORTCULLIS_AUTHENTICATION_ENABLED'],
    ['PORTCULLIS_', 'PORTCULLIS_SEED'],
    ['PORTCULLIS_TLS_CERT', 'PORTCULLIS_TLS_CERT_FILE'],
  ])('%s is a mistake, and is told with the name that comes nearest', (name, nearest) => {
    expect(nearestVariable(name)).toBe(nearest);
    const found = problems({ [name]: 'canary' });
    expect(found).toEqual([`environment: ${name}: there is no such variable; did you mean ${nearest}?`]);
  });
  test('is none of our business without our name before it', () => {
    expect(problems({ HOME: '/x', PORTCULLI_CONFIG: 'x', AWS_REGION: 'eu-west-1' })).toEqual([]);
  });
  test('is told together with everything else that is wrong', () => {
    const found = problems({
      PORTCULLIS_STAG: 'dev',
      PORTCULLIS_CONSOLE_URL: 'nowhere',
      PORTCULLIS_REMEDIATION: 'perhaps',
      PORTCULLIS_SANITIZATION_ENABLED: 'no',
      PORTCULLIS_TLS_VERIFY: 'false',
      PORTCULLIS_CONFIG: '/nowhere/portcullis.yaml',
    });
    for (const name of ['STAG', 'CONSOLE_URL', 'REMEDIATION', 'SANITIZATION_ENABLED', 'TLS_VERIFY', 'CONFIG'])
      expect(found.filter((each) => each.includes(`PORTCULLIS_${name}:`))).toHaveLength(1);
    expect(found).toHaveLength(6);
  });
});

describe('the table of variables', () => {
  const names = ENVIRONMENT_VARIABLES.map(({ name }) => name);
  const files = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => join(root, folder, path))
      .filter((path) => statSync(path).isFile() && /\.(ts|mjs|ya?ml)$/.test(path));

  test('has each once, and what it says is taken by default is not refused', () => {
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBe(names.length);
    const defaults = ENVIRONMENT_VARIABLES.map(({ name, default: standard }) => [name, standard]);
    expect(problemsWithVariables(Object.fromEntries(defaults))).toEqual([]);
  });
  test('has every variable that the product, its template or its deployment names, so that no gate refuses to start', () => {
    const named = ['cli', 'console', 'functions', 'local', 'shared', 'scripts', 'infra', 'bin', 'deployment']
      .flatMap(files)
      .concat(join(root, 'serverless.yml'))
      .flatMap((path) =>
        [...readFileSync(path, 'utf8').matchAll(/\bPORTCULLIS_[A-Z_]*[A-Z]\b/g)].map(([name]) => name),
      );
    expect(new Set(named).size).toBeGreaterThan(25);
    expect([...new Set(named)].filter((name) => !names.includes(name))).toEqual([]);
  });
  test('says what each is', () => {
    for (const { name, meaning } of ENVIRONMENT_VARIABLES) expect(meaning.length, name).toBeGreaterThan(10);
  });
});
