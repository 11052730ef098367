import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { check } from '../../cli/check.ts';
import { helpOfAll } from '../../cli/help.ts';
import { FORMATS, type Format } from '../../cli/report.ts';
import type { EndpointFacts } from '../../shared/model/endpoint-facts.ts';
import { auditPolicy, policies } from '../../shared/policies/index.ts';
import { readSarif } from '../published-sarif.ts';
import { portcullis, printed, root, typed, UNSEEN } from './portcullis.ts';

// Every test starts processes, and the machine may be doing other things as well.
vi.setConfig({ testTimeout: 60_000 });

const FRAUD = 'examples/plans/fraud-prod.yaml';
const BIG = 'examples/plans/big-staging.yaml';
const RECORDED = 'examples/plans/recorded-facts.json';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => void vi.unstubAllEnvs());

const checked = (path: string, format: Format = 'table') => printed((output) => check(path, { format }, output));

/** A file in a directory of this test's own. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('policies', () => {
  const ids = [...policies.map(({ id }) => id), auditPolicy.id];

  test('lists every policy in document order, as a table, as JSON and as Markdown', async () => {
    const [plain, json, markdown] = await Promise.all([
      portcullis(['policies']),
      typed('policies', '--json'),
      typed('policies', '--markdown'),
    ]);
    expect(ids).toHaveLength(12);
    expect([plain.code, json.code, markdown.code]).toEqual([0, 0, 0]);
    const rows = plain.out.trimEnd().split('\n');
    expect(rows[0]).toMatch(/^POLICY +WAIVABLE +SENTENCE$/);
    expect(rows.slice(1).map((row) => row.split(' ')[0])).toEqual(ids);
    const parsed = JSON.parse(json.out) as { id: string; statement: string; waivable: boolean }[];
    expect(parsed.map(({ id }) => id)).toEqual(ids);
    expect(parsed.find(({ id }) => id === 'prod-human-approval')).toMatchObject({
      statement: 'All production deployments require explicit human approval.',
      waivable: policies.find(({ id }) => id === 'prod-human-approval')?.waivable,
    });
    expect(markdown.out.trimEnd().split('\n')).toHaveLength(ids.length + 2);
    for (const id of ids) expect(markdown.out).toContain(`| \`${id}\` | `);
  });

  test('shows the limits that are in force here, not those of the document', async () => {
    const config = file('strict.yaml', 'policies: { prod: { minInstances: 5 } }');
    vi.stubEnv('PORTCULLIS_CONFIG', config);
    const { out } = await typed('policies');
    expect(out).toContain('`instance_count >= 5`');
  });
});

describe('check', () => {
  test.each([
    [FRAUD, 0, 'needs-approval'],
    [BIG, 1, 'blocked'],
    [RECORDED, 0, 'compliant'],
  ])('%s ends with exit code %i and is %s, in every format', async (path, code, decision) => {
    const runs = await Promise.all([portcullis(['check', path]), ...FORMATS.map((format) => checked(path, format))]);
    expect(runs.map((run) => run.code)).toEqual([code, code, code, code, code]);
    expect(runs.map(({ err }) => err)).toEqual(['', '', '', '', '']);
    const [process = '', plain = '', json = '', markdown = '', sarif = ''] = runs.map(({ out }) => out);
    expect(process).toBe(plain);
    const { summary, endpoints } = JSON.parse(json) as {
      summary: { endpoints: number; counts: Record<string, number> }[];
      endpoints: { endpoint: string; decision: string; findings: { policy: string; messages: string[] }[] }[];
    };
    expect(endpoints).toMatchObject([{ decision }]);
    expect(endpoints[0]?.findings).toHaveLength(policies.length);
    expect(summary).toMatchObject([{ endpoints: 1, counts: { [decision]: 1 } }]);
    const name = endpoints[0]?.endpoint ?? '';
    expect(plain).toMatch(new RegExp(`^${name} +\\w+ +${decision} `, 'm'));
    expect(markdown).toMatch(new RegExp(`^\\| ${name} \\| \\w+ \\| ${decision} \\| `, 'm'));
    const { results, invocations } = readSarif(sarif);
    expect(invocations).toEqual([{ executionSuccessful: true }]);
    expect(results.length > 0).toBe(decision !== 'compliant');
    expect(results.some(({ level }) => level === 'error')).toBe(decision === 'blocked');
    for (const { locations, message } of results) {
      expect(locations).toMatchObject([
        {
          physicalLocation: { artifactLocation: { uri: path }, region: { startLine: 1 } },
          logicalLocations: [{ name, fullyQualifiedName: expect.stringContaining(`:endpoint/${name}`) }],
        },
      ]);
      expect(plain).toContain(message.text);
    }
  });

  test('every policy has a rule in SARIF, with its sentence', async () => {
    const { tool } = readSarif((await checked(BIG, 'sarif')).out);
    expect(tool.driver.rules.map(({ id }) => id)).toEqual([...policies.map(({ id }) => id), 'undetermined']);
    for (const { shortDescription } of tool.driver.rules) expect(shortDescription.text).toMatch(/\.$/);
  });

  test('a file in SARIF is named by a URI, whatever characters its name has', async () => {
    const path = file('a plan.yaml', readFileSync(join(root, FRAUD), 'utf8'));
    const [result] = readSarif((await checked(path, 'sarif')).out).results;
    expect(result?.locations[0]?.physicalLocation?.artifactLocation.uri).toMatch(/\/a%20plan\.yaml$/);
  });

  test('--json is --format json', async () => {
    const { out } = await typed('check', FRAUD, '--json');
    expect(JSON.parse(out)).toMatchObject({ endpoints: [{ endpoint: 'fraud-prod' }] });
  });

  test('reads standard input, and several documents of one file; the worst decides', async () => {
    const text = [FRAUD, BIG].map((path) => readFileSync(join(root, path), 'utf8')).join('\n---\n');
    const { code, out } = await portcullis(['check', '-', '--json'], { input: text });
    const { endpoints } = JSON.parse(out) as { endpoints: { decision: string }[] };
    expect(endpoints.map(({ decision }) => decision)).toEqual(['needs-approval', 'blocked']);
    expect(code).toBe(1);
  });

  test('a list of recorded facts is as many endpoints', async () => {
    const facts = JSON.parse(readFileSync(join(root, RECORDED), 'utf8')) as EndpointFacts;
    const { code, out } = await checked(file('list.json', JSON.stringify([facts, facts])), 'json');
    expect(code).toBe(0);
    expect((JSON.parse(out) as { endpoints: unknown[] }).endpoints).toHaveLength(2);
  });

  test.each([
    ['is not there', 'absent.yaml', undefined, /absent\.yaml cannot be read: ENOENT/],
    ['is empty', 'empty.yaml', '', undefined],
    ['is no YAML', 'broken.yaml', 'kind: [', /is neither YAML nor JSON/],
    ['is something else', 'other.yaml', 'kind: Deployment', /neither a deployment plan .* nor recorded facts/],
    ['names an anchor that is not there', 'alias.yaml', 'kind: *nowhere', /alias\.yaml.*nowhere/],
    ['is a bomb of anchors', 'bomb.yaml', bomb(), /bomb\.yaml cannot be used: .*alias/i],
    ['has facts with something missing', 'facts.json', '{"schema": 1}', /holds no valid facts:\n {2}endpoint: /],
  ])('a file that %s could not be checked', async (_what, name, text, message) => {
    const path = text === undefined ? join(folder, name) : file(name, text);
    const { code, out, err } = await checked(path);
    expect(code).toBe(2);
    if (message) expect(err).toMatch(message);
    else expect(out).toContain('nothing was checked');
    expect(err).not.toContain('AWS');
  });

  test('every mistake of a plan is named by its field', async () => {
    const path = file(
      'mistakes.yaml',
      'kind: DeploymentPlan\nendpoint: "a b"\nenvironment: production\nvariants: []\n',
    );
    const { code, err } = await checked(path);
    expect(code).toBe(2);
    expect(err.trimEnd().split('\n')).toHaveLength(4);
    for (const field of ['endpoint', 'environment', 'variants']) expect(err).toContain(`\n  ${field}: `);
  });

  test('a broken portcullis.yaml is no reason to check with other limits', async () => {
    const config = file('config.yaml', 'policies: { prod: { minInstances: two }, stagin: {} }');
    vi.stubEnv('PORTCULLIS_CONFIG', config);
    const { code, out, err } = await typed('check', FRAUD);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('2 mistakes');
  });

  test('control characters of a plan do not reach the terminal, whatever the format and where they stand', async () => {
    const text = readFileSync(join(root, BIG), 'utf8')
      .replace('name: AllTraffic', 'name: "x\\e[31m\\x9b2J\\u202Ey\\nFAKE  prod  compliant"')
      .replace('big-staging-DataDriftAlarm', '"drift\\e]0;owned\\a"');
    const plan = file('nasty.yaml', text);
    const key = file('nasty-key.yaml', `${text}"bad\\e[2Jkey": 1\n`);
    const runs = await Promise.all([
      portcullis(['check', plan]),
      ...['json', 'markdown', 'sarif'].map((format) => typed('check', plan, '--format', format)),
      typed('check', key),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([1, 1, 1, 1, 2]);
    for (const { out, err } of runs) {
      expect(out + err).toContain('\\u001b[');
      expect(UNSEEN.exec(out + err)).toBeNull();
      expect(out).not.toMatch(/^FAKE/m);
    }
    expect(JSON.parse(runs[1]?.out ?? '')).toMatchObject({ endpoints: [{ decision: 'blocked' }] });
    expect(runs[1]?.out).toContain('\\u009b2J');
  });
});

/** Nine levels of ten aliases each. */
function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const aliases = Array.from({ length: 10 }, () => (level === 0 ? 'x' : `*a${level - 1}`));
    return `a${level}: &a${level} [${aliases.join(', ')}]`;
  });
  return levels.join('\n');
}

