import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../shared/config.ts';
import { loadConfig, parseConfigFile } from '../shared/config-yaml.ts';
import { approver, prices, settings } from './builders.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string, name = 'portcullis.yaml'): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}
const load = (text: string, env: NodeJS.ProcessEnv = {}) => loadConfig({ PORTCULLIS_CONFIG: file(text), ...env });
/** The problems that loading reports. */
function problems(text: string, env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  test('an empty file means every default: the limits of the policy document and nobody who may approve', () => {
    expect(load('')).toMatchObject({
      policySettings: settings(),
      region: 'us-east-1',
      tables: { ledger: 'portcullis-ledger', approvals: 'portcullis-approvals', work: 'portcullis-work' },
      consoleUrl: 'http://127.0.0.1:4510',
      file: {
        approvals: { approvers: [], timeoutHours: 24, requiredApprovals: 1, requiredApprovalsIfRequesterUnknown: 2 },
      },
    });
  });

  test('one limit set leaves the others as they are', () => {
    const { policySettings } = load('policies:\n  prod:\n    minInstances: 3\n');
    expect(policySettings.prod).toEqual({ ...settings().prod, minInstances: 3 });
    expect(policySettings.staging).toEqual(settings().staging);
  });

  test('approvers are read', () => {
    const {
      file: { approvals },
    } = load('approvals:\n  approvers:\n    - { id: asha, name: Asha, email: asha@example.com }\n');
    expect(approvals.approvers).toEqual([approver('asha')]);
  });

  test('the environment says where things are', () => {
    const env = {
      AWS_REGION: 'eu-west-1',
      PORTCULLIS_LEDGER_TABLE: 'l',
      PORTCULLIS_CONSOLE_URL: 'https://gate.example.com/',
    };
    expect(load('', env)).toMatchObject({
      region: 'eu-west-1',
      tables: { ledger: 'l' },
      consoleUrl: 'https://gate.example.com',
    });
  });

  test('a price table of your own is read from beside the file', () => {
    const own = { asOf: '2026-01-01', region: 'eu-west-1', source: 'us', prices: { 'ml.m5.large': 0.2 }, unpriced: [] };
    file(JSON.stringify(own), 'prices.json');
    const { policySettings } = load('prices:\n  file: prices.json\n  alsoFor: [eu-west-2]\n');
    expect(policySettings).toMatchObject({ prices: own, pricesAlsoFor: ['eu-west-2'] });
    expect(load('').policySettings.prices).toEqual(prices);
  });

  test('a file that was asked for by name and is not there is an error', () => {
    expect(() => loadConfig({ PORTCULLIS_CONFIG: join(folder, 'missing.yaml') })).toThrow(
      /missing\.yaml cannot be read: ENOENT/,
    );
  });
  test('without a name, no file means the defaults', () => {
    const before = process.cwd();
    process.chdir(mkdtempSync(join(folder, 'empty-')));
    try {
      expect(loadConfig({}).policySettings).toEqual(settings());
    } finally {
      process.chdir(before);
    }
  });
});

describe('every mistake is told', () => {
  test('all at once, with its place, its value and what is wrong', () => {
    const text = [
      'policies:',
      '  prod: { minInstances: two, maxHourlyCostUsd: -1 }',
      '  stagging: {}',
      'approvals: { approvers: [{ id: Asha, name: A, email: nobody }] }',
    ].join('\n');
    const found = problems(text, { PORTCULLIS_CONSOLE_URL: 'not a url', PORTCULLIS_MAIL_FROM: 'nobody' });
    expect(found).toEqual([
      expect.stringMatching(/^environment: PORTCULLIS_CONSOLE_URL: "not a url":/),
      expect.stringMatching(/^environment: PORTCULLIS_MAIL_FROM: "nobody":/),
      expect.stringMatching(/: policies\.prod\.minInstances: "two": /),
      expect.stringMatching(/: policies\.prod\.maxHourlyCostUsd: -1: /),
      expect.stringMatching(/: policies: .*stagging/),
      expect.stringMatching(/: approvals\.approvers\.0\.id: "Asha": must be lower-case/),
      expect.stringMatching(/: approvals\.approvers\.0\.email: "nobody": /),
    ]);
  });

  test('the message lists them one a line', () => {
    expect(() => load('policies: { prod: { minInstances: 0 }, nonsense: 1 }')).toThrow(
      /^The configuration has 2 mistakes:\n {2}\S.*\n {2}\S/,
    );
    expect(() => load('nonsense: 1')).toThrow(/^The configuration has a mistake:\n {2}\S/);
  });

  test.each([
    ['YAML that is none', 'a: [1,\nb: 2', /not YAML: /],
    ['a list instead of settings', '- a', /\(file\): /],
    [
      'an approver without a mail address',
      'approvals: { approvers: [{ id: a, name: A }] }',
      /approvals\.approvers\.0\.email/,
    ],
    ['a price table that is not there', 'prices: { file: nowhere.json }', /prices\.file: cannot be read: ENOENT/],
    [
      'a timeout that Step Functions cannot wait for',
      'approvals: { timeoutHours: 9000 }',
      /approvals\.timeoutHours: 9000: /,
    ],
  ])('%s', (_what, text, problem) => {
    expect(problems(text)).toEqual([expect.stringMatching(problem)]);
  });

  test.each([
    'polices: {}',
    'environments: { tagkey: stage }',
    'environments: { tagValues: { qa: [qa] } }',
    'environments: { namePatterns: [{ pattern: x, environment: dev, tag: y }] }',
    'policies: { prod: { minInstance: 3 } }',
    'prices: { files: x }',
    'approvals: { approver: [] }',
    'approvals: { approvers: [{ id: a, name: A, email: a@example.com, aws: [a] }] }',
    'reading: { concurency: 1 }',
  ])('a misspelt key is a mistake at any depth: %s', (text) => {
    expect(problems(text)).toEqual([expect.stringMatching(/[Uu]nrecognized key/)]);
  });

  test('a price table that is none says which field', () => {
    file('{ "asOf": "lately" }', 'bad-prices.json');
    expect(problems('prices: { file: bad-prices.json }')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^prices\.file bad-prices\.json: asOf/),
        expect.stringMatching(/prices: /),
      ]),
    );
  });

  test('two approvers with one id, each pair once', () => {
    const one = '{ id: asha, name: Asha, email: asha@example.com }';
    const two = '{ id: ben, name: Ben, email: ben@example.com }';
    expect(problems(`approvals: { approvers: [${one}, ${two}, ${one}, ${one}] }`)).toEqual([
      expect.stringMatching(/approvals\.approvers: two approvers have the id asha$/),
    ]);
  });

  test('one person under two ids would be two approvals', () => {
    const one = '{ id: asha, name: Asha, email: asha@example.com }';
    const same = '{ id: asha2, name: Asha Rao, email: ASHA@example.com }';
    expect(problems(`approvals: { approvers: [${one}, ${same}] }`)).toEqual([
      expect.stringMatching(/asha.*asha2|asha2.*asha/),
    ]);
  });

  test('a secret in the wrong place is not shown at length', () => {
    const [problem = ''] = problems(`policies: { prod: { minInstances: "${'s'.repeat(5_000)}" } }`);
    expect(problem.length).toBeLessThan(400);
  });
});

test('parseConfigFile adds to the problems it is given and returns nothing', () => {
  const found = ['an earlier one'];
  expect(parseConfigFile('x: 1', 'p.yaml', found)).toBeUndefined();
  expect(found).toEqual(['an earlier one', expect.stringMatching(/^p\.yaml: /)]);
});
