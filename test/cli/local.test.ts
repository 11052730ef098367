import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  approvalsAgain,
  approvalsAnswer,
  approvalsCode,
  approvalsComment,
  approvalsReview,
  approvalsWithdraw,
} from '../../cli/approval-actions.ts';
import { approvalsList, approvalsReviews, approvalsShow } from '../../cli/approvals.ts';
import { auditExport, auditList, auditShow } from '../../cli/audit.ts';
import { auditQuery, type QueryOptions } from '../../cli/audit-query.ts';
import { auditReconcile } from '../../cli/audit-reconcile.ts';
import { auditSettings } from '../../cli/audit-settings.ts';
import { auditVerify } from '../../cli/audit-verify.ts';
import { changes } from '../../cli/changes.ts';
import { cost } from '../../cli/cost.ts';
import { doctor } from '../../cli/doctor.ts';
import { listQuarantinedEvents } from '../../cli/events.ts';
import type { Output } from '../../cli/output.ts';
import { pricesRefresh, pricesShow } from '../../cli/prices.ts';
import { FORMATS, type Format } from '../../cli/report.ts';
import { scan } from '../../cli/scan.ts';
import { type SmokeReport, smoke } from '../../cli/smoke.ts';
import { waiverGrant, waiverList, waiverRevoke } from '../../cli/waiver.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { deploy, eventually, outcomeOf, requestOf } from '../acceptance/gate.ts';
import { ACCOUNT, Runtime } from '../acceptance/runtime.ts';
import { readSarif } from '../published-sarif.ts';
import { portcullis, printed, typed, UNSEEN } from './portcullis.ts';

// Every test starts processes, and the machine may be doing other things as well.
vi.setConfig({ testTimeout: 60_000 });

// Every command that asks a running gate, one after the other against one runtime.
let runtime: Runtime;
let folder: string;
/** Requests of the two production endpoints that wait. */
let asked: string;
let unwanted: string;

const options = () => ({ local: true, awsPort: new URL(runtime.ready.awsUrl).port });
const local = (...args: string[]) =>
  portcullis([...args, '--local', '--aws-port', options().awsPort], {
    env: { PORTCULLIS_CONFIG: runtime.configPath, PORTCULLIS_CONSOLE_URL: runtime.ready.consoleUrl },
  });
/** The same without a process of its own, which is what costs time: by what is typed, or by the command's function. */
const asTyped = (...args: string[]) => typed(...args, '--local', '--aws-port', options().awsPort);
const inside = <Rest extends unknown[]>(
  command: (...all: [...Rest, ReturnType<typeof options>, Output]) => Promise<number>,
  ...rest: Rest
) => printed((output) => command(...rest, options(), output));
const scanned = (format: Format) => printed((output) => scan({ ...options(), format }, output));

/** What `approvals code` prints for scripts, and the code that it had mailed. */
const codeFor = async (person: string) => {
  const { out } = await printed((output) => approvalsCode({ ...options(), json: true, as: person }, output));
  const mails = (await runtime.mails()).filter(({ to }) => to === `${person}@example.com`);
  const codes = mails.flatMap(({ text }) => /Your code to log in to Portcullis: (\S+)/.exec(text)?.[1] ?? []);
  return { as: person, login: (JSON.parse(out) as { login: string }).login, code: codes.at(-1) ?? '' };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-cli-'));
  runtime = new Runtime();
  await runtime.start();
  process.env.PORTCULLIS_CONFIG = runtime.configPath;
  process.env.PORTCULLIS_CONSOLE_URL = runtime.ready.consoleUrl;
  await Promise.all([
    deploy(runtime, 'small-dev'),
    deploy(runtime, 'big-staging', { environment: 'staging', instanceType: 'ml.g5.xlarge' }),
    deploy(runtime, 'asking-prod', { environment: 'prod', instances: 2, monitor: true }),
    deploy(runtime, 'unwanted-prod', { environment: 'prod', instances: 2, monitor: true }),
  ]);
  await Promise.all([outcomeOf(runtime, 'small-dev'), outcomeOf(runtime, 'big-staging')]);
  [asked, unwanted] = (await Promise.all(
    ['asking-prod', 'unwanted-prod'].map(async (name) => (await requestOf(runtime, name)).request),
  )) as [string, string];
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await runtime.remove();
});

