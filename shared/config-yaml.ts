import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { type Config, type ConfigFile, checkConfigFile, configFrom, problemsIn } from './config.ts';
import { problemsWithVariables } from './environment-variables.ts';
import { PLANNED_CHANGE } from './model/plan-match.ts';
import { PriceTable } from './model/price-table.ts';
import { policies } from './policies/index.ts';

/** Parses `portcullis.yaml` text; adds what is wrong with it to `problems`. */
export function parseConfigFile(text: string, name: string, problems: string[]): ConfigFile | undefined {
  let input: unknown;
  try {
    input = parseYaml(text) ?? {};
  } catch (error) {
    problems.push(`${name}: not YAML: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
  const file = checkConfigFile(input, name, problems);
  // A rule for a policy that does not exist would never ask anybody.
  for (const [index, { policy }] of (file?.approvals.rules ?? []).entries()) {
    if (policy !== undefined && policy !== PLANNED_CHANGE && !policies.some(({ id }) => id === policy)) {
      problems.push(`${name}: approvals.rules.${index}.policy: there is no policy ${JSON.stringify(policy)}`);
    }
  }
  return file;
}

const shippedPrices = new URL('./prices/sagemaker-hosting-us-east-1.json', import.meta.url);

export function loadPrices(file: string | undefined, configPath: string, problems: string[]): PriceTable | undefined {
  const path = file === undefined ? shippedPrices : resolve(configPath, '..', file);
  try {
    const parsed = PriceTable.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
    problems.push(...problemsIn(`prices.file ${file ?? '(shipped)'}`, undefined, parsed.error));
  } catch (error) {
    problems.push(`prices.file: cannot be read: ${(error as Error).message}`);
  }
  return undefined;
}

/**
 * Reads environment variables, `portcullis.yaml` and its prices. A missing file means the defaults, unless it was asked
 * for by name. Throws ConfigError with every mistake, those in `before` included.
 */
export function loadConfig(env: NodeJS.ProcessEnv, before: readonly string[] = []): Config {
  const problems = [...problemsWithVariables(env), ...before];
  const path = env.PORTCULLIS_CONFIG ?? 'portcullis.yaml';
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!missing || env.PORTCULLIS_CONFIG !== undefined) {
      problems.push(`PORTCULLIS_CONFIG: ${path} cannot be read: ${(error as Error).message}`);
    }
  }
  const file = parseConfigFile(text, path, problems);
  return configFrom(env, file, loadPrices(file?.prices.file, path, problems), problems);
}
