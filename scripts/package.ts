// Checks every setting, writes what the templates and the functions read, and packages one stage: offline, without
// credentials. `node scripts/package.ts --stage prod --region eu-west-1`; the package is in build/<stage>/package.
// With --deploy that package is deployed, with the credentials of the environment.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { CliError } from '../cli/output.ts';
import { refusePrivileges } from '../cli/refuse-privileges.ts';
import { type PackagedSettings, problemsIn } from '../shared/config.ts';
import { ConfigError } from '../shared/config-error.ts';
import { loadPrices, parseConfigFile } from '../shared/config-yaml.ts';
import { Deployment, problemsWithRemediation, Region, Stage, stageValues } from './packaged-settings.ts';

const CONFIG = 'portcullis.yaml';
const STAGES = 'infra/stages.yml';
const Stages = z.record(z.string(), z.record(z.string(), z.unknown()));

/** What `read` makes of a file, or undefined and a problem. */
function tryReading<T>(path: string, problems: string[], read: (text: string) => T): T | undefined {
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    problems.push(`${path}: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

/** The settings of one stage: what all stages have, and then its own. */
function readDeployment(stage: string, problems: string[]): Deployment | undefined {
  const stages = tryReading(STAGES, problems, (text) => Stages.parse(parseYaml(text)));
  if (!stages) return undefined;
  if (!Object.hasOwn(stages, stage)) problems.push(`${STAGES}: there is no stage ${stage}`);
  const input = { ...stages.default, ...stages[stage] };
  const parsed = Deployment.safeParse(input);
  if (!parsed.success) problems.push(...problemsIn(`${STAGES} (${stage})`, input, parsed.error));
  return parsed.data;
}

/** Everything that is packaged with a stage. Throws ConfigError with every mistake. */
function readSettings(stage: string, region: string) {
  const problems: string[] = [];
  const told = [
    [`--stage ${stage}`, Stage.safeParse(stage)],
    [`--region ${region}`, Region.safeParse(region)],
  ] as const;
  for (const [option, { error }] of told) if (error) problems.push(`${option}: ${error.issues[0]?.message}`);
  const file = tryReading(CONFIG, problems, (text) => parseConfigFile(text, CONFIG, problems));
  const prices = loadPrices(file?.prices.file, CONFIG, problems);
  const deployment = readDeployment(stage, problems);
  if (file && deployment) problems.push(...problemsWithRemediation(deployment, file));
  if (!file || !prices || !deployment || problems.length > 0) throw new ConfigError(problems);
  const settings: PackagedSettings = { file, prices };
  return { settings, values: stageValues(deployment, file) };
}

function osls(...args: string[]): number {
  const program = join('node_modules', 'osls', 'bin', 'serverless.js');
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status ?? 1;
}

function packageStage(stage: string, region: string, deploy: boolean): number {
  const { settings, values } = readSettings(stage, region);
  const build = join('build', stage);
  mkdirSync(build, { recursive: true });
  writeFileSync(join(build, 'portcullis.settings.json'), JSON.stringify(settings));
  writeFileSync(join(build, 'stage.json'), JSON.stringify(values, undefined, 2));
  const where = ['--stage', stage, '--region', region, '--package', join(build, 'package')];
  const status = osls('package', ...where);
  return status === 0 && deploy ? osls('deploy', ...where) : status;
}

const { values: options } = parseArgs({
  options: {
    stage: { type: 'string', default: 'dev' },
    region: { type: 'string', default: 'us-east-1' },
    deploy: { type: 'boolean', default: false },
  },
});
try {
  if (options.deploy) refusePrivileges('The deployment');
  process.exitCode = packageStage(options.stage, options.region, options.deploy);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof CliError)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof CliError ? error.exitCode : 2;
}