describe('changes', () => {
  type Row = { endpoint: string; environment: string; state: string; at: string; who: string | null };
  const listed = async (wanted: object) => {
    const { code, out } = await printed((output) => changes({ ...options(), json: true, ...wanted }, output));
    expect(code).toBe(0);
    return JSON.parse(out) as Row[];
  };

  test('shows every endpoint with how its change ended', async () => {
    const { code, out, err } = await local('changes');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [heading, ...rows] = out.trimEnd().split('\n');
    expect(heading).toMatch(/^TIME +ENDPOINT +CHANGE +ENV +RESULT +WHO +REASON$/);
    const about = (name: string) => rows.filter((row) => row.includes(` ${name} `)).join('\n');
    expect(about('small-dev')).toMatch(/ dev +(compliant|unchanged) +/);
    expect(about('big-staging')).toMatch(/ staging +blocked +\S+ +Violates staging-instance-type/);
    expect(about('asking-prod')).toMatch(/ prod +open /);
  });

  test('filters by environment and result, and lists no more than asked for, newest first', async () => {
    const all = await listed({});
    expect(new Set(all.map(({ endpoint }) => endpoint)).size).toBe(4);
    expect(all.map(({ at }) => at)).toEqual(
      all
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    expect((await listed({ environment: 'staging' })).every(({ endpoint }) => endpoint === 'big-staging')).toBe(true);
    expect(new Set((await listed({ result: 'blocked' })).map(({ endpoint }) => endpoint))).toEqual(
      new Set(['big-staging']),
    );
    expect(new Set((await listed({ result: 'open' })).map(({ environment }) => environment))).toEqual(
      new Set(['prod']),
    );
    expect(await listed({ limit: '1' })).toEqual(all.slice(0, 1));
  });

  test('a month without changes is empty, and says so', async () => {
    expect(await listed({ month: '2020-01' })).toEqual([]);
    const { code, out } = await printed((output) => changes({ ...options(), month: '2020-01' }, output));
    expect({ code, out }).toEqual({ code: 0, out: 'No change is on record.\n' });
  });
});

describe('cost', () => {
  test('shows each environment against its budget, who uses it, and what waits', async () => {
    const { code, out } = await printed((output) => cost(options(), output));
    expect(code).toBe(0);
    expect(out).toMatch(/^ENVIRONMENT +NOW +CEILING +PEAK +BUDGET +LEFT +ENDPOINTS\nprod +\S+ +\S+ +\S+ +\$50\.00 /);
    expect(out).toMatch(/^staging +\$\S+ +not accepted +big-staging .* x ml\.g5\.xlarge at \$1\.4084$/m);
    expect(out).toMatch(/^prod +change \d+ of asking-prod .*\$0\.23/m);
    const { out: machine } = await printed((output) => cost({ ...options(), json: true }, output));
    expect(JSON.parse(machine)).toMatchObject({
      counts: 'ceiling',
      environments: [{ environment: 'prod', budgetUsd: 50, unread: 0 }, {}, {}],
    });
  });
  test('rests on prices that can be shown and read anew', async () => {
    const show = (type: string) => printed((output) => pricesShow({ ...options(), type }, output));
    expect((await show('ml.m5.large')).out).toMatch(
      /^us-east-1, as of 2025-06-18: Mixed public evidence.*\nTYPE +USD\/HOUR\nml\.m5\.large +0\.115\n$/,
    );
    expect(await show('ml.m99.large')).toMatchObject({
      code: 2,
      err: 'ml.m99.large has no hosting price in us-east-1 as of 2025-06-18: its cost is unknown.\n',
    });
    await runtime.fail('AWSPriceListService.GetProducts', 'AccessDeniedException', 1);
    expect(await printed((output) => pricesRefresh(options(), output))).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^us-east-1: not refreshed; the prices of before count\. AWS refused: AccessDeniedException/,
      ),
    });
    expect(await printed((output) => pricesRefresh(options(), output))).toMatchObject({
      code: 0,
      out: 'us-east-1: 258 hosting prices as of 2025-06-18, 0 prices moved.\n',
    });
    expect((await show('ml.m5.large')).out).toContain(
      'AWS Price List of AmazonSageMaker, version shipped-with-portcullis',
    );
  });
});

