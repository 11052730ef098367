// One side of bench/bundle.ts in a process of its own: `audit bundle` as somebody starts it, and what it took.
import { auditBundle } from '../cli/audit-bundle.ts';

const [awsPort = '', output = ''] = process.argv.slice(2);
const started = performance.now();
const said: string[] = [];
const code = await auditBundle(
  { local: true, awsPort, output, json: true, reconcile: false },
  { out: (text) => said.push(text), err: (text) => process.stderr.write(`${text}\n`), terminal: false, width: 120 },
);
const ms = performance.now() - started;
const { records, changes, bytes } = JSON.parse(said.join('\n')) as Record<string, number>;
const { user, system } = process.cpuUsage();
const cpuMs = (user + system) / 1_000;
const maxRssMb = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(JSON.stringify({ code, ms, cpuMs, maxRssMb, records, changes, bytes }));
process.exit(0);
