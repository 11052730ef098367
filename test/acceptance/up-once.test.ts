import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { table } from '../../cli/output.ts';
import { type UpOptions, up as upAs } from '../../cli/up.ts';
import { portcullis, printed, type Run, root } from '../cli/portcullis.ts';
import { give } from '../spawn-gate.ts';
import { Runtime } from './runtime.ts';

// Every test starts processes, and the machine may be doing other things as well.
vi.setConfig({ testTimeout: 60_000 });

type Row = { endpoint: string; environment: string; state: string; because: string[]; reason: string; link?: string };
type Told = { name: string; ends: string; because?: string[]; tags: { environment?: string } };

const { endpoints: fleet } = parse(readFileSync(join(root, 'examples/fleet.yaml'), 'utf8')) as { endpoints: Told[] };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-up-'));
  mkdirSync(join(folder, 'examples'));
  for (const file of ['portcullis.yaml', 'examples/fleet.yaml']) copyFileSync(join(root, file), join(folder, file));
  give(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const up = (args: string[]) =>
  portcullis(
    [
      'up',
      '--once',
      ...(args.includes('--aws-port') ? [] : ['--aws-port', '0']),
      ...(args.includes('--console-port') ? [] : ['--console-port', '0']),
      ...args,
    ],
    { cwd: folder },
  );

describe('portcullis up --once', () => {
  let first: Row[];

  test('runs the example fleet to its end: every endpoint ends as the fleet says, and because of what it says', async () => {
    const { code, out, err } = await up(['--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    first = JSON.parse(out) as Row[];
    const concluded = first.map(({ endpoint, state, because }) => ({ endpoint, state, because: [...because].sort() }));
    const told = fleet.map(({ name, ends, because = [] }) => ({
      endpoint: name,
      state: ends,
      because: [...because].sort(),
    }));
    expect(told.length).toBeGreaterThan(20);
    expect(new Set(told.map(({ state }) => state))).toEqual(new Set(['compliant', 'waiting', 'blocked']));
    expect(concluded).toEqual(told.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1)));
    for (const { state, link } of first)
      expect(/\/approvals\/[a-z0-9]{26}$/.test(link ?? ''), link).toBe(state === 'waiting');
  });

  test('leaves a directory that nobody else can look into, and no sign of a runtime', () => {
    const data = join(folder, '.portcullis');
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(data)).toBe(0o700);
    const entries = readdirSync(data, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(files).toEqual(expect.arrayContaining(['aws.sqlite', 'executions.sqlite']));
    expect(files.filter((name) => mode(join(data, name)) !== 0o600)).toEqual([]);
    expect(entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()).toEqual([
      'checkpoints',
      'dynamodb',
      'logs',
    ]);
    const logs = readdirSync(join(data, 'logs')).map((name) => mode(join(data, 'logs', name)));
    expect([mode(join(data, 'logs')), ...new Set(logs)]).toEqual([0o700, 0o600]);
    expect(files).not.toContain('runtime.pid');
  });

  test('a second run on the same directory finds the same; for people it is a table', async () => {
    const { code, out, err } = await up([]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const rows = first.map(({ endpoint, environment, state, because, reason }) => [
      endpoint,
      environment,
      state,
      because.join(', ') || '-',
      reason,
    ]);
    expect(out).toBe(`${table(['ENDPOINT', 'ENV', 'STATE', 'POLICIES', 'REASON'], rows)}\n`);
  });
});

/** From within this process, which takes a fifth of the time of one that starts. */
const upHere = (options: Partial<UpOptions>) => {
  const defaults = { fleet: 'examples/fleet.yaml', transitionMs: '1000', duplicateEvents: '0', delayEvents: '0' };
  const ports = { awsPort: '0', consolePort: '0', consoleAddress: '127.0.0.1' };
  return printed((output) => upAs({ ...defaults, ...ports, data: 'never', once: true, ...options }, output));
};

describe('portcullis up does not start', () => {
  beforeAll(() => process.chdir(folder));
  afterAll(() => process.chdir(root));
  const refused = async (ended: Promise<Run>) => {
    const { code, out, err } = await ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toMatch(/\n {4}at /);
    return err;
  };
  const inside = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return name;
  };

  test('on a port that is taken: it says which, and what to do', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    const [aws, console] = await Promise.all([
      refused(up(['--aws-port', String(port), '--data', 'taken-1'])),
      refused(upHere({ consolePort: String(port), data: 'taken-2' })),
    ]);
    expect(aws).toBe(
      `Port ${port} for the loopback AWS is taken. Stop what uses it, or choose another with --aws-port.\n`,
    );
    expect(console).toBe(
      `Port ${port} for the console is taken. Stop what uses it, or choose another with --console-port.\n`,
    );
    await new Promise((resolve) => holder.close(resolve));
  });

  test('with a data directory that is a file', async () => {
    const err = await refused(upHere({ data: inside('a-file', 'kept') }));
    expect(err).toMatch(/^\S*\/a-file is a file\. Choose a directory with --data\.\n$/);
    expect(readFileSync(join(folder, 'a-file'), 'utf8')).toBe('kept');
  });

  test('with a portcullis.yaml that has mistakes: it lists all of them', async () => {
    const PORTCULLIS_CONFIG = inside(
      'broken.yaml',
      `
environments: { tagKey: 7 }
policies: { prod: { minInstances: two, maxHourlyCostUsd: -1 }, stagin: {} }
approvals: { timeoutHours: 0, approvers: [{ id: "A!", name: A, email: nobody }] }
`,
    );
    vi.stubEnv('PORTCULLIS_CONFIG', PORTCULLIS_CONFIG);
    const err = await refused(upHere({}));
    vi.unstubAllEnvs();
    const [heading, ...mistakes] = err.trimEnd().split('\n');
    expect(heading).toBe('The configuration has 7 mistakes:');
    const fields = [
      'environments.tagKey',
      'policies.prod.minInstances',
      'policies.prod.maxHourlyCostUsd',
      'policies',
      'approvals.timeoutHours',
      'approvals.approvers.0.id',
      'approvals.approvers.0.email',
    ];
    expect(mistakes.map((line) => /^ {2}broken\.yaml: (\S+): /.exec(line)?.[1]).sort()).toEqual(fields.sort());
    expect(readdirSync(folder)).not.toContain('never');
  });

  test('with a fleet that has mistakes', async () => {
    const err = await refused(upHere({ fleet: inside('fleet.yaml', 'endpoints: [{ name: "a b" }]') }));
    expect(err).toMatch(/^The fleet file fleet\.yaml cannot be used:\n {2}endpoints\.0\./);
  });

  test('in a directory that another runtime uses, which goes on', async () => {
    const runtime = new Runtime();
    await runtime.start();
    try {
      const data = join(runtime.dataDir, 'data');
      const err = await refused(upHere({ data }));
      expect(err).toBe(
        `${data} is in use by process ${runtime.pid}. Stop it, or choose another directory with --data.\n`,
      );
      expect(readFileSync(join(data, 'runtime.pid'), 'utf8')).toBe(String(runtime.pid));
      // Whoever runs the tests, what they start is not root's.
      expect(statSync(join(data, 'runtime.pid')).uid).not.toBe(0);
      expect((await fetch(`${runtime.ready.consoleUrl}/health`)).status).toBe(200);
    } finally {
      await runtime.remove();
    }
  });
});
