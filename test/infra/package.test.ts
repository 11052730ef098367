import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PackagedSettings } from '../../shared/config.ts';
import { packageIn, root, serviceFolder, templateFile } from './packaged.ts';
import { unzip } from './zip.ts';

const service = mkdtempSync(join(tmpdir(), 'portcullis-package-'));
beforeAll(async () => {
  serviceFolder(service, { bundles: true });
  const { code, output } = await packageIn(service);
  if (code !== 0) throw new Error(output.slice(-4_000));
}, 180_000);
afterAll(() => rmSync(service, { recursive: true, force: true }));

const FUNCTIONS = [
  'archive-records',
  'check-policies',
  'gather-facts',
  'receive-event',
  'record-outcome',
  'refresh-prices',
  'remediate',
  'request-approval',
  'show-console',
  'sign-checkpoints',
  'sweep',
  'take-answers',
  'take-plans',
  'tell-approvers',
  'tend-requests',
  'verify-monitoring',
];
const camel = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
const filesOf = (name: string) => unzip(readFileSync(join(service, 'build/dev/package', `${camel(name)}.zip`)));

describe('a package', () => {
  test.each(FUNCTIONS)('of %s holds its bundle and the settings, and nothing else', (name) => {
    const files = filesOf(name);
    expect([...files.keys()].sort()).toEqual(['build/dev/portcullis.settings.json', `functions/${name}.js`]);
    // How large it may be, bench/cold.ts measures.
    const bundle = files.get(`functions/${name}.js`)?.toString() ?? '';
    expect(bundle.length).toBeGreaterThan(10_000);
    expect(bundle).toMatch(/module\.exports/);
    expect(bundle).not.toContain('sourceMappingURL');
  });
  test('has portcullis.yaml and the prices in its settings, as the functions read them', () => {
    const text = filesOf('gather-facts').get('build/dev/portcullis.settings.json')?.toString() ?? '';
    const { file, prices } = PackagedSettings.parse(JSON.parse(text));
    expect(file.approvals.approvers.map(({ id }) => id)).toContain('approver-one');
    expect(Object.keys(prices.prices).length).toBeGreaterThan(100);
  });
});

describe('settings are checked before anything is packaged', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-settings-'));
  mkdirSync(join(folder, 'infra'));

  test('every mistake is named at once, in portcullis.yaml, the stage and the command line', async () => {
    writeFileSync(
      join(folder, 'portcullis.yaml'),
      'approvals: { timeoutHours: soon }\npolicies: { prod: { minInstances: two } }\nmembers: { accounts: [123] }\n',
    );
    writeFileSync(
      join(folder, 'infra/stages.yml'),
      'default: { mailFrom: nobody }\ndev: { logRetentionDays: 91, swepMinutes: 5 }\n',
    );
    const { code, output } = await packageIn(folder, '--stage', 'dev', '--region', 'Europe');
    expect(code).toBe(2);
    for (const mistake of [
      '--region Europe',
      'approvals.timeoutHours: "soon"',
      'policies.prod.minInstances: "two"',
      'mailFrom: "nobody"',
      'alarmMail',
      'logRetentionDays: 91',
      'members.accounts.0: 123',
      'swepMinutes',
    ])
      expect(output).toContain(mistake);
    expect(existsSync(join(folder, 'build'))).toBe(false);
  });
  test('a stage that nobody described is refused, and so is a name that would not fit', async () => {
    writeFileSync(join(folder, 'portcullis.yaml'), '');
    const { code, output } = await packageIn(folder, '--stage', 'Production');
    expect(code).toBe(2);
    expect(output).toContain('--stage Production: must be up to nine lower-case letters');
    expect(output).toContain('there is no stage Production');
  });
});

describe('cfn-lint', () => {
  const found = spawnSync('cfn-lint', ['--version']).status === 0;
  if (!found) console.warn('cfn-lint is not installed on this machine; the templates were NOT linted.');
  // Starting it takes longer than either template; what it reports names the file.
  const lint = (...files: string[]) =>
    new Promise((resolve) =>
      execFile('cfn-lint', ['--ignore-checks', 'W', '--', ...files], (error, stdout, stderr) =>
        resolve({ failed: error !== null, stdout, stderr }),
      ),
    );

  // The templates of other stages differ in values only.
  test.skipIf(!found)(
    'has no error to report about the template, nor about the one for member accounts',
    async () => {
      expect(await lint(await templateFile('prod'), join(root, 'infra/member-account.yml'))).toEqual({
        failed: false,
        stdout: '',
        stderr: '',
      });
    },
    120_000,
  );
  test('the template for member accounts has no alias, which CloudFormation does not know', () => {
    expect(readFileSync(join(root, 'infra/member-account.yml'), 'utf8')).not.toMatch(/[:-] [&*]\w+/);
  });
});
