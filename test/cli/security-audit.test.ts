import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_CHECKS, type AuditReport, type SecurityAuditOptions, securityAudit } from '../../cli/security-audit.ts';
import { SECURITY_HEADERS } from '../../web/reply.ts';
import { templateFile } from '../infra/packaged.ts';
import { NOW, type SmallProject, STRONG_TOKEN, smallProject } from '../small-project.ts';
import { printed, root } from './portcullis.ts';

type Given = { env?: Record<string, string>; options?: SecurityAuditOptions };

// What npm is told stays here: no test asks a registry outside.
const environment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  PORTCULLIS_CONSOLE_URL: 'http://127.0.0.1:9',
};

async function audited(directory: string, options: SecurityAuditOptions, env: Record<string, string> = {}) {
  const here = { root: directory, now: NOW, env: { ...environment, PORTCULLIS_ACCESS_TOKEN: STRONG_TOKEN, ...env } };
  const run = await printed((output) => securityAudit({ ...options, json: true }, output, here));
  return { ...run, report: JSON.parse(run.out) as AuditReport };
}

let clean: SmallProject;
let weakServer: Server;
const stubs: Server[] = [];
const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
async function serve(answer: (path: string) => { status: number; headers?: Record<string, string>; body?: string }) {
  const server = createServer((request, response) => {
    const { status, headers = {}, body = '' } = answer(request.url ?? '');
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stubs.push(server);
  return server;
}

beforeAll(async () => {
  clean = smallProject();
  weakServer = await serve(() => ({ status: 200, body: '{"status":"ok"}' }));
});
afterAll(() => {
  clean.remove();
  for (const server of stubs) server.close();
});

/** Put together here, so that this file holds nothing that looks like a secret. */
const KEY_ID = ['AKIA', 'QJ7ZRL2MXV9TCWB8'].join('');
const WEAKNESSES: [what: string, check: string, plant: (project: SmallProject) => Given | undefined, told: RegExp][] = [
  [
    'a package with a known vulnerability',
    'dependencies',
    ({ edit }) => {
      edit('package-lock.json', (lock: { packages: Record<string, { version: string }> }) => {
        (lock.packages['node_modules/left-side'] as { version: string }).version = '1.0.0';
      });
      return undefined;
    },
    /left-side .*GHSA-aaaa-bbbb-cccc/,
  ],
  [
    'a command through a shell',
    'static',
    ({ write }) => {
      write('cli/main.ts', "import { exec } from 'node:child_process';\nexec('ls ' + process.argv[2]);\n");
      return undefined;
    },
    /cli\/main\.ts:2/,
  ],
  [
    'a secret in a file',
    'secrets',
    ({ write }) => {
      write('settings.yml', `key: ${KEY_ID}\n`);
      return undefined;
    },
    /settings\.yml:1/,
  ],
  [
    'a secret that was committed once and taken out again',
    'history',
    ({ write, git }) => {
      write('settings.yml', `key: ${KEY_ID}\n`);
      git('add', 'settings.yml');
      git('commit', '--quiet', '--message=second');
      git('rm', '--quiet', 'settings.yml');
      git('commit', '--quiet', '--message=third');
      return undefined;
    },
    /settings\.yml \(commit [0-9a-f]+\)/,
  ],
  [
    'a package under a licence that is not on the list',
    'licences',
    ({ edit }) => {
      edit('package-lock.json', (lock: { packages: Record<string, { license: string }> }) => {
        (lock.packages['node_modules/left-side'] as { license: string }).license = 'MIT AND GPL-3.0-only';
      });
      return undefined;
    },
    /left-side@1\.0\.1/,
  ],
  [
    'a package from another host',
    'lockfile',
    ({ edit }) => {
      edit('package-lock.json', (lock: { packages: Record<string, { resolved: string }> }) => {
        (lock.packages['node_modules/left-side'] as { resolved: string }).resolved =
          'https://npm.example.net/left-side.tgz';
      });
      return undefined;
    },
    /left-side/,
  ],
  [
    'a package without a sum',
    'lockfile',
    ({ edit }) => {
      edit('package-lock.json', (lock: { packages: Record<string, { integrity?: string }> }) => {
        delete lock.packages['node_modules/native-thing']?.integrity;
      });
      return undefined;
    },
    /native-thing/,
  ],
  [
    'an install script that nobody allowed',
    'install-scripts',
    ({ edit }) => {
      edit('package.json', (own: { allowScripts: object }) => {
        own.allowScripts = {};
      });
      return undefined;
    },
    /native-thing@2\.0\.0/,
  ],
  [
    'an access token that is a sample',
    'environment',
    () => ({ env: { PORTCULLIS_ACCESS_TOKEN: 'my-secret-token-my-secret-token-my' } }),
    /PORTCULLIS_ACCESS_TOKEN/,
  ],
  [
    'an environment file that others can read',
    'file-modes',
    ({ write, read }) => {
      write('.env', read('.env'), 0o640);
      return undefined;
    },
    /^\.env$/,
  ],
  ['a server without its headers', 'headers', () => ({ options: { url: urlOf(weakServer) } }), /^GET \/login$/],
  [
    'a role that may write everything',
    'iam',
    ({ edit }) => {
      edit('build/dev/package/cloudformation-template-update-stack.json', (template: never) => {
        const text = JSON.stringify(template).replace('arn:aws:dynamodb:a:b:table/t', '*');
        Object.assign(template, JSON.parse(text));
      });
      return undefined;
    },
    /build\/dev GateRole \(Write\)/,
  ],
];

describe('twelve planted weaknesses', () => {
  test('are twelve, and no check is left out', () => {
    expect(WEAKNESSES).toHaveLength(12);
    expect(new Set(WEAKNESSES.map(([, check]) => check))).toEqual(new Set(AUDIT_CHECKS.map(({ name }) => name)));
  });

  test('the small project is clean before', async () => {
    // But for its packages, which cost a run of npm: that the check can find nothing is shown below, by this project.
    const check = AUDIT_CHECKS.map(({ name }) => name).filter((name) => name !== 'dependencies');
    const { code, report, err } = await audited(clean.root, { check: check.join(',') });
    expect(report.checks.filter(({ result }) => result !== 'clean')).toEqual([]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test.each(WEAKNESSES)('%s is found by the check %s, with exit code 1', async (_what, check, plant, told) => {
    const project = clean.copy();
    try {
      const { env, options } = plant(project) ?? {};
      const offline = { offline: true, advisories: join(clean.root, 'advisories.jsonl') };
      const { code, report, out } = await audited(project.root, { ...offline, check, ...options }, env);
      expect(code).toBe(1);
      expect(report.checks).toMatchObject([{ check, result: 'weak', unchecked: [] }]);
      const found = report.checks[0]?.weaknesses ?? [];
      expect(found.map(({ where }) => where)).toContainEqual(expect.stringMatching(told));
      for (const { why, todo } of found) for (const text of [why, todo]) expect(text).toMatch(/^\S.{10,}\.?$/);
      expect(out).not.toContain(KEY_ID);
    } finally {
      project.remove();
    }
  });
});

test('a secret in the message of a commit is found, too', async () => {
  const project = clean.copy();
  try {
    project.git('commit', '--quiet', '--allow-empty', `--message=second\n\nwith ${KEY_ID}`);
    const { code, report } = await audited(project.root, { check: 'history' });
    expect(code).toBe(1);
    expect(report.checks[0]?.weaknesses).toMatchObject([
      { where: expect.stringMatching(/^message of commit [0-9a-f]+$/) },
    ]);
  } finally {
    project.remove();
  }
});

describe('what cannot be checked is neither clean nor weak', () => {
  const dependencies = (options: SecurityAuditOptions, env = {}) =>
    audited(clean.root, { ...options, check: 'dependencies' }, env);

  test('a registry that refuses ends it with 2, and says so', async () => {
    const registry = await serve(() => ({ status: 405, headers: { allow: 'GET,HEAD' } }));
    const { code, report } = await dependencies({}, { npm_config_registry: urlOf(registry) });
    expect(code).toBe(2);
    expect(report.checks).toMatchObject([
      { result: 'could not check', weaknesses: [], unchecked: [expect.stringContaining('405 Method Not Allowed')] },
    ]);
  });

  test.each([
    ['no file of advisories', undefined, /no file of advisories was given/],
    ['a file that is not there', () => join(clean.root, 'nothing.json'), /is no file of OSV records/],
    ['a file without a record', () => file('empty.json', '[]'), /has no dated record/],
    [
      'a file that is too old',
      () => file('old.json', JSON.stringify([{ id: 'X', modified: '2026-10-01T00:00:00Z' }])),
      /newest record is 51 days old, and at most 30/,
    ],
  ])('offline with %s ends with 2', async (_what, path, told) => {
    const given = path?.();
    const { code, report } = await dependencies({ offline: true, ...(given && { advisories: given }) });
    expect(code).toBe(2);
    expect(report.checks[0]?.unchecked).toEqual([expect.stringMatching(told)]);
  });
  function file(name: string, text: string): string {
    clean.write(`build/${name}`, text);
    return join(clean.root, 'build', name);
  }

  test.each([
    ['history', 'no git history here', (project: SmallProject) => project.git('update-ref', '-d', 'HEAD')],
    ['lockfile', 'package-lock.json cannot be read', ({ write }: SmallProject) => write('package-lock.json', '{')],
    ['licences', 'lists no licences', ({ write }: SmallProject) => write('security-audit.yaml', '')],
    ['iam', 'is older than infra', ({ write }: SmallProject) => write('infra/roles.yml', 'Resources: {}\n')],
  ])('%s ends with 2 where %s', async (check, _reason, spoil) => {
    const project = clean.copy();
    try {
      spoil(project);
      const { code, report } = await audited(project.root, { check });
      expect({ code, result: report.result }).toEqual({ code: 2, result: 'could not check' });
      expect(report.checks[0]?.unchecked).toHaveLength(1);
    } finally {
      project.remove();
    }
  });

  test('a server that was named and does not answer, or is something else, ends it with 2', async () => {
    const other = await serve(() => ({ status: 404 }));
    for (const url of ['http://127.0.0.1:9', urlOf(other)])
      expect((await audited(clean.root, { check: 'headers', url })).code).toBe(2);
  });
});

describe('exceptions', () => {
  const entry = (until: string) =>
    `accepted:\n  - { check: static, rule: eval, where: cli/main.ts, why: looked at by two of us, until: ${until} }\n`;
  test.each([
    ['2026-11-21', 0, 1],
    ['2026-11-20', 1, 0],
  ])('until %s end with exit code %i', async (until, wanted, accepted) => {
    const project = clean.copy();
    try {
      project.write('cli/main.ts', 'eval(text);\n');
      project.write('security-audit.yaml', entry(until));
      const { code, report } = await audited(project.root, { check: 'static' });
      expect(code).toBe(wanted);
      expect(report.checks[0]?.accepted).toHaveLength(accepted);
    } finally {
      project.remove();
    }
  });
});

test('a console that sends its headers is clean, whatever is asked for', async () => {
  const server = await serve((path) =>
    path === '/health'
      ? { status: 200, headers: { ...SECURITY_HEADERS }, body: '{"status":"ok"}' }
      : { status: 404, headers: { ...SECURITY_HEADERS } },
  );
  expect((await audited(clean.root, { check: 'headers', url: urlOf(server) })).code).toBe(0);
});

test('this project is clean', { timeout: 180_000 }, async () => {
  const shallow = spawnSync('git', ['rev-parse', '--is-shallow-repository'], { cwd: root, encoding: 'utf8' });
  const options = {
    offline: true,
    advisories: join(clean.root, 'advisories.jsonl'),
    template: await templateFile('prod'),
  };
  const { code, report } = await audited(root, options);
  expect(report.checks.flatMap(({ weaknesses }) => weaknesses)).toEqual([]);
  // Of an archive, or a clone cut short, the history cannot be looked at, and that is said.
  const whole = shallow.stdout.trim() === 'false';
  expect(report.checks.filter(({ result }) => result !== 'clean').map(({ check }) => check)).toEqual(
    whole ? [] : ['history'],
  );
  expect(code).toBe(whole ? 0 : 2);
});
