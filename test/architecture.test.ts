import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

const files = ['shared', 'functions', 'console', 'web', 'local', 'cli'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
);
const textOf = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

/** What a file imports, statically, dynamically or by re-export: packages by name, our own files by path. */
function importsOf(file: string): string[] {
  const text = (textOf.get(file) ?? '').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = text.matchAll(
    /(?:^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*|^\s*import\s*|\bimport\s*\(\s*|\brequire\s*\(\s*)['"`]([^'"`]+)['"`]/gm,
  );
  return [...found].map(([, name = '']) => (name.startsWith('.') ? normalize(join(dirname(file), name)) : name));
}
const imports = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

const within =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(`${folder}/`));
/** Imports that break a rule, as `from -> to`. */
const broken = (from: (path: string) => boolean, allowed: (to: string, from: string) => boolean) =>
  imports.filter((each) => from(each.from) && !allowed(each.to, each.from)).map((each) => `${each.from} -> ${each.to}`);
const isPackage = (name: string, ...packages: string[]) =>
  packages.some((each) => name === each || name.startsWith(`${each}/`));

describe('the direction of imports', () => {
  test('something was examined', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(imports.length).toBeGreaterThan(150);
    for (const folder of ['shared/model', 'shared/policies', 'shared/aws', 'functions', 'web']) {
      expect(
        imports.some(({ from }) => within(folder)(from)),
        folder,
      ).toBe(true);
    }
  });
  test('the reader of imports sees every form', () => {
    textOf.set(
      'x/probe.ts',
      [
        "import a from 'a';",
        "import {\n  b,\n} from 'b';",
        "import 'c';",
        "export * from './d.ts';",
        "const e = await import('e');",
        "import type { F } from '../f.ts';",
        "// import g from 'g';",
      ].join('\n'),
    );
    expect(importsOf('x/probe.ts')).toEqual(['a', 'b', 'c', 'x/d.ts', 'e', 'f.ts']);
    textOf.delete('x/probe.ts');
  });
  test('every import of our own names a file that is there, with its ending', () => {
    const own = imports.filter(({ to }) => within('shared', 'functions', 'console', 'web', 'local', 'cli')(to));
    expect(own.length).toBeGreaterThan(100);
    expect(own.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  test('the model imports only zod, canonicalize, node:crypto and itself', () => {
    expect(
      broken(
        within('shared/model'),
        (to) => within('shared/model')(to) || isPackage(to, 'zod', 'canonicalize', 'node:crypto'),
      ),
    ).toEqual([]);
  });
  test('policies import only the model, each other and zod', () => {
    expect(
      broken(within('shared/policies'), (to) => within('shared/model', 'shared/policies')(to) || isPackage(to, 'zod')),
    ).toEqual([]);
  });
  test('only functions, shared/aws and the local runtime see the AWS SDK', () => {
    expect(
      broken(
        (from) => !within('functions', 'shared/aws', 'local')(from),
        (to) => !/^@(aws-sdk|smithy)\//.test(to),
      ),
    ).toEqual([]);
  });
  test('a function never imports another function', () => {
    expect(broken(within('functions'), (to) => !within('functions')(to))).toEqual([]);
  });
  test('shared imports nothing of what uses it', () => {
    expect(broken(within('shared'), (to) => !within('functions', 'console', 'web', 'local', 'cli')(to))).toEqual([]);
  });
  test('nothing in the product imports the local runtime or the command line', () => {
    expect(broken(within('shared', 'functions', 'console', 'web'), (to) => !within('local', 'cli')(to))).toEqual([]);
  });
  test('the local runtime does not import the command line', () => {
    expect(broken(within('local'), (to) => !within('cli')(to))).toEqual([]);
  });
  test('what answers routes imports only pages and shared, and is used by functions alone', () => {
    expect(broken(within('console'), (to) => !within('functions', 'local', 'cli')(to))).toEqual([]);
    expect(broken(within('shared', 'web', 'local', 'cli'), (to) => !within('console')(to))).toEqual([]);
  });
  test('pages import only the model, policies and pages', () => {
    expect(broken(within('web'), (to) => within('shared/model', 'shared/policies', 'web')(to))).toEqual([]);
  });
  test('nothing imports tests, benchmarks, infrastructure or the state machine', () => {
    expect(
      broken(
        () => true,
        (to) => !within('test', 'bench', 'infra', 'statemachines')(to),
      ),
    ).toEqual([]);
  });
  test('middy lives in shared/lambda.ts and nowhere else', () => {
    expect(imports.filter(({ to }) => to.startsWith('@middy/')).map(({ from }) => from)).toEqual(['shared/lambda.ts']);
  });
  test('the one table of contents is shared/policies/index.ts', () => {
    expect(files.filter((file) => file.endsWith('/index.ts'))).toEqual(['shared/policies/index.ts']);
    // A file of nothing but `export ... from` is a barrel whatever it is called.
    const barrels = files.filter((file) =>
      (textOf.get(file) ?? '')
        .split(';')
        .map((statement) => statement.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').trim())
        .filter(Boolean)
        .every((statement) => /^export (type )?(\*|\{)[\s\S]*from /.test(statement)),
    );
    expect(barrels).toEqual([]);
  });
});

describe('the core is pure', () => {
  const core = files.filter(within('shared/model', 'shared/policies'));
  test.each(core)('%s asks neither the clock nor chance nor the environment', (file) => {
    expect(textOf.get(file)).not.toMatch(
      /Date\.now\(|new Date\(\)|Math\.random|performance\.now|process\.|console\.|randomUUID|randomBytes/,
    );
  });
  test('there is a core', () => expect(core.length).toBeGreaterThan(25));
});

describe('the state machine', () => {
  type State = Record<string, unknown> & {
    Type: string;
    Resource?: string;
    Parameters?: { FunctionName?: string };
    Catch?: { ErrorEquals: string[]; Next: string }[];
    Retry?: { ErrorEquals: string[]; IntervalSeconds?: number; MaxAttempts?: number }[];
  };
  const text = readFileSync(join(root, 'statemachines/endpoint-compliance.asl.json'), 'utf8');
  const machine = JSON.parse(text) as { StartAt: string; States: Record<string, State>; QueryLanguage?: string };
  const tasks = Object.entries(machine.States).filter(([, { Type }]) => Type === 'Task');
  const names = [...new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name))];
  const fileOf = (name: string) => `${name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()}.ts`;
  /** Lambdas that no state calls: EventBridge, its scheduler, the HTTP API and the ledger's stream do. */
  const calledByOthers = [
    'receive-event.ts',
    // The state machine of the sweep calls it.
    'sweep.ts',
    'show-console.ts',
    'take-answers.ts',
    'take-plans.ts',
    'refresh-prices.ts',
    'archive-records.ts',
    'sign-checkpoints.ts',
  ];

  test('has the six tasks, one to wake an execution, and two to tell approvers of what was refused', () => {
    expect(tasks.map(([name]) => name)).toEqual([
      'GatherFacts',
      'CheckPolicies',
      'WakeSuperseded',
      'RequestApproval',
      'VerifyMonitoring',
      'Remediate',
      'TellGuardsDown',
      'TellNews',
      'RecordOutcome',
    ]);
  });
  test.each(names)('the task %s is a function file of that name', (name) => {
    expect(existsSync(join(root, 'functions', fileOf(name)))).toBe(true);
  });
  test('every function is a task of the state machine or one that AWS calls otherwise', () => {
    const present = readdirSync(join(root, 'functions')).filter((name) => name.endsWith('.ts'));
    expect(present.length).toBeGreaterThan(5);
    expect(present.filter((name) => ![...names.map(fileOf), ...calledByOthers].includes(name))).toEqual([]);
  });
  // Few roles may wake executions or write to people, so states share the functions that have them.
  const shared: Record<string, string> = {
    WakeSuperseded: 'TendRequests',
    TellGuardsDown: 'TellApprovers',
    TellNews: 'TellApprovers',
  };
  const calls = (name: string) => shared[name] ?? name;
  test.each(tasks)('%s calls the function of its name', (name, state) => {
    expect([state.Resource, state.Parameters?.FunctionName]).toContain(`\${${calls(name)}}`);
  });
  test.each(tasks)('%s has a timeout', (_name, state) => {
    expect(state.TimeoutSeconds ?? state.TimeoutSecondsPath).toBeTruthy();
  });
  test.each(tasks.filter(([name]) => !['RecordOutcome', 'WakeSuperseded', 'TellGuardsDown'].includes(name)))(
    'whatever fails in %s ends in a recorded outcome',
    (_name, { Catch }) => {
      expect(Catch?.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'], Next: 'RecordOutcome' });
    },
  );
  test('who verifies or puts back has put the outcome on record and ends there', () => {
    const ending = Object.entries(machine.States).filter(([, { End }]) => End);
    expect(ending.map(([name]) => name)).toEqual(['VerifyMonitoring', 'Remediate', 'TellNews', 'RecordOutcome']);
  });
  test('putting back goes on once approvers were told of guards, or could not be, and knows that they were', () => {
    const { TellGuardsDown } = machine.States;
    const after = [TellGuardsDown?.Next, ...(TellGuardsDown?.Catch ?? []).map(({ Next }) => Next)];
    expect(after).toEqual(['Remediate', 'Remediate']);
    // What was caught stays in the state, and keeps it from coming here a second time.
    expect(TellGuardsDown?.ResultPath).toBe(null);
    expect(machine.States.Remediate?.Catch?.[0]).toEqual({
      ErrorEquals: ['GuardsDownError'],
      ResultPath: '$.guardsDown',
      Next: 'TellGuardsDown',
    });
  });
  test('putting back is waited for longer than it takes the task itself to give up', () => {
    const [waiting] = machine.States.Remediate?.Retry ?? [];
    expect(waiting).toMatchObject({ ErrorEquals: ['NotPutBackYetError'], BackoffRate: 1 });
    const { IntervalSeconds = 0, MaxAttempts = 0 } = waiting ?? {};
    expect(IntervalSeconds * MaxAttempts).toBeGreaterThan(12 * 3_600);
  });
  test('recording the outcome is tried again and again', () => {
    expect(machine.States.RecordOutcome).toMatchObject({
      Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 8 }],
      End: true,
    });
  });
  test('every state that is named exists and can be reached', () => {
    const targets = [...text.matchAll(/"(?:Next|Default|StartAt)": "(\w+)"/g)].map(([, name = '']) => name);
    expect(new Set(targets)).toEqual(new Set(Object.keys(machine.States)));
  });
  test('uses nothing that the local engine silently ignores', () => {
    const keys = new Set<string>();
    JSON.parse(text, (key, value: unknown) => {
      keys.add(key);
      return value;
    });
    expect(keys.size).toBeGreaterThan(20);
    for (const key of ['QueryLanguage', 'Assign', 'Output', 'Arguments', 'HeartbeatSeconds', 'HeartbeatSecondsPath']) {
      expect(keys, key).not.toContain(key);
    }
    expect(text).not.toContain('{%');
  });
});
