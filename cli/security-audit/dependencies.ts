import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { jsonOf, type NpmRun, reasonOf, runNpm } from './npm.ts';
import { bulkOf, type OsvRecord, parseOsv } from './osv.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

/** Advisories that are older than this say nothing about what is known now. */
const FRESH_DAYS = 30;

type Via = { title: string; url: string; severity: string; range: string };
export type Vulnerability = {
  name: string;
  severity: string;
  isDirect: boolean;
  via: (Via | string)[];
  range: string;
  fixAvailable: boolean | { name: string; version: string; isSemVerMajor: boolean };
};
type AuditReport = {
  vulnerabilities: Record<string, Vulnerability>;
  metadata: { dependencies: { total: number } };
};

/** The report of `npm audit --json`, or why there is none. A refusal is neither "clean" nor "vulnerable". */
export function reportOf(run: NpmRun): AuditReport | { reason: string } {
  const told = jsonOf(run) as Partial<AuditReport> | undefined;
  const total = told?.metadata?.dependencies?.total;
  if (told?.vulnerabilities === undefined || total === undefined) return { reason: reasonOf(run) };
  return total > 0 ? (told as AuditReport) : { reason: 'npm found no packages to ask about' };
}

/** What is wrong with a package itself; what only depends on one that is named anyway is left out. */
export function weaknessesOf({ vulnerabilities }: AuditReport): Weakness[] {
  return Object.values(vulnerabilities).flatMap(({ name, via, fixAvailable }) =>
    via
      .filter((each) => typeof each === 'object')
      .map(({ title, url, severity, range }) => ({
        where: `${name} ${range} (${url.split('/').at(-1)})`,
        why: `${severity}: ${title} (${url})`,
        todo:
          fixAvailable === false
            ? 'There is no fixed version: replace the package, or accept it until a day in security-audit.yaml.'
            : 'Update it: portcullis vulnerabilities shows what would change, --apply does it.',
      })),
  );
}

/** The records of an offline file, or why they cannot be used. */
function readAdvisories(path: string, now: string): OsvRecord[] | { reason: string } {
  let records: OsvRecord[];
  try {
    const bytes = readFileSync(path);
    records = parseOsv((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
  } catch (error) {
    return { reason: `${path} is no file of OSV records: ${(error as Error).message.split('\n')[0]}` };
  }
  const newest = Math.max(...records.map(({ modified }) => Date.parse(modified)));
  const days = Math.floor((Date.parse(now) - newest) / 86_400_000);
  if (Number.isFinite(days) && days <= FRESH_DAYS) return records;
  const age = Number.isFinite(days) ? `its newest record is ${days} days old` : 'it has no dated record';
  return { reason: `${path} says nothing about today: ${age}, and at most ${FRESH_DAYS} are allowed` };
}

/** Answers as npm's registry does, from a file, so that npm compares versions itself and asks nobody outside. */
async function auditAgainst(records: OsvRecord[], { root, env }: Audited): Promise<NpmRun> {
  const advisories = bulkOf(records);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const asked = request.method === 'POST' && request.url?.endsWith('/advisories/bulk');
    response.writeHead(asked ? 200 : 404, { 'content-type': 'application/json' });
    if (!asked) return response.end('{}');
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    // Only what it asks about: npm looks up every package that it is told of.
    const names = Object.keys(JSON.parse(text.toString('utf8')) as object).filter((name) => name in advisories);
    return response.end(JSON.stringify(Object.fromEntries(names.map((name) => [name, advisories[name]]))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const registry = `--registry=http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return await runNpm(['audit', '--json', registry], { cwd: root, env });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Known vulnerabilities of every package in the lock file, by npm: online, or against a file of advisories. */
export async function checkDependencies(audited: Audited): Promise<Seen> {
  const { root, env, offline, advisories, now } = audited;
  let run: NpmRun;
  if (offline) {
    if (advisories === undefined) return unseen('offline, and no file of advisories was given (--advisories FILE)');
    const records = readAdvisories(advisories, now);
    if ('reason' in records) return unseen(records.reason);
    run = await auditAgainst(records, audited);
  } else run = await runNpm(['audit', '--json'], { cwd: root, env });
  const report = reportOf(run);
  if ('reason' in report) return unseen(`the registry did not answer: ${report.reason}`);
  return seen(`${report.metadata.dependencies.total} packages`, weaknessesOf(report));
}