describe('how it is used', () => {
  test('every command explains itself, with an example of itself', () => {
    const all = helpOfAll(80);
    expect(all.map(({ command }) => command)).toEqual(
      expect.arrayContaining(['portcullis up', 'portcullis audit verify', 'portcullis plan submit']),
    );
    expect(all.length).toBeGreaterThan(30);
    for (const { command, text } of all) {
      expect(text, command).toMatch(new RegExp(`^Usage: ${command} `));
      expect(text, command).toMatch(new RegExp(`\\nExamples:\\n {2}${command} `));
    }
  });
  test('help is asked for with --help, and is no mistake', async () => {
    const { code, out } = await portcullis(['audit', 'verify', '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: portcullis audit verify /);
  });

  test.each([
    ['an unknown command', ['nonsense'], /unknown command 'nonsense'/],
    ['an unknown option', ['check', FRAUD, '--nonsense'], /unknown option '--nonsense'/],
    ['a missing argument', ['check'], /missing required argument 'file'/],
    ['too many arguments', ['check', FRAUD, BIG], /too many arguments/],
    ['an unknown format', ['check', FRAUD, '--format', 'xml'], /Allowed choices are table, json, markdown, sarif/],
    ['an approval without a reason', ['approvals', 'approve', 'x'], /--reason/],
    ['a group without a command', ['approvals'], /Usage: portcullis approvals/],
    ['a port that is none', ['changes', '--local', '--aws-port', 'abc'], /--aws-port is abc/],
    ['a limit of nothing', ['changes', '--local', '--limit', '0'], /--limit is 0/],
    ['an environment that there is not', ['changes', '--local', '--environment', 'production'], /dev, staging or prod/],
    ['a result that there is not', ['changes', '--local', '--result', 'bad'], /--result is bad; .*blocked/],
    ['a month that is none', ['changes', '--local', '--month', '2026-13'], /written like 2026-11/],
    ['a month that is none in the audit', ['audit', 'list', '--local', '--month', 'May'], /written like 2026-11/],
  ])('%s is wrong usage and says what is wrong', async (_what, args, message) => {
    const { code, out, err } = await typed(...args);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toMatch(message);
  });

  test.each([
    ['an unknown command', ['nonsense'], /unknown command 'nonsense'/],
    ['a port that there is not', ['up', '--aws-port', '65536'], /--aws-port is 65536/],
  ])('%s is that for a process, too', async (_what, args, message) => {
    const { code, out, err } = await portcullis(args);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toMatch(message);
  });

  test('without a runtime, commands say how to start one', async () => {
    const { code, err } = await portcullis(['changes', '--local', '--aws-port', '1']);
    expect(code).toBe(2);
    expect(err).toBe('Nothing listens at http://127.0.0.1:1. Start the runtime with "portcullis up".\n');
  });

  test('without credentials, scan says so and does not say that all is well', async () => {
    const env = { AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_CONFIG_FILE: '/dev/null' };
    const { code, out, err } = await portcullis(['scan', '--region', 'us-east-1'], { env });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/No AWS credentials were found/);
  });
});
