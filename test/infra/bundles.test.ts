import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
// @ts-expect-error plain JavaScript, as all that the packaging tool loads
import { EDITS as edits } from '../../infra/bundles/sdk-left-out.mjs';
import { createServices } from '../../shared/aws/all-services.ts';
import { archiveKey } from '../../shared/aws/archive.ts';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import { loadConfig } from '../../shared/config-yaml.ts';
import { canonicalJson, sha256 } from '../../shared/model/canonical-json.ts';
import type { EndpointChange } from '../../shared/model/endpoint-change.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { formToken } from '../../shared/model/form-token.ts';
import { sortKey } from '../../shared/model/ledger-record.ts';
import { deploy } from '../acceptance/gate.ts';
import { Runtime } from '../acceptance/runtime.ts';
import { fixture } from '../local/in-memory-loopback.ts';
import { BUNDLING } from './bundling.ts';

const EDITS = edits as [files: RegExp, edit: (text: string) => string][];
const root = new URL('../..', import.meta.url).pathname;
type Handler = (event: unknown, context: object) => Promise<Record<string, unknown>>;

/** KiB, minified: what is reached and two per cent, and 400 at most. */
const GOAL = 400;
const LIMITS: Record<string, number> = {
  'archive-records': 232,
  'check-policies': 268,
  'gather-facts': 362,
  'receive-event': 308,
  'record-outcome': 244,
  'refresh-prices': 240,
  remediate: 400,
  'request-approval': 280,
  'show-console': 390,
  'sign-checkpoints': 265,
  sweep: 375,
  'take-answers': 381,
  'take-plans': 324,
  'tell-approvers': 262,
  'tend-requests': 291,
  'verify-monitoring': 400,
};
/**
 * What the plugins leave out is missed only where it is called. So every function is bundled, and the bundles are
 * called over the wire, on an endpoint that no event told of.
 */