describe('scan', () => {
  test('reads every endpoint and ends with 1, because one of them is blocked', async () => {
    const { code, out, err } = await local('scan');
    expect(code).toBe(1);
    expect(err).toBe('read 4 of 4 endpoints\n');
    expect(out).toMatch(/^small-dev +dev +compliant +advice +rollback-alarms +The deployment kept no old fleet/m);
    expect(out).toMatch(/^big-staging +staging +blocked +violation +staging-instance-type /m);
    expect(out).toMatch(/^asking-prod +prod +needs-approval +needs-approval +prod-human-approval /m);
    expect(out).toMatch(/^prod +2 +0 +2 +0 +0$/m);
  });

  test('says the same in every format', async () => {
    const [, json, markdown, sarif] = await Promise.all(FORMATS.map(scanned));
    expect([json?.code, markdown?.code, sarif?.code]).toEqual([1, 1, 1]);
    const { endpoints } = JSON.parse(json?.out ?? '') as { endpoints: { endpoint: string; decision: string }[] };
    expect(endpoints.map(({ endpoint, decision }) => [endpoint, decision])).toEqual([
      ['asking-prod', 'needs-approval'],
      ['big-staging', 'blocked'],
      ['small-dev', 'compliant'],
      ['unwanted-prod', 'needs-approval'],
    ]);
    expect(markdown?.out).toMatch(/^\| big-staging \| staging \| blocked \| violation \| `staging-instance-type` \| /m);
    const { results, invocations } = readSarif(sarif?.out ?? '');
    expect(invocations).toEqual([{ executionSuccessful: true }]);
    expect(results.length).toBeGreaterThan(2);
    for (const { locations } of results) {
      const arn = `arn:aws:sagemaker:us-east-1:${ACCOUNT}:endpoint/${locations[0]?.logicalLocations[0]?.name}`;
      expect(locations).toEqual([{ logicalLocations: [expect.objectContaining({ fullyQualifiedName: arn })] }]);
    }
  });

  test('only reads', async () => {
    await fetch(`${runtime.ready.awsUrl}/_loopback/calls`, { method: 'DELETE' });
    await scanned('json');
    const calls = (await (await fetch(`${runtime.ready.awsUrl}/_loopback/calls`)).json()) as Record<string, number>;
    const operations = Object.keys(calls).flatMap((key) => (key.startsWith('cli ') ? [key.slice('cli '.length)] : []));
    expect(operations).toEqual(expect.arrayContaining(['SageMaker.DescribeEndpoint', 'S3.HEAD']));
    expect(operations.filter((name) => !/\.(Describe|List|Get|HEAD|GET)/.test(name))).toEqual([]);
  });

  test('an endpoint that cannot be read is undetermined in every format, and the code is 2, whatever else is found', async () => {
    // Only the two that have a monitor need this call.
    await runtime.fail('SageMaker.DescribeDataQualityJobDefinition', 'AccessDeniedException', 1_000);
    const [process, ...runs] = await Promise.all([local('scan'), ...FORMATS.map(scanned)]);
    await runtime.failNothing();
    expect([process.code, ...runs.map(({ code }) => code)]).toEqual([2, 2, 2, 2, 2]);
    const [plain = '', json = '', markdown = '', sarif = ''] = runs.map(({ out }) => out);
    expect(process.out).toBe(plain);
    expect(plain).toMatch(
      /^asking-prod +unknown +undetermined +undetermined +- +could not be read: AccessDeniedException/m,
    );
    expect(plain).toMatch(/^big-staging +staging +blocked /m);
    expect(plain).toMatch(/^unknown +2 +0 +0 +0 +2$/m);
    const { endpoints } = JSON.parse(json) as { endpoints: { decision: string; error?: string }[] };
    expect(endpoints.map(({ decision }) => decision)).toEqual(['undetermined', 'blocked', 'compliant', 'undetermined']);
    expect(endpoints[0]?.error).toContain('AccessDeniedException');
    expect(markdown).toMatch(/^\| asking-prod \| unknown \| undetermined \| - \| - \| could not be read/m);
    const { results, invocations } = readSarif(sarif);
    expect(invocations).toEqual([{ executionSuccessful: false }]);
    expect(results.filter(({ ruleId }) => ruleId === 'undetermined').map(({ level }) => level)).toEqual([
      'error',
      'error',
    ]);
  });

  test('where not even the endpoints can be listed, nothing is said about any', async () => {
    await runtime.fail('SageMaker.ListEndpoints', 'AccessDeniedException', 1);
    const { code, out, err } = await asTyped('scan', '--json');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^AWS refused: AccessDeniedException/);
  });
});

