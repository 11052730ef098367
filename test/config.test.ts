import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../shared/config-error.ts';
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

  const people = ['asha', 'ben', 'cleo'].map((id) => `{ id: ${id}, name: ${id}, email: ${id}@example.com }`).join(', ');
  const approvals = (rest: string) => problems(`approvals: { approvers: [${people}], ${rest} }`);
  test('groups, rules and numbers are held against each other, all at once', () => {
    const groups = 'groups: { leads: [asha, dana], finance: [ben, ben], empty: [] }';
    expect(approvals(groups)).toEqual([expect.stringMatching(/approvals\.groups\.empty: \[\]: must have a member/)]);
    expect(
      approvals(
        [
          'groups: { leads: [asha, dana], finance: [ben, ben] }',
          'rules: [{ environment: prod, group: leads, count: 3 }, { policy: prod-budgets, group: sales }]',
          'escalation: { afterHours: 24, group: bosses }',
          'breakGlassGroup: nobody',
          'requiredApprovals: 4',
        ].join(', '),
      ),
    ).toEqual([
      expect.stringMatching(/approvals\.groups\.leads: "dana" is not the id of an approver$/),
      expect.stringMatching(/approvals\.groups\.finance: ben is in it twice$/),
      expect.stringMatching(/approvals\.rules\.1\.group: there is no group "sales"$/),
      expect.stringMatching(/approvals\.escalation\.group: there is no group "bosses"$/),
      expect.stringMatching(/approvals\.breakGlassGroup: there is no group "nobody"$/),
      expect.stringMatching(/approvals\.rules\.0\.count: 3 of leads are wanted, which has 2$/),
      expect.stringMatching(/approvals\.requiredApprovals: 4 are wanted, and there are 3 approvers$/),
      expect.stringMatching(/approvals\.escalation\.afterHours: 24 is not before the request expires/),
      expect.stringMatching(/approvals\.rules\.1\.policy: there is no policy "prod-budgets"$/),
    ]);
  });
  test('groups that fit are no mistake, nor is a group called like a property of every object', () => {
    const groups = 'groups: { leads: [asha, ben], money: [ben] }';
    const rules =
      'rules: [{ environment: prod, group: leads, count: 2 }, { policy: prod-budget, group: money }, { policy: planned-change, group: money }]';
    expect(() =>
      load(`approvals: { approvers: [${people}], ${groups}, ${rules}, breakGlassGroup: money }`),
    ).not.toThrow();
    expect(approvals('rules: [{ group: constructor }]')).toEqual([expect.stringMatching(/no group "constructor"$/)]);
  });
  test('one approver alone is no mistake: what takes two expires there', () => {
    expect(() => load('approvals: { approvers: [{ id: asha, name: A, email: asha@example.com }] }')).not.toThrow();
  });
  test.each([
    ['in Slack', 'slack: { team: T0123ABCD, user: U0123ABCD }'],
    ['at the login provider', 'oidcSubject: "248289761001"'],
    ['in AWS', 'awsIdentities: [arn:aws:iam::111122223333:user/x]'],
  ])('two approvers who are one %s are a mistake', (_where, same) => {
    const one = `{ id: asha, name: A, email: asha@example.com, ${same} }`;
    const two = `{ id: ben, name: B, email: ben@example.com, ${same} }`;
    expect(problems(`approvals: { approvers: [${one}, ${two}] }`)).toEqual([
      expect.stringMatching(/asha and ben share/),
    ]);
  });
  test('so are a role and a session of it', () => {
    const one =
      '{ id: asha, name: A, email: asha@example.com, awsIdentities: [arn:aws:iam::111122223333:role/team/Deploy] }';
    const two =
      '{ id: ben, name: B, email: ben@example.com, awsIdentities: [arn:aws:sts::111122223333:assumed-role/Deploy/ben] }';
    for (const pair of [`${one}, ${two}`, `${two}, ${one}`]) {
      expect(problems(`approvals: { approvers: [${pair}] }`)).toEqual([expect.stringMatching(/share a name/)]);
    }
  });
  test.each(['team: t0123', 'user: "@asha"', 'user: B0123ABCD'])('a Slack id that is none: %s', (wrong) => {
    const slack = { team: 'T0123ABCD', user: 'U0123ABCD' };
    const [key = '', value = ''] = wrong.split(': ');
    const given = { ...slack, [key]: value.replaceAll('"', '') };
    expect(
      problems(`approvals: { approvers: [{ id: a, name: A, email: a@example.com, slack: ${JSON.stringify(given)} }] }`),
    ).toEqual([expect.stringMatching(/must be the id of a Slack/)]);
  });

  test.each([
    ['channel: xoxb-canary', /^\S+: notifications\.slack\.channel: \(not shown\): must be the id of a channel/],
    ['slackBotToken: xoxb-canary', /Unrecognized key: "slackBotToken"/],
    ['webhook: https://hooks.slack.com/services/T0/B0/canary', /Unrecognized key: "webhook"/],
  ])('a secret of Slack in the wrong place is not shown: %s', (line, expected) => {
    const found = problems(`notifications: { slack: { ${line} } }`);
    expect(found).toEqual([expect.stringMatching(expected)]);
    expect(found.join()).not.toContain('canary');
  });
  test.each(['buttons: [prod]', 'buttons: [prod], channel: C0123ABCD', 'buttons: [prod], appId: A0123ABCD'])(
    'buttons in Slack need the channel that they are posted to and the app whose clicks are taken: %s',
    (line) => {
      expect(problems(`notifications: { slack: { ${line} } }`)).toEqual([
        expect.stringContaining('buttons need channel and appId'),
      ]);
      expect(problems('notifications: { slack: { buttons: [prod], channel: C0123ABCD, appId: A0123ABCD } }')).toEqual(
        [],
      );
    },
  );
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
