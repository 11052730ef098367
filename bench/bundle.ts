// `npm run bench:bundle`: how long an evidence bundle of a long trail takes, from the store of the runtime on this machine
// to the archive, and that its verifier proves it. Exit code 1 where a goal is missed. `--records n` for a shorter trail.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fillLedger } from './change-stories.ts';
import { startRuntime } from './driver.ts';
import { unpack } from './unpack.ts';
import { thinServices } from './waiting-requests.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '100000' }, endpoints: { type: 'string', default: '1000' } },
});
const GOALS = { seconds: 60, maxRssMb: 400 };
const writer = fileURLToPath(new URL('./bundle-writer.ts', import.meta.url));

type Written = {
  code: number;
  ms: number;
  cpuMs: number;
  maxRssMb: number;
  records: number;
  changes: number;
  bytes: number;
};

const runtime = await startRuntime('approvals: { approvers: [] }\n');
let met = false;
try {
  const filled = await fillLedger(thinServices(runtime.awsUrl), {
    records: Number(values.records),
    endpoints: Number(values.endpoints),
    weeks: 12,
    waiting: 0,
  });
  await fetch(`${runtime.awsUrl}/_loopback/checkpoints`, { method: 'POST' });
  const archive = join(runtime.dataDir, 'evidence.zip');
  const output = execFileSync(process.execPath, [writer, new URL(runtime.awsUrl).port, archive], { encoding: 'utf8' });
  const { code, ms, cpuMs, maxRssMb, records, changes, bytes } = JSON.parse(output) as Written;
  const folder = join(runtime.dataDir, 'evidence');
  for await (const [path, content] of unpack(archive)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const verified = spawnSync(process.execPath, [join(folder, 'verify.mjs'), folder], { encoding: 'utf8' });
  console.log(`A bundle of ${records} records of ${changes} changes (${filled.endpoints.length} endpoints):`);
  console.log(
    `    ${(ms / 1_000).toFixed(1)} s (at most ${GOALS.seconds}; processor time ${(cpuMs / 1_000).toFixed(1)} s), ${(bytes / 1e6).toFixed(1)} MB packed`,
  );
  console.log(`    ${maxRssMb.toFixed(0)} MB of memory (at most ${GOALS.maxRssMb})`);
  console.log(`    ${verified.stdout.trim().split('\n').at(-1)}`);
  met =
    code === 0 &&
    // Changes are told to their end, so it may be some records more or less.
    records >= 0.99 * Number(values.records) &&
    verified.status === 0 &&
    ms <= GOALS.seconds * 1_000 &&
    maxRssMb <= GOALS.maxRssMb;
} finally {
  await runtime.stop();
}
console.log(met ? 'met' : 'MISSED');
process.exit(met ? 0 : 1);