describe('approvals', () => {
  test('list names what waits, with the link to its page', async () => {
    const [plain, json] = await Promise.all([inside(approvalsList), asTyped('approvals', 'list', '--json')]);
    expect([plain.code, json.code]).toEqual([0, 0]);
    expect(plain.out).toMatch(
      new RegExp(`^${asked} +asking-prod +\\d+ +\\S+Z +${runtime.ready.consoleUrl}/approvals/${asked}$`, 'm'),
    );
    const open = JSON.parse(json.out) as { id: string; endpoint: string }[];
    expect(new Map(open.map(({ id, endpoint }) => [id, endpoint]))).toEqual(
      new Map([
        [asked, 'asking-prod'],
        [unwanted, 'unwanted-prod'],
      ]),
    );
  });

  test('show says what approving would accept: endpoint, environment, who, what, findings', async () => {
    const [plain, json] = await Promise.all([
      inside(approvalsShow, asked),
      asTyped('approvals', 'show', asked, '--json'),
    ]);
    expect([plain.code, json.code]).toEqual([0, 0]);
    expect(plain.out).toMatch(/^asking-prod \(prod; tag environment=prod\)$/m);
    expect(plain.out).toMatch(/^changed by eve-role at \S+Z \(.+\)$/m);
    expect(plain.out).toMatch(/^state: waiting, 0 of 1 approvals, expires /m);
    expect(plain.out).toMatch(/^First deployment/m);
    expect(plain.out).toMatch(/ml\.m5\.large$/m);
    expect(plain.out).toMatch(/^needs-approval +prod-human-approval +This is a production deployment/m);
    expect(JSON.parse(json.out)).toMatchObject({ request: { request: asked }, state: { state: 'waiting' } });
  });

  test('a request that there is not cannot be shown or answered', async () => {
    const [shown, answered] = await Promise.all([
      inside(approvalsShow, 'nonsense'),
      asTyped('approvals', 'approve', 'a'.repeat(26), '--as', 'ada', '--reason', 'y'),
    ]);
    expect([shown.code, answered.code]).toEqual([2, 2]);
    expect(shown.err).toMatch(/There is no request nonsense/);
    expect(answered.err).toMatch(/There is no request a{26}/);
  });

  test('a wrong code ends with 1 and records nothing', async () => {
    const { login } = await codeFor('ada');
    const wrong = { ...options(), as: 'ada', login, code: 'WRONG', reason: 'y' };
    const plain = await printed((output) => approvalsAnswer(asked, 'approved', wrong, output));
    const json = await printed((output) => approvalsAnswer(asked, 'approved', { ...wrong, json: true }, output));
    expect([plain.code, json.code]).toEqual([1, 1]);
    expect(plain.err).toMatch(/^Not recorded: That is not the code/);
    expect(JSON.parse(json.out)).toMatchObject({ error: expect.stringContaining('not the code') });
    expect(await runtime.bodies('asking-prod', 'approval-given')).toEqual([]);
  });

  test('the code of one person is no proof of another', async () => {
    const stolen = { ...options(), ...(await codeFor('eve')), as: 'ada', reason: 'y' };
    const { code, err } = await printed((output) => approvalsAnswer(asked, 'approved', stolen, output));
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('not the code') });
  });

  test('on this machine there is no IAM, so without --as it is wrong usage', async () => {
    const run = await asTyped('approvals', 'approve', asked, '--reason', 'y');
    expect({ code: run.code, err: run.err }).toMatchObject({ code: 64, err: expect.stringContaining('--as PERSON') });
  });

  test('a gate that is not there, or is something else, ends with 2', async () => {
    const say = (url: string) =>
      printed((output) =>
        approvalsComment(asked, 'hello', { ...options(), as: 'ada', login: 'x', code: 'y', url }, output),
      );
    expect(await say('http://127.0.0.1:9')).toMatchObject({ code: 2, err: expect.stringMatching(/cannot be reached/) });
    expect(await say(runtime.ready.awsUrl)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no answer of the gate/),
    });
    expect((await say('nonsense')).code).toBe(64);
  });

  test('a comment stands with the request, and whoever did not make the change cannot withdraw it', async () => {
    const ben = await codeFor('ben');
    const said = await printed((output) =>
      approvalsComment(asked, 'which load test?', { ...options(), ...ben }, output),
    );
    expect(said).toMatchObject({ code: 0, out: 'Recorded.\n' });
    expect((await inside(approvalsShow, asked)).out).toMatch(/^ben says: which load test\?$/m);
    const again = { ...options(), ...(await codeFor('ben')), reason: 'no' };
    const withdrawn = await printed((output) => approvalsWithdraw(asked, again, output));
    expect(withdrawn).toMatchObject({ code: 1, err: expect.stringMatching(/^Not recorded: Ben did not make this/) });
  });

  test('what is not possible is refused with the reason: asking again while it waits, reviewing what nobody broke', async () => {
    const again = await printed(async (output) =>
      approvalsAgain(asked, { ...options(), ...(await codeFor('ada')) }, output),
    );
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('still waiting') });
    const review = await printed(async (output) => {
      const given = { finding: 'justified', reason: 'fine', json: true };
      return approvalsReview(asked, { ...options(), ...(await codeFor('ada')), ...given }, output);
    });
    expect(review.code).toBe(1);
    expect(JSON.parse(review.out)).toMatchObject({ reply: 'refused', code: 'nothing-to-review' });
    expect((await inside(approvalsReviews)).out).toBe('Nothing waits for a review.\n');
  });

  test('the right code ends with 0, the change with approved; a second answer gets the first, in visible characters', async () => {
    const [ada, ben] = [await codeFor('ada'), await codeFor('ben')];
    const proof = ({ as, login, code }: typeof ada) => ['--as', as, '--login', login, '--code', code];
    const reason = 'load \u001b[8mtest\u009b2J\u202e passed\nRecorded: rejected by ben.';
    const first = await local('approvals', 'approve', asked, ...proof(ada), '--reason', reason);
    expect(first).toEqual({ code: 0, out: 'Recorded: approved by ada.\n', err: '' });
    expect(await outcomeOf(runtime, 'asking-prod')).toMatchObject({ result: 'approved' });
    const second = await local('approvals', 'reject', asked, ...proof(ben), '--reason', 'no');
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/^It was already approved by ada: load \\u001b\[8mtest\\u009b2J\\u202e passed .*\n$/);
    const [shown, listed] = await Promise.all([
      asTyped('audit', 'show', 'asking-prod'),
      // What goes to a file goes past the output of a command, here to the standard one.
      local('audit', 'export', '--endpoint', 'asking-prod'),
    ]);
    expect(shown.out).toContain('\\u001b[8m');
    for (const { out, err } of [second, shown, listed]) expect(UNSEEN.exec(out + err)).toBeNull();
    expect(shown.out).not.toMatch(/^Recorded: rejected/m);
    expect(await runtime.bodies('asking-prod', 'approval-given')).toMatchObject([
      // What would steer a terminal is on record as its number; lines stay lines.
      {
        approver: 'ada',
        via: 'cli',
        reason: 'load \\u001b[8mtest\\u009b2J\\u202e passed\nRecorded: rejected by ben.',
      },
    ]);
  });

  test('a rejection with --json says what is final', async () => {
    const given = { ...options(), ...(await codeFor('ben')), reason: 'too dear', json: true };
    const run = await printed((output) => approvalsAnswer(unwanted, 'rejected', given, output));
    expect(run.code).toBe(0);
    expect(JSON.parse(run.out)).toMatchObject({ reply: 'recorded', final: { answer: 'rejected', approvers: ['ben'] } });
    expect(await outcomeOf(runtime, 'unwanted-prod')).toMatchObject({ result: 'rejected' });
    const open = await eventually('an empty list', async () => {
      const list = await inside(approvalsList);
      return list.out === 'Nothing waits for approval.\n' && list;
    });
    expect(open.code).toBe(0);
  });
});

