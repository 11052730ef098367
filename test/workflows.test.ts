import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from './cli/portcullis.ts';
import { commandsIn, wrongWith } from './documented-commands.ts';

type Step = { uses?: string; run?: string; with?: Record<string, unknown>; env?: Record<string, string> };
type Job = {
  uses?: string;
  needs?: string;
  if?: string;
  environment?: string;
  permissions?: Record<string, string>;
  concurrency?: { group: string; 'cancel-in-progress': unknown };
  'timeout-minutes'?: number;
  steps?: Step[];
};
type Workflow = {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  concurrency?: unknown;
  jobs: Record<string, Job>;
};

const folder = '.github/workflows';
const files = readdirSync(join(root, folder)).sort();
const texts = files.map((name) => readFileSync(join(root, folder, name), 'utf8'));
const workflows = new Map(files.map((name, index) => [name, parse(texts[index] ?? '') as Workflow]));
const jobs = [...workflows].flatMap(([file, workflow]) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ file, name: `${file}: ${name}`, job })),
);
const steps = jobs.flatMap(({ name, job }) => (job.steps ?? []).map((step) => ({ name, step })));
const runs = steps.flatMap(({ name, step }) => (step.run === undefined ? [] : [{ name, run: step.run }]));
const deploy = workflows.get('deploy.yml');

test('there is something to look at', () => {
  expect(files).toEqual(['deploy.yml', 'security.yml', 'test.yml']);
  expect(steps.length).toBeGreaterThan(15);
  expect(runs.length).toBeGreaterThan(8);
});

