import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const STAGES = ['dev', 'prod'] as const;
export type Stage = (typeof STAGES)[number];

// biome-ignore lint/suspicious/noExplicitAny: a template is as deep as AWS makes it, and tests say what they expect.
type Properties = Record<string, any>;
export type Resource = {
  Type: string;
  Properties: Properties;
  Condition?: string;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};
export type Template = {
  Resources: Record<string, Resource>;
  Conditions: Record<string, unknown>;
  Outputs: Record<string, unknown>;
};

/** Everything that a template is made of, so that the same sources are packaged once for all test files. */
const FOLDERS = ['infra', 'statemachines', 'scripts', 'shared/prices'];
const FILES = ['serverless.yml', 'portcullis.yaml', 'shared/config.ts', 'shared/config-yaml.ts', 'package-lock.json'];

function digestOfSources(): string {
  const digest = createHash('sha256');
  const listed = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  for (const file of [...FILES.map((name) => join(root, name)), ...listed].sort()) digest.update(readFileSync(file));
  return digest.digest('hex').slice(0, 16);
}

/**
 * Makes a folder that looks like the project, so that packaging leaves nothing in the project and two packagings do not
 * meet. Without `bundles` its functions are empty: the template is the same, and takes half the time.
 */
export function serviceFolder(path: string, { bundles }: { bundles: boolean }): void {
  mkdirSync(path, { recursive: true });
  for (const name of [
    'infra',
    'statemachines',
    'shared',
    'web',
    'node_modules',
    'package.json',
    'portcullis.yaml',
    ...(bundles ? ['functions'] : []),
  ])
    symlinkSync(join(root, name), join(path, name));
  // osls takes no link for its own file.
  copyFileSync(join(root, 'serverless.yml'), join(path, 'serverless.yml'));
  if (bundles) return;
  mkdirSync(join(path, 'functions'));
  const serverless = readFileSync(join(root, 'serverless.yml'), 'utf8');
  for (const [, name] of serverless.matchAll(/handler: (functions\/[\w-]+)\.handler/g))
    writeFileSync(join(path, `${name}.ts`), 'export const handler = async () => undefined;\n');
}

export function packageIn(folder: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const { AWS_PROFILE: _profile, ...env } = process.env;
    const child = spawn(process.execPath, [join(root, 'scripts/package.ts'), ...args], { cwd: folder, env });
    let output = '';
    const take = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function packageAll(folder: string): Promise<void> {
  await Promise.all(
    STAGES.map(async (stage) => {
      const service = join(folder, stage);
      serviceFolder(service, { bundles: false });
      const { code, output } = await packageIn(service, '--stage', stage, '--region', 'eu-west-1');
      if (code !== 0) throw new Error(`Packaging ${stage} failed:\n${output.slice(-4_000)}`);
    }),
  );
}

const GIVEN_UP_AFTER_MS = 120_000;
const PREFIX = 'portcullis-packaged-';

/** Takes the making upon itself, unless somebody else is at it; who was killed at it is not waited for. */
function mayMake(making: string): boolean {
  try {
    mkdirSync(making);
    return true;
  } catch {
    const since = statSync(making, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > GIVEN_UP_AFTER_MS) rmSync(making, { recursive: true, force: true });
    return false;
  }
}

function forgetOlderThanADay(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) {
    const since = statSync(join(tmpdir(), name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > 86_400_000) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Packages all stages, once for all test files and unchanged sources. */
async function packaged(): Promise<string> {
  const done = join(tmpdir(), `${PREFIX}${digestOfSources()}`);
  const making = `${done}.making`;
  while (!existsSync(done)) {
    if (!mayMake(making)) {
      await sleep(100);
      continue;
    }
    try {
      if (!existsSync(done)) {
        await packageAll(making);
        renameSync(making, done);
        forgetOlderThanADay();
      }
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
  }
  return done;
}

export const templateFile = async (stage: Stage) =>
  join(await packaged(), stage, 'build', stage, 'package', 'cloudformation-template-update-stack.json');

export async function readTemplate(stage: Stage): Promise<Template> {
  return JSON.parse(readFileSync(await templateFile(stage), 'utf8')) as Template;
}

/** Name and resource of everything of a type. */
export const ofType = ({ Resources }: Pick<Template, 'Resources'>, type: string): [string, Resource][] =>
  Object.entries(Resources).filter(([, { Type }]) => Type === type);

/** `['Function', 'Arn']` of `Fn::GetAtt`, as one word. */
export const attribute = (value: { 'Fn::GetAtt'?: string[] } | undefined) => value?.['Fn::GetAtt']?.join('.');

/** An ARN of this account and region, as `!Sub` has it. */
export const arn = (service: string, rest: string) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`,
});