describe('audit', () => {
  test('list shows the changes of an endpoint', async () => {
    const [plain, json] = await Promise.all([
      printed((output) => auditList({ ...options(), endpoint: 'big-staging' }, output)),
      asTyped('audit', 'list', '--json'),
    ]);
    expect([plain.code, json.code]).toEqual([0, 0]);
    const [, ...rows] = plain.out.trimEnd().split('\n');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatch(/ big-staging +\d+ +staging +\w+ /);
    expect(new Set((JSON.parse(json.out) as { endpoint: string }[]).map(({ endpoint }) => endpoint)).size).toBe(4);
  });

  test('show prints every record, oldest first, or those of one change', async () => {
    const records = await runtime.records('asking-prod');
    const [plain, json, one] = await Promise.all([
      inside(auditShow, 'asking-prod'),
      printed((output) => auditShow('asking-prod', { ...options(), json: true }, output)),
      asTyped('audit', 'show', 'asking-prod', '--change', '1', '--json'),
    ]);
    expect([plain.code, json.code, one.code]).toEqual([0, 0, 0]);
    expect(JSON.parse(json.out)).toEqual(records);
    expect(JSON.parse(one.out)).toEqual(records.filter(({ body }) => body.generation === 1));
    const rows = plain.out.trimEnd().split('\n').slice(1);
    expect(rows.map((row) => Number(row.split(' ')[0]))).toEqual(records.map(({ sequence }) => sequence));
    expect(plain.out).toMatch(/ approval-requested +portcullis +asked ada, ben.*; expires /);
    expect(plain.out).toMatch(/ approval-given +ada +approved by ada: /);
  });

  test('about an endpoint that nobody has seen it says that nothing is on record', async () => {
    const [shown, verified, exported, misspelt] = await Promise.all([
      inside(auditShow, 'nobody'),
      printed((output) => auditVerify({ ...options(), endpoint: 'nobody' }, output)),
      printed((output) => auditExport({ ...options(), endpoint: 'nobody' }, output)),
      inside(auditShow, 'a b'),
    ]);
    expect([shown.code, verified.code, exported.code, misspelt.code]).toEqual([2, 2, 2, 64]);
    expect(shown.err).toMatch(/Nothing is on record for nobody/);
    expect(verified).toMatchObject({ out: '', err: 'There was nothing to verify.\n' });
    // The limits and prices that decisions name go with every part.
    expect(exported.err).toMatch(/^\d+ records exported\.\nNothing is on record of what was asked for\.\n$/);
  });

  test('export writes every record as a line, to standard output or to a file for the owner alone', async () => {
    const path = join(folder, 'trail.jsonl');
    const [printedLines, file, nowhere] = await Promise.all([
      local('audit', 'export'),
      asTyped('audit', 'export', '--endpoint', 'asking-prod', '--output', path),
      asTyped('audit', 'export', '--output', join(folder, 'absent', 'trail.jsonl')),
    ]);
    expect([printedLines.code, file.code]).toEqual([0, 0]);
    const records = await runtime.records('asking-prod');
    const lines = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { pk: string; sk: string; hash: string; record: LedgerRecord });
    const stream = `endpoint#${ACCOUNT}#us-east-1#asking-prod`;
    expect(
      lines(printedLines.out)
        .filter(({ pk }) => pk === stream)
        .map(({ record }) => record),
    ).toEqual(records);
    const kept = lines(readFileSync(path, 'utf8'));
    expect(kept.filter(({ pk }) => pk === stream).map(({ record }) => record)).toEqual(records);
    // The limits and prices that decisions name go with every part.
    expect(kept.every(({ pk }) => pk === stream || pk.startsWith('settings#'))).toBe(true);
    expect(printedLines.err).toBe(`${lines(printedLines.out).length} records exported.\n`);
    expect(file.err).toBe(`${kept.length} records exported to ${path}.\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(nowhere.code).toBe(2);
    expect(nowhere.err).toMatch(/trail\.jsonl cannot be written: ENOENT/);
    expect(nowhere.err.trimEnd().split('\n')).toHaveLength(1);
  });

  test('verify finds every chain whole', async () => {
    const [plain, json] = await Promise.all([inside(auditVerify), asTyped('audit', 'verify', '--json')]);
    expect([plain.code, json.code]).toEqual([0, 0]);
    expect(plain.out).toMatch(/^\d+ records in \d+ streams: every chain is whole, and nothing differs from /);
    const { streams, broken, heads } = JSON.parse(json.out) as Record<
      'streams' | 'broken' | 'heads',
      { stream: string }[]
    >;
    expect({ broken, heads: heads.length }).toEqual({ broken: [], heads: streams });
    const of = (kind: RegExp) => heads.filter(({ stream }) => kind.test(stream)).length;
    // The gate's own streams are proven like any other: what the limits and prices were, each by its digest.
    expect([of(/^endpoint#/), of(/^settings#.*#(limits|prices)-[0-9a-f]+$/)]).toEqual([4, 2]);
  });
});

describe('questions and waivers', () => {
  type Told = { answers: { endpoint: string; kind: string }[]; next?: string; cost: { requests: number } };
  const ask = async (wanted: QueryOptions) => {
    const told = await printed((output) => auditQuery({ ...options(), json: true, ...wanted }, output));
    expect(told.code, told.err).toBe(0);
    return JSON.parse(told.out) as Told;
  };

  test('one question at a time is answered by the index that is there for it', async () => {
    // Its alarms may have been heard of after it was blocked, and then it was judged again.
    const blocked = (await ask({ blocked: true })).answers;
    expect(new Set(blocked.map(({ endpoint }) => endpoint))).toEqual(new Set(['big-staging']));
    for (const answer of blocked) expect(answer).toMatchObject({ result: 'blocked' });
    expect((await ask({ approvedBy: 'ada' })).answers).toMatchObject([{ endpoint: 'asking-prod' }]);
    const prod = await ask({ environment: 'prod' });
    expect(new Set(prod.answers.map(({ endpoint }) => endpoint))).toEqual(new Set(['asking-prod', 'unwanted-prod']));
    const unplanned = (await ask({ unplanned: true })).answers.map(({ endpoint }) => endpoint);
    expect(unplanned).toContain('big-staging');
    expect((await ask({ breakGlass: true, open: true })).answers).toEqual([]);
  });
  test('answers come a page at a time, as a table, or as CSV', async () => {
    const first = await ask({ environment: 'prod', limit: '1' });
    expect(first.answers).toHaveLength(1);
    const second = await ask({ environment: 'prod', limit: '1', after: first.next ?? '' });
    expect(second.answers[0]).not.toEqual(first.answers[0]);
    const [plain, csv, two] = await Promise.all([
      printed((output) => auditQuery({ ...options(), endpoint: 'big-staging' }, output)),
      asTyped('audit', 'list', '--blocked', '--csv'),
      printed((output) => auditQuery({ ...options(), blocked: true, unplanned: true }, output)),
    ]);
    expect(plain.out).toMatch(/^AT +ENDPOINT +CHANGE +KIND +WHAT +WHO +REASON\n/);
    expect(plain.err).toMatch(/^\d+ records, 1 requests, [\d.]+ read units\.\n$/);
    expect(csv.out.split('\n')[0]).toBe(
      '"at","account","region","endpoint","change","sequence","kind","what","who","reason"',
    );
    expect(csv.out).toMatch(/"big-staging","\d+","\d+","outcome","blocked"/);
    expect({ code: two.code, err: two.err }).toMatchObject({
      code: 64,
      err: expect.stringContaining('One question at a time'),
    });
  });
  test('what a decision was made under is on record, and found by its digest', async () => {
    const [findings] = await runtime.bodies('big-staging', 'findings');
    const under = await ask({ priceDigest: findings?.priceDigest ?? '' });
    expect(new Set(under.answers.map(({ endpoint }) => endpoint)).size).toBe(4);
    const shown = await printed((output) => auditSettings('big-staging', { ...options(), json: true }, output));
    expect(JSON.parse(shown.out)).toMatchObject([
      { digest: findings?.policyDigest, statements: { 'dev-instance-type': expect.any(String) } },
      { digest: findings?.priceDigest, prices: expect.any(Object) },
    ]);
  });
  test('a waiver has the endpoint judged again at once, without what it excuses; revoking it, with it', async () => {
    const until = new Date(Date.now() + 86_400_000).toISOString();
    const results = async () => (await runtime.bodies('big-staging', 'outcome')).map(({ violations }) => violations);
    const before = (await results()).length;
    const given = { policy: 'staging-instance-type', until, reason: 'load test of a week' };
    const granting = { ...options(), ...(await codeFor('ada')), ...given };
    const granted = await printed((output) => waiverGrant('big-staging', granting, output));
    expect(granted).toMatchObject({
      code: 0,
      out: expect.stringMatching(/Recorded: waiver \w{26} of staging-.*change \d+/),
    });
    await eventually(`the decision under the waiver`, async () => (await results()).length === before + 1);
    expect((await results()).at(-1)).not.toContain('staging-instance-type');
    const { findings = [] } = (await runtime.bodies('big-staging', 'findings')).at(-1) ?? {};
    expect(findings.find(({ policy }) => policy === 'staging-instance-type')?.outcome).toBe('waived');
    const listed = await printed((output) => waiverList({ ...options(), json: true }, output));
    const [waiver] = JSON.parse(listed.out) as { id: string }[];
    expect(waiver).toMatchObject({ endpoint: 'big-staging', policy: 'staging-instance-type', approver: 'ada' });
    const revoking = { ...options(), ...(await codeFor('ben')), reason: 'it is over' };
    expect(await printed((output) => waiverRevoke('big-staging', waiver?.id ?? '', revoking, output))).toMatchObject({
      code: 0,
    });
    await eventually(`the decision without it`, async () => (await results()).length === before + 2);
    expect((await results()).at(-1)).toContain('staging-instance-type');
    expect((await printed((output) => waiverList(options(), output))).out).toMatch(/^No waiver was in force/);
  });
  test('without CloudTrail nothing is reconciled, which is said and not passed over', async () => {
    const asking = { ...options(), from: '2026-01-01', trailBucket: 'no-such-trail' };
    const told = await printed((output) => auditReconcile({ ...asking, record: false }, output));
    expect(told).toMatchObject({ code: 2, out: expect.stringMatching(/NOT READ/) });
  });
});

describe('events', () => {
  const quarantine = (id: string, reason: string, event: string) =>
    runtime.clients().dynamodb.send(
      new PutItemCommand({
        TableName: 'portcullis-work',
        Item: {
          pk: { S: 'quarantine' },
          sk: { S: id },
          reason: { S: reason },
          at: { S: new Date().toISOString() },
          event: { S: event },
        },
      }),
    );

  test('an empty quarantine is fine', async () => {
    const [plain, json] = await Promise.all([
      inside(listQuarantinedEvents),
      asTyped('events', 'list-quarantined', '--json'),
    ]);
    expect([plain.code, json.code]).toEqual([0, 0]);
    expect(plain.out).toMatch(/^No event is in quarantine\./);
    expect(plain.out).toMatch(/^\d+ +not-gated:SageMaker Model State Change$/m);
    expect(JSON.parse(json.out)).toMatchObject({
      quarantined: [],
      dropped: expect.arrayContaining([{ count: expect.any(Number), reason: expect.any(String) }]),
    });
  });

  test('a poison event is listed with its reason, ends with 1, and stays when it is replayed', async () => {
    await runtime.putEvents([
      {
        source: 'aws.sagemaker',
        'detail-type': 'SageMaker Endpoint State Change',
        detail: { EndpointName: 'a\u001b[2J b' },
      },
    ]);
    const listed = await eventually('the event', async () => {
      const list = await printed((output) => listQuarantinedEvents({ ...options(), json: true }, output));
      return list.code === 1 && list;
    });
    const { quarantined } = JSON.parse(listed.out) as { quarantined: { id: string; reason: string }[] };
    expect(quarantined).toHaveLength(1);
    const { id = '', reason = '' } = quarantined[0] ?? {};
    expect(reason).toContain('EndpointName');
    const [plain, replayed] = await Promise.all([
      asTyped('events', 'list-quarantined'),
      asTyped('events', 'replay', id),
    ]);
    expect([plain.code, replayed.code]).toEqual([1, 1]);
    expect(plain.out).toMatch(new RegExp(`^${id} +\\S+Z +.*EndpointName`, 'm'));
    expect(replayed.out).toMatch(/^quarantined: .*EndpointName/);
    expect(UNSEEN.exec(plain.out + replayed.out)).toBeNull();
  });

  test('an event that can be used now is taken, leaves the quarantine and ends with 0', async () => {
    const event = {
      version: '0',
      id: '5f2c8a0e-0000-4000-8000-000000000001',
      'detail-type': 'SageMaker Training Job State Change',
      source: 'aws.sagemaker',
      account: ACCOUNT,
      time: '2026-11-20T10:00:00Z',
      region: 'us-east-1',
      resources: [],
      detail: {},
    };
    await quarantine('was-broken', 'reason \u001b[2J\u009b with \u202e', JSON.stringify(event));
    const listed = await asTyped('events', 'list-quarantined');
    expect(listed.out).toContain('reason \\u001b[2J\\u009b with \\u202e');
    expect(UNSEEN.exec(listed.out)).toBeNull();
    const replayed = await asTyped('events', 'replay', 'was-broken', '--json');
    expect(replayed.code).toBe(0);
    expect(JSON.parse(replayed.out)).toMatchObject({ as: 'dropped' });
    const again = await asTyped('events', 'replay', 'was-broken');
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toMatch(/No event was-broken is in quarantine/);
  });
});

describe('doctor', () => {
  type Check = { check: string; result: string; detail: string };

  test('finds nothing in the way of a runtime that works', async () => {
    const [plain, json] = await Promise.all([inside(doctor), asTyped('doctor', '--json')]);
    expect([plain.code, json.code]).toEqual([0, 0]);
    const checks = JSON.parse(json.out) as Check[];
    expect(checks.map(({ check }) => check)).toEqual([
      'node',
      'configuration',
      'approvers',
      'prices',
      'credentials',
      'sagemaker',
      'table ledger',
      'table approvals',
      'table work',
    ]);
    expect(checks.filter(({ result }) => result === 'problem')).toEqual([]);
    expect(plain.out).toMatch(new RegExp(`^credentials +ok +account ${ACCOUNT}, region us-east-1$`, 'm'));
  });

  test('names what is in the way, all of it, and ends with 1', async () => {
    const { code, out } = await portcullis(['doctor', '--json', '--local', '--aws-port', options().awsPort], {
      env: { PORTCULLIS_CONFIG: '/dev/null', PORTCULLIS_LEDGER_TABLE: 'absent' },
    });
    expect(code).toBe(1);
    const problems = (JSON.parse(out) as Check[]).filter(({ result }) => result === 'problem');
    expect(problems.map(({ check }) => check)).toEqual(['approvers', 'table ledger']);
    expect(problems[0]?.detail).toMatch(/nobody is listed/);
    expect(problems[1]?.detail).toMatch(/^absent is not there/);
  });
});

describe('smoke', () => {
  test('sends one change through the whole gate and finds everything in order', async () => {
    const { code, out, err } = await asTyped('smoke', '--json');
    const report = JSON.parse(out) as SmokeReport;
    expect(code).toBe(0);
    expect(report.checks.map(({ check, result }) => `${check}: ${result}`)).toEqual([
      'event: ok',
      'outcome: ok',
      'chain: ok',
      'reading: ok',
      'posting: ok',
      'metrics: ok',
      'time: ok',
    ]);
    expect(err.trimEnd().split('\n')).toHaveLength(7);
    expect(await runtime.bodies(report.endpoint, 'outcome')).toMatchObject([
      { result: 'deleted', environment: 'dev', cause: 'portcullis smoke' },
    ]);
  });

  test('says that it could not look where the console is not, and ends with 2', async () => {
    const { code, out } = await printed((output) => smoke({ ...options(), url: 'http://127.0.0.1:9' }, output));
    expect(code).toBe(2);
    expect(out).toMatch(/^chain +ok /m);
    expect(out).toMatch(/^reading +could not check +http:\/\/127\.0\.0\.1:9 could not be reached/m);
  });

  test('takes no address that is none', async () => {
    expect(await printed((output) => smoke({ ...options(), url: 'gate' }, output))).toMatchObject({ code: 64 });
  });
});