describe('what the workflows may', () => {
  test.each([...workflows])('%s may read the repository, and no more, unless a job says so', (_file, workflow) => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  test('only a job that takes a role of AWS in an environment may ask for a token', () => {
    const asking = jobs.filter(({ job }) => job.permissions);
    expect(asking.map(({ name }) => name)).toEqual(['deploy.yml: dev', 'deploy.yml: prod']);
    for (const { job } of asking) {
      expect(job.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
      expect(job.environment).toBeTruthy();
      expect(job.steps?.some(({ uses }) => uses?.startsWith('aws-actions/configure-aws-credentials@'))).toBe(true);
    }
  });

  test('no secret is stored for them, and no key of AWS', () => {
    for (const text of texts) {
      expect(text).not.toMatch(/\bsecrets\b/);
      expect(text).not.toMatch(/access-key|ACCESS_KEY|AKIA/i);
    }
    const credentials = steps.flatMap(({ step }) => (step.uses?.startsWith('aws-actions/') ? [step.with] : []));
    expect(credentials.length).toBe(2);
    for (const given of credentials)
      expect(given).toMatchObject({
        'role-to-assume': '$' + '{{ vars.DEPLOY_ROLE_ARN }}',
        'mask-aws-account-id': true,
      });
  });

  test('nothing from outside runs with the rights of the repository, or is put into a script', () => {
    for (const { on } of workflows.values()) {
      expect(on).not.toHaveProperty('pull_request_target');
      expect(on).not.toHaveProperty('workflow_run');
    }
    for (const { name, run } of runs) expect(run, name).not.toContain('$' + '{{');
  });

  test('no install script runs where a token can be asked for', () => {
    const installs = runs.filter(({ run }) => run.startsWith('npm ci'));
    expect(installs.length).toBe(5);
    for (const { name, run } of installs)
      expect(run, name).toBe(name.startsWith('deploy.yml') ? 'npm ci --ignore-scripts' : 'npm ci');
  });
});

describe('actions', () => {
  const used = texts.flatMap((text) => {
    const lines = text.split('\n');
    return lines.flatMap((line, index) => {
      const [, action = '', ref = '', version] =
        /^\s+- uses: ([\w./-]+)@(\S+)(?: # (v\d+\.\d+\.\d+))?$/.exec(line) ?? [];
      return action === '' ? [] : [{ action, ref, version, above: lines[index - 1]?.trim() ?? '' }];
    });
  });

  test('were found', () => {
    const outside = steps.filter(({ step }) => step.uses !== undefined);
    expect(used.length).toBe(outside.length);
    expect(new Set(used.map(({ action }) => action))).toEqual(
      new Set([
        'actions/checkout',
        'actions/setup-node',
        'actions/upload-artifact',
        'aws-actions/configure-aws-credentials',
      ]),
    );
  });

  test.each(used)('$action is pinned, with its version and where that was read, or has a version tag', (each) => {
    if (/^v\d+(\.\d+)*$/.test(each.ref)) return;
    expect(each.ref).toMatch(/^[0-9a-f]{40}$/);
    expect(each.above).toMatch(
      new RegExp(
        `^# ${each.version?.replaceAll('.', '\\.')}, as [\\w.-]+/[\\w.-]+ pins it in \\.github/workflows/[\\w.-]+\\.ya?ml$`,
      ),
    );
  });

  test('one action has one version everywhere', () => {
    const versions = new Map(used.map(({ action, ref }) => [action, ref]));
    for (const { action, ref } of used) expect(ref).toBe(versions.get(action));
  });

  test('a checkout leaves no credentials behind', () => {
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'));
    expect(checkouts.length).toBe(5);
    for (const { step } of checkouts) expect(step.with).toMatchObject({ 'persist-credentials': false });
  });

  test('workflows that are called are there', () => {
    const called = jobs.flatMap(({ job }) => job.uses ?? []);
    expect(called).toEqual(['./.github/workflows/test.yml']);
    for (const path of called) expect(existsSync(join(root, path))).toBe(true);
  });
});

describe('what the workflows do', () => {
  test('every job ends by itself', () => {
    const running = jobs.filter(({ job }) => job.steps);
    expect(running.length).toBe(5);
    for (const { name, job } of running) expect(job['timeout-minutes'], name).toBeLessThanOrEqual(60);
  });

  test.each(runs)('$name runs commands that there are: $run', async ({ run }) => {
    const wrong = await Promise.all(commandsIn(run).map(wrongWith));
    expect(wrong.flat()).toEqual([]);
  });

  test('every change is tested, and packaged', () => {
    const tests = workflows.get('test.yml');
    expect(Object.keys(tests?.on ?? {})).toEqual(['push', 'pull_request', 'workflow_call']);
    // What is on main is tested by the workflow that deploys it.
    expect(tests?.on.push).toEqual({ 'branches-ignore': ['main'] });
    expect(deploy?.on.push).toEqual({ branches: ['main'] });
    const ran = Object.values(tests?.jobs ?? {}).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []));
    expect(ran).toEqual(
      expect.arrayContaining(['npm test', 'npm run test:monitoring', 'npm run package -- --stage prod']),
    );
  });

  test('nothing is deployed that the security audit has not seen, with the package and the whole history', () => {
    for (const [file, name] of [
      ['test.yml', 'package'],
      ['security.yml', 'audit'],
    ] as const) {
      const { steps = [] } = workflows.get(file)?.jobs[name] ?? {};
      const at = (command: string) => steps.findIndex(({ run }) => run === command);
      expect(at('npx portcullis security-audit')).toBeGreaterThan(at('npm run package -- --stage prod'));
      expect(at('npm run package -- --stage prod')).toBeGreaterThan(0);
      const checkout = steps.find(({ uses }) => uses?.startsWith('actions/checkout@'));
      expect(checkout?.with).toMatchObject({ 'fetch-depth': 0 });
      for (const step of steps) expect(step).not.toHaveProperty('continue-on-error');
    }
    // By calling test.yml, which dev waits for, and prod for dev.
    expect(deploy?.jobs.test?.uses).toBe('./.github/workflows/test.yml');
    expect(Object.keys(workflows.get('security.yml')?.on ?? {})).toEqual(['schedule', 'workflow_dispatch']);
  });

  test('prod comes after dev, and dev after the tests', () => {
    expect(Object.keys(deploy?.jobs ?? {})).toEqual(['test', 'dev', 'prod']);
    const { test: tests, dev, prod } = deploy?.jobs ?? {};
    expect(tests?.uses).toBe('./.github/workflows/test.yml');
    expect([dev?.needs, prod?.needs]).toEqual(['test', 'dev']);
    expect([dev?.environment, prod?.environment]).toEqual(['development', 'production']);
    for (const job of [dev, prod]) expect(job?.if).toBe("github.ref == 'refs/heads/main' || github.ref_type == 'tag'");
  });

  test.each(['dev', 'prod'])('%s is deployed by one at a time, looked at, and smoked', (stage) => {
    const job = deploy?.jobs[stage];
    expect(job?.concurrency).toEqual({ group: `deploy-${stage}`, 'cancel-in-progress': false });
    const ran = (job?.steps ?? []).flatMap(({ run }) => run ?? []);
    expect(ran.map((run) => /npm ci|npm run deploy|doctor|smoke/.exec(run)?.[0])).toEqual([
      'npm ci',
      'npm run deploy',
      'doctor',
      'smoke',
    ]);
    for (const run of ran.slice(1)) expect(run).toContain(`--stage ${stage}`);
  });
});
