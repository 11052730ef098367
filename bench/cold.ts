import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
// @ts-expect-error plain JavaScript, since the packaging tool loads it too
import plugins from '../infra/esbuild-plugins.mjs';
import { formatRatio, median, ratioOf, table } from './ratio.ts';

// Module start of each Lambda in fresh processes, by turns: our bundle, and besides
// - the bare handler: it does nothing but make the same SDK clients, bundled by serverless-esbuild as it is without plugins.
//   That is what a team has before it writes a line, and the goal's peer;
// - the same handler with all that infra/esbuild-plugins.mjs leaves out. It shows what our own code costs at start beside
//   the clients, and has no goal: what it is measured against is our own work (docs/adr/0014-bundles.md);
// - our code with its packages left in node_modules.
// What AWS adds to a cold start is not in it.

const root = fileURLToPath(new URL('..', import.meta.url));
const GOALS = { toBare: 1.25, unbundledTo: 4, kib: 400 };

const CLIENTS: Record<string, [pkg: string, name: string]> = {
  sagemaker: ['@aws-sdk/client-sagemaker', 'SageMakerClient'],
  cloudwatch: ['@aws-sdk/client-cloudwatch', 'CloudWatchClient'],
  scaling: ['@aws-sdk/client-application-auto-scaling', 'ApplicationAutoScalingClient'],
  s3: ['@aws-sdk/client-s3', 'S3Client'],
  dynamodb: ['@aws-sdk/client-dynamodb', 'DynamoDBClient'],
  sfn: ['@aws-sdk/client-sfn', 'SFNClient'],
  kms: ['@aws-sdk/client-kms', 'KMSClient'],
  ses: ['@aws-sdk/client-sesv2', 'SESv2Client'],
  sts: ['@aws-sdk/client-sts', 'STSClient'],
  secrets: ['@aws-sdk/client-secrets-manager', 'SecretsManagerClient'],
  pricing: ['@aws-sdk/client-pricing', 'PricingClient'],
};

/** As serverless.yml has it. */
const packaged: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  mainFields: ['module', 'main'],
  plugins,
  logLevel: 'error',
  legalComments: 'none',
};

/** Which clients are in a bundle, by the packages that went into it. */
async function clientsOf(entry: string): Promise<string[]> {
  const { metafile } = await build({ ...packaged, entryPoints: [entry], write: false, metafile: true });
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  return Object.keys(CLIENTS).filter((name) => inputs.some((input) => input.includes(`${CLIENTS[name]?.[0]}/`)));
}

/** Milliseconds that a fresh process takes to load a module. Some packages exist as ES modules only. */
function startMs(file: string): number {
  const load = file.endsWith('.mjs') ? 'await import' : 'require';
  const script = `const start = performance.now(); ${load}(${JSON.stringify(file)}); console.log(performance.now() - start)`;
  const { NODE_COMPILE_CACHE: _none, ...env } = process.env;
  return Number(
    execFileSync(process.execPath, ['-e', load === 'require' ? script : `(async () => { ${script} })()`], {
      encoding: 'utf8',
      env: { ...env, AWS_REGION: 'us-east-1' },
    }),
  );
}

/** Sizes and module starts of all functions, by turns. */
export async function benchCold({ rounds = 11 } = {}) {
  // Below the project, so that the unbundled side finds node_modules.
  const parent = join(root, 'build');
  mkdirSync(parent, { recursive: true });
  const dir = mkdtempSync(join(parent, 'cold-'));
  try {
    const rows = [];
    for (const file of readdirSync(join(root, 'functions')).sort()) {
      const name = file.replace('.ts', '');
      const entry = join(root, 'functions', file);
      const clients = await clientsOf(entry);
      const bare = clients
        .map((client) => CLIENTS[client])
        .map((client) => `import { ${client?.[1]} } from '${client?.[0]}'; made.push(new ${client?.[1]}({}));`)
        .join('\n');
      writeFileSync(
        join(dir, `${name}.bare.mjs`),
        `const made = [];\n${bare}\nexport const handler = async () => made.length;\n`,
      );
      const out = (side: string) => join(dir, `${name}.${side}.${side === 'unbundled' ? 'mjs' : 'cjs'}`);
      await build({ ...packaged, entryPoints: [entry], outfile: out('ours') });
      const bareEntry = { entryPoints: [join(dir, `${name}.bare.mjs`)] };
      await build({ ...packaged, ...bareEntry, plugins: [], outfile: out('bare') });
      await build({ ...packaged, ...bareEntry, outfile: out('pruned') });
      await build({
        ...packaged,
        plugins: [],
        format: 'esm',
        packages: 'external',
        entryPoints: [entry],
        outfile: out('unbundled'),
      });
      const sides = ['ours', 'bare', 'pruned', 'unbundled'] as const;
      const times: Record<(typeof sides)[number], number[]> = { ours: [], bare: [], pruned: [], unbundled: [] };
      for (let round = -1; round < rounds; round += 1) {
        for (const side of sides) {
          const ms = startMs(out(side));
          if (round >= 0) times[side].push(ms);
        }
      }
      rows.push({
        name,
        clients,
        kib: statSync(out('ours')).size / 1024,
        ms: median(times.ours),
        toBare: ratioOf(times.ours, times.bare),
        toPruned: ratioOf(times.ours, times.pruned),
        unbundledTo: ratioOf(times.unbundled, times.ours),
      });
    }
    const ok = rows.every(
      ({ kib, toBare, unbundledTo }) =>
        kib <= GOALS.kib && toBare.median <= GOALS.toBare && unbundledTo.median >= GOALS.unbundledTo,
    );
    return {
      ok,
      result: { rounds, goals: GOALS, functions: rows },
      lines: [
        `Module start in fresh processes, ${rounds} rounds by turns. Goals: at most ${GOALS.kib} KiB, at most ${GOALS.toBare}x a bare handler with the same clients, unbundled at least ${GOALS.unbundledTo}x as long.`,
        'Bare: as serverless-esbuild bundles it by itself. Pruned: the same handler with what our plugins leave out; no goal.',
        ...table([
          ['function', 'KiB', 'ms', 'to bare', 'to pruned', 'unbundled', 'goals', 'clients'],
          ...rows.map(({ name, kib, ms, toBare, toPruned, unbundledTo, clients }) => [
            name,
            kib.toFixed(0),
            ms.toFixed(1),
            formatRatio(toBare),
            formatRatio(toPruned),
            formatRatio(unbundledTo),
            [
              kib <= GOALS.kib ? '' : 'size MISSED',
              toBare.median <= GOALS.toBare ? '' : 'bare MISSED',
              unbundledTo.median >= GOALS.unbundledTo ? '' : 'unbundled MISSED',
            ]
              .filter(Boolean)
              .join(', ') || 'met',
            clients.join(' '),
          ]),
        ]),
      ],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string' } } });
  const { ok, result, lines } = await benchCold(values.rounds ? { rounds: Number(values.rounds) } : {});
  console.log(values.json ? JSON.stringify(result, null, 2) : lines.join('\n'));
  process.exitCode = ok ? 0 : 1;
}
