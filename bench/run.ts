// `npm run bench`: every benchmark, each with its goal. Exit code 1 where one is missed. `--only a,b` runs some of them,
// `--seconds 15` the pipeline for so long.
import { parseArgs } from 'node:util';
import { benchEncryption } from './encryption.ts';
import { benchStart, benchWaiting } from './footprint.ts';
import { benchDuplicates, benchPipeline } from './pipeline.ts';
import { benchPolicies } from './policies.ts';
import { benchReads } from './reads.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string' }, seconds: { type: 'string' } },
});
const benches: Record<string, () => Promise<{ ok: boolean; lines: string[]; result: object }>> = {
  policies: () => benchPolicies(),
  pipeline: () => benchPipeline(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
  duplicates: () => benchDuplicates(),
  start: () => benchStart(),
  reads: () => benchReads(),
  waiting: () => benchWaiting(),
  encryption: () => benchEncryption(),
};
const chosen = values.only?.split(',') ?? Object.keys(benches);
const unknown = chosen.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`--only ${unknown.join(',')}: there is ${Object.keys(benches).join(', ')}.`);
  process.exit(64);
}
const results: Record<string, object> = {};
let missed = 0;
for (const name of chosen) {
  const bench = await benches[name]?.();
  if (!bench) continue;
  results[name] = { ok: bench.ok, ...bench.result };
  if (!values.json) console.log(`${bench.lines.join('\n')}\n    ${bench.ok ? 'met' : 'MISSED'}\n`);
  if (!bench.ok) missed += 1;
}
if (values.json) console.log(JSON.stringify(results, null, 2));
process.exit(missed === 0 ? 0 : 1);