describe('the bundles', () => {
  const runtime = new Runtime();
  const dir = mkdtempSync(join(tmpdir(), 'portcullis-bundles-'));
  const change: EndpointChange = {
    endpoint: { account: '000000000000', region: 'us-east-1', name: 'bundled-prod' },
    kind: 'endpoint',
    cause: 'test',
    eventId: 'bundles-at-work',
    at: new Date().toISOString(),
    actor: { kind: 'person', person: 'lee', names: ['lee'], arn: null, via: 'user-name' },
    sighting: {},
  };
  const input = { change, generation: 1, approvalTimeoutSeconds: 3_600 };
  const call = (name: string, event: unknown) => {
    const { handler } = createRequire(import.meta.url)(join(dir, `${name}.cjs`)) as { handler: Handler };
    return handler(event, {});
  };
  const asked = (method: string, rawPath: string) => ({
    version: '2.0',
    rawPath,
    rawQueryString: '',
    headers: { origin: runtime.consoleUrl, 'content-type': 'application/x-www-form-urlencoded' },
    requestContext: { http: { method, path: rawPath, sourceIp: '127.0.0.1' }, requestId: 'r', timeEpoch: 0 },
  });
  let inputs: string[] = [];
  beforeAll(async () => {
    const [built] = await Promise.all([
      build({
        ...BUNDLING,
        entryPoints: readdirSync(join(root, 'functions')).map((name) => join(root, 'functions', name)),
        absWorkingDir: root,
        outdir: dir,
        outExtension: { '.js': '.cjs' },
        metafile: true,
      }),
      runtime.start(),
    ]);
    inputs = Object.keys(built.metafile.inputs);
    await runtime.loseEvents(true);
    await deploy(runtime, change.endpoint.name, { environment: 'prod', instances: 2, monitor: true });
    process.env.PORTCULLIS_CONFIG = runtime.configPath;
    const { file, policySettings } = loadConfig(process.env);
    writeFileSync(join(dir, 'settings.json'), JSON.stringify({ file, prices: policySettings.prices }));
    Object.assign(process.env, {
      PORTCULLIS_SETTINGS: join(dir, 'settings.json'),
      PORTCULLIS_STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:endpoint-compliance',
      PORTCULLIS_ARCHIVE_BUCKET: 'bundled-archive',
      AWS_ENDPOINT_URL: runtime.awsUrl,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'portcullis',
      AWS_SECRET_ACCESS_KEY: 'none',
      PORTCULLIS_CONSOLE_URL: runtime.consoleUrl,
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      POWERTOOLS_METRICS_DISABLED: 'true',
    });
  }, 60_000);
  afterAll(async () => {
    await runtime.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  test('are no larger than they may be', () => {
    const files = readdirSync(dir).filter((name) => name.endsWith('.cjs'));
    expect(files.map((name) => name.replace('.cjs', '')).sort()).toEqual(Object.keys(LIMITS).sort());
    const kib = (name: string) => statSync(join(dir, `${name}.cjs`)).size / 1024;
    expect(Object.entries(LIMITS).filter(([name, limit]) => kib(name) > limit)).toEqual([]);
    expect(Object.values(LIMITS).filter((limit) => limit > GOAL)).toEqual([]);
  });

  test('leave out of the SDK everything that they are to: an update may have moved it', () => {
    const missed = EDITS.filter(
      ([files, edit]) =>
        !inputs.some((path) => {
          if (!files.test(path)) return false;
          const text = readFileSync(join(root, path), 'utf8');
          return edit(text) !== text;
        }),
    );
    expect(missed.map(([files]) => String(files))).toEqual([]);
  });

  test('read the same facts as the sources do, and judge them', async () => {
    await call('gather-facts', input);
    const services = createServices(loadConfig(process.env));
    const plain = await readEndpoint(services, change.endpoint);
    const [bundled] = await runtime.bodies(change.endpoint.name, 'change-opened');
    expect(bundled?.facts.variants).toHaveLength(1);
    expect({ ...bundled?.facts, readAt: '' }).toEqual({ ...plain, readAt: '' });
    await expect(call('check-policies', input)).rejects.toMatchObject({ name: 'ApprovalNeededError' });
  });

  test('ask people, show pages, take an answer, and wake who waits for it', async () => {
    const { request } = await call('request-approval', { ...input, taskToken: 'nobody waits with this one' });
    const path = `/approvals/${request}`;
    expect((await runtime.mails()).some(({ text }) => text.includes(path))).toBe(true);
    // It reads and decrypts as the console does.
    expect(await call('tend-requests', {})).toMatchObject({ resumed: 0, failed: 0 });
    const secret = await runtime.login('ada@example.com');
    const cookies = [`portcullis=${secret}`];
    for (const shown of ['/health', '/', '/changes', '/cost', '/login']) {
      expect(await call('show-console', { ...asked('GET', shown), cookies }), shown).toMatchObject({ statusCode: 200 });
    }
    for (const shown of ['/approvals', path]) {
      expect(await call('take-answers', { ...asked('GET', shown), cookies }), shown).toMatchObject({ statusCode: 200 });
    }
    const { endpoint, digest } = await runtime.about(String(request));
    const token = formToken(secret, 'answer', String(request), digest);
    const form = { digest, token, reason: 'load test passed', answer: 'approved', name: endpoint };
    const answer = { ...asked('POST', `${path}/answer`), cookies, body: String(new URLSearchParams(form)) };
    expect(await call('take-answers', answer)).toMatchObject({ statusCode: 303, headers: { location: path } });
  });

  test('take a plan, and say how it stands', async () => {
    const body = JSON.stringify(parse(readFileSync(join(root, 'examples/plans/churn-staging.yaml'), 'utf8')));
    const iam = { userArn: 'arn:aws:iam::000000000000:user/lee' };
    const sign = (event: ReturnType<typeof asked>) => ({
      ...event,
      requestContext: { ...event.requestContext, authorizer: { iam } },
    });
    const taken = await call('take-plans', { ...sign(asked('POST', '/api/plans')), body });
    expect(taken).toMatchObject({ statusCode: 202 });
    const { id } = JSON.parse(String(taken.body)) as { id: string };
    expect(await call('take-plans', sign(asked('GET', `/api/plans/${id}`)))).toMatchObject({ statusCode: 200 });
  });

  test('verify, put back and record how it ended', async () => {
    expect(await call('verify-monitoring', input)).toEqual({ state: 'verified' });
    expect(await call('record-outcome', input)).toEqual({ result: 'approved' });
    expect(await call('remediate', input)).toEqual({ state: 'over' });
    expect(await call('tell-approvers', input)).toEqual({ state: 'told' });
  });

  test('keep every record a second time', async () => {
    const archive = { Bucket: 'bundled-archive' };
    await runtime.clients().s3.send(new CreateBucketCommand(archive));
    const [record] = await runtime.records(change.endpoint.name);
    if (!record) throw new Error('There is no record.');
    const text = canonicalJson(record);
    const [pk, sk] = [streamOf(record.endpoint), sortKey(record.sequence, record.previous)];
    const fields = { pk, sk, record: text, hash: sha256(text) };
    const NewImage = Object.fromEntries(Object.entries(fields).map(([name, S]) => [name, { S }]));
    const inserted = { eventName: 'INSERT', dynamodb: { NewImage, SequenceNumber: '1' } };
    expect(await call('archive-records', { Records: [inserted] })).toEqual({ batchItemFailures: [] });
    const Key = archiveKey(pk, sk);
    const { Body } = await runtime.clients().s3.send(new GetObjectCommand({ ...archive, Key }));
    expect(await Body?.transformToString()).toBe(text);
    expect(await call('sign-checkpoints', { Records: [] })).toBeUndefined();
    // The second time it finds the first, and reads it.
    expect(await call('archive-records', { Records: [inserted] })).toEqual({ batchItemFailures: [] });
  });

  test('find what no event told of, and start its execution', async () => {
    await deploy(runtime, 'bundled-dev');
    const place = { account: '000000000000', region: 'us-east-1' };
    expect(await call('sweep', { place })).toMatchObject({ endpoints: 2, failed: 0, started: 1 });
    await call('refresh-prices', {});
    const event = JSON.stringify(fixture('cloudtrail-sagemaker-DeleteMonitoringSchedule'))
      .replaceAll('111122223333', place.account)
      .replaceAll(/"monitoringScheduleName":"[^"]*"/g, '"monitoringScheduleName":"bundled-prod-schedule"')
      .replaceAll(/"(time|eventTime)":"[^"]*"/g, `"$1":"${change.at}"`);
    // SageMaker is asked whose schedule it is. Whether its execution is about to read anyway is a matter of moments.
    expect(await call('receive-event', JSON.parse(event))).toMatchObject({
      as: expect.stringMatching(/^(started|joined)$/),
      detail: expect.stringContaining('bundled-prod'),
    });
  });
});
