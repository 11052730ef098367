// `npm run cost`: what 1,000 changes and a month at rest cost on AWS, from the packaged template, a price file and
// counted local runs. Exit code 1 where a goal is missed. Needs no AWS account. `--write` puts the table into docs/cost.md.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { between } from '../scripts/between.ts';
import type { PackagedSettings } from '../shared/config.ts';
import { billFor } from './bill.ts';
import { count } from './counts.ts';
import { measureLogLines } from './log-lines.ts';
import { ASSUMED, type Assumed } from './mix.ts';
import type { Prices } from './model.ts';
import { report } from './report.ts';
import type { Template } from './template.ts';

const { values: options } = parseArgs({
  options: {
    stage: { type: 'string', default: 'dev' },
    template: { type: 'string' },
    prices: { type: 'string', default: 'cost/prices.json' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    'aws-call-ms': { type: 'string' },
    'deployment-minutes': { type: 'string' },
    endpoints: { type: 'string' },
  },
});
const given = {
  awsCallMs: options['aws-call-ms'],
  deploymentMinutes: options['deployment-minutes'],
  endpoints: options.endpoints,
};
const assumed = Object.fromEntries(
  Object.entries(ASSUMED).map(([name, { value }]) => [name, Number(given[name as keyof typeof given] ?? value)]),
) as Assumed;
const readJson = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T;

const build = join('build', options.stage);
const settingsFile = join(build, 'portcullis.settings.json');
const templateFile = options.template ?? join(build, 'package', 'cloudformation-template-update-stack.json');
if (!existsSync(templateFile) || !existsSync(settingsFile)) {
  // Its own output must not get into ours.
  const args = ['scripts/package.ts', '--stage', options.stage];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(2);
}
const template = readJson<Template>(templateFile);
const { prices } = readJson<{ prices: Prices }>(options.prices);
const settings = readJson<PackagedSettings>(settingsFile);
const counted = await count(template, settings, {
  runs: Number(options.runs),
  endpoints: assumed.endpoints,
  tell: (text) => console.error(text),
});
const bill = await billFor(template, prices, counted, await measureLogLines(settingsFile), assumed);
const text = report(bill, assumed).join('\n');
console.log(options.json ? JSON.stringify({ ...bill, assumed }, null, 2) : text);
if (options.write) {
  const cores = cpus();
  const machine = `${cores[0]?.model}, ${cores.length} cores, ${process.platform} ${process.arch}, Node ${process.version}`;
  const when = `${new Date().toISOString().slice(0, 10)}, ${machine}; each kind of change ${options.runs} times.`;
  const counted = `\n${when}\n\n\`\`\`text\n${text}\n\`\`\`\n`;
  writeFileSync('docs/cost.md', between(readFileSync('docs/cost.md', 'utf8'), 'counted', counted));
}
process.exitCode = bill.goals.every(({ met }) => met) ? 0 : 1;
