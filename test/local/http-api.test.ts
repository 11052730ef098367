import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { ROUTES, respond } from '../../local/http-api.ts';
import { createServices } from '../../shared/aws/all-services.ts';
import type { Services } from '../../shared/aws/services.ts';
import { sha256 } from '../../shared/model/canonical-json.ts';
import type { EndpointHistory } from '../../shared/model/endpoint-history.ts';
import * as a from '../builders.ts';
import { HOSTILE, indexItem, ledgerItem, requestItem, waiting } from '../web/web-builders.ts';

const dynamodb = mockClient(DynamoDBClient);
const kms = mockClient(KMSClient);
const sfn = mockClient(SFNClient);
// Other files in this process talk to the loopback.
afterAll(() => {
  for (const mock of [dynamodb, kms, sfn]) mock.restore();
});
let logged: MockInstance<typeof console.error>;

/** Of asha, who has logged in. */
const SESSION = 's'.repeat(26);
const sessionKey = `session#${sha256(SESSION)}`;
const CIPHERTEXT = 'sealed-token';
const ERROR_ID = 'e'.repeat(26);
const READS = ['GetItemCommand', 'QueryCommand'];

let services: Services;

/** The tables as AWS would answer for them: a stream, one open request, nothing else. Whatever writes is refused. */
function tables(history: EndpointHistory, request = requestItem()) {
  const records = history.changes
    .flatMap((change) => change.records)
    .sort((one, other) => other.sequence - one.sequence);
  dynamodb.onAnyCommand().rejects(new Error('this is no read'));
  dynamodb.on(QueryCommand).resolves({ Items: [] });
  dynamodb.on(QueryCommand, { TableName: 'ledger', ConsistentRead: true }).resolves({ Items: records.map(ledgerItem) });
  dynamodb.on(QueryCommand, { IndexName: 'by-open' }).resolves({ Items: [request] });
  dynamodb.on(GetItemCommand).resolves({});
  dynamodb.on(GetItemCommand, { Key: { id: { S: a.REQUEST } } }).resolves({ Item: request });
  dynamodb.on(GetItemCommand, { Key: { id: { S: sessionKey } } }).resolves({
    Item: { person: { S: 'asha' }, authenticated: { S: 'mailed-code' }, expiresAt: { S: a.later(60) } },
  });
}

beforeEach(() => {
  for (const mock of [dynamodb, kms, sfn]) mock.reset();
  kms.onAnyCommand().rejects(new Error('this is no read'));
  sfn.onAnyCommand().rejects(new Error('this is no read'));
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  services = createServices(a.config(), { now: () => a.NOW, newId: () => ERROR_ID });
  tables(waiting());
});
afterEach(() => logged.mockRestore());

type Sent = { method?: string; query?: string; headers?: Record<string, string>; body?: string; base64?: boolean };
function eventFor(
  path: string,
  { method = 'GET', query = '', headers = {}, body, base64 = false }: Sent = {},
): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers,
    cookies: [`__Host-portcullis=${SESSION}`],
    requestContext: {
      accountId: '',
      apiId: '',
      domainName: '',
      domainPrefix: '',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
      requestId: '',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
    ...(body !== undefined && { body: base64 ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded: base64,
  };
}
const visit = (path: string, sent?: Sent) => respond(eventFor(path, sent), services);

const APPROVAL = `/approvals/${a.REQUEST}`;
const CHANGE = '/changes/111122223333/us-east-1/fraud-prod/1';
const ENDPOINT = '/endpoints/111122223333/us-east-1/fraud-prod';
const LISTS = ['/', '/changes', '/changes.csv', '/approvals', '/quarantine'];
const PATHS = [...LISTS, CHANGE, ENDPOINT, APPROVAL, '/cost', '/login', '/login/code', '/style.css', '/health'];

const post = (headers: Record<string, string> = {}) =>
  visit(`${APPROVAL}/answer`, {
    method: 'POST',
    body: 'answer=approved',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

describe('pages', () => {
  test.each(PATHS)('%s answers', async (path) => {
    expect((await visit(path)).statusCode).toBe(200);
  });

  test('every GET route is visited by these tests, but for what is not a page of what is here', () => {
    const patternOf = (path: string) => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
    const routes = ROUTES.filter(({ method }) => method === 'GET').map(({ path }) => path);
    const missing = routes.filter((route) => !PATHS.some((path) => patternOf(route).test(path)));
    expect(missing.filter((route) => !/^(\/(api|token))?\/plans\/|^\/login\/callback$/.test(route))).toEqual([]);
    expect(routes.length).toBeGreaterThan(PATHS.length);
  });

  test.each(PATHS)('HEAD %s answers like GET, without a body', async (path) => {
    const [got, headed] = [await visit(path), await visit(path, { method: 'HEAD' })];
    expect(headed).toEqual({ ...got, body: '' });
  });

  test('the list of changes passes its filter on and shows what comes back', async () => {
    const item = indexItem({ kind: 'outcome', at: a.NOW, result: 'blocked', reason: 'Violates prod-budget.' });
    dynamodb.on(QueryCommand, { IndexName: 'by-environment-month' }).resolves({ Items: [] });
    dynamodb
      .on(QueryCommand, {
        IndexName: 'by-environment-month',
        ExpressionAttributeValues: {
          ':hash': { S: 'prod#2026-11' },
          ':from': { S: '2026-11' },
          ':to': { S: '2026-11-99' },
        },
      })
      .resolves({ Items: [item] });
    const { body } = await visit('/changes', { query: 'environment=prod&result=&month=2026-11' });
    expect(body).toContain('Violates prod-budget.');
    expect(body).toContain('<option value="prod" selected>');
  });

  test.each(['month=November', 'environment=qa', 'after=x', `result=${encodeURIComponent(HOSTILE)}`])(
    'a filter that makes no sense (%s) is a 400',
    async (query) => {
      const { statusCode, body } = await visit('/changes', { query });
      expect(statusCode).toBe(400);
      expect(body).not.toContain('<script');
    },
  );

  test('links to the list from the time when it was the first page still find it', async () => {
    expect(await visit('/', { query: 'environment=prod&month=2026-11' })).toMatchObject({
      statusCode: 303,
      headers: { location: '/changes?environment=prod&month=2026-11' },
    });
  });

  test('a list as CSV has the same rows, as a file', async () => {
    const item = indexItem({ kind: 'outcome', at: a.NOW, result: 'blocked', reason: '=HYPERLINK("http://x")' });
    dynamodb.on(QueryCommand, { IndexName: 'by-environment-month' }).resolves({ Items: [item] });
    const { body = '', headers } = await visit('/changes.csv', { query: 'environment=prod&month=2026-11' });
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="portcullis-changes-2026-11-20.csv"',
    });
    expect(body.trim().split('\r\n')).toHaveLength(2);
    expect(body).toContain(`"'=HYPERLINK(""http://x"")"`);
  });

  test('the stylesheet may be cached, is CSS, and is what the pages link to', async () => {
    const { headers } = await visit('/style.css');
    expect(headers).toMatchObject({
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=3600',
    });
  });

  test('health is JSON', async () => {
    expect(JSON.parse((await visit('/health')).body ?? '')).toEqual({ status: 'ok' });
  });

  test('how a request stands comes from the ledger, whatever the approvals table says', async () => {
    tables(waiting({ body: a.given(), actor: a.person('asha') }));
    const { body } = await visit(APPROVAL);
    expect(body).toContain('<span class="badge good">Approved</span>');
    expect(body).not.toContain('<form class="decide"');
  });

  test('a request that the ledger does not have is not found, although the table lists it', async () => {
    tables(a.history(a.opened(), a.findings()));
    expect((await visit(APPROVAL)).statusCode).toBe(404);
  });

  test('no page contains a task token or the secret of the session, whole or hashed', async () => {
    for (const path of PATHS) {
      const { body } = await visit(path);
      for (const secret of [
        SESSION,
        sessionKey,
        sha256(SESSION),
        CIPHERTEXT,
        Buffer.from(CIPHERTEXT).toString('base64'),
      ])
        expect(body).not.toContain(secret);
    }
  });
});

describe('headers', () => {
  const EXPECTED = {
    'content-security-policy':
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': expect.stringMatching(/^([a-z-]+=\(\)(, )?)+$/) as string,
  };

  test.each([...PATHS, '/nothing/here', `/approvals/${'x'.repeat(26)}`])('%s has them all', async (path) => {
    const { headers } = await visit(path);
    expect(headers).toMatchObject(EXPECTED);
    if (path !== '/style.css') expect(headers).toMatchObject({ 'cache-control': 'no-store' });
  });

  test('so have refusals, redirects and failures', async () => {
    const refused = await post({ origin: 'https://evil.example.com' });
    const wrongMethod = await visit('/', { method: 'DELETE' });
    dynamodb.onAnyCommand().rejects(new Error('down'));
    dynamodb.on(GetItemCommand).rejects(new Error('down'));
    const failed = await visit(APPROVAL);
    expect([refused, wrongMethod, failed].map(({ statusCode }) => statusCode)).toEqual([403, 405, 500]);
    for (const { headers } of [refused, wrongMethod, failed])
      expect(headers).toMatchObject({ ...EXPECTED, 'cache-control': 'no-store' });
  });
});

describe('GET and HEAD', () => {
  test.each(['GET', 'HEAD'])('%s changes nothing: every call to AWS that a page makes is a read', async (method) => {
    for (const path of PATHS)
      expect((await visit(path, { method, query: 'answer=approved&code=x' })).statusCode).toBe(200);
    const calls = dynamodb.calls().map((call) => call.args[0].constructor.name);
    expect(calls.length).toBeGreaterThan(5);
    expect(calls.filter((name) => !READS.includes(name))).toEqual([]);
    expect([...kms.calls(), ...sfn.calls()]).toEqual([]);
  });
});

describe('reading', () => {
  const lines = () => logged.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);

  test.each([
    [CHANGE, 'change read', { account: '111122223333', region: 'us-east-1', name: 'fraud-prod', generation: 1 }],
    [ENDPOINT, 'history read', { account: '111122223333', region: 'us-east-1', name: 'fraud-prod' }],
    ['/changes.csv', 'changes exported', { filter: {}, rows: 0 }],
  ])('%s is one line in the log, with who it was', async (path, message, about) => {
    await visit(path);
    expect(lines()).toEqual([{ level: 'INFO', message, person: 'asha', method: 'GET', ...about }]);
  });

  test('what is not there was not read', async () => {
    await visit('/changes/111122223333/us-east-1/fraud-prod/99');
    expect(lines()).toMatchObject([{ level: 'WARN', status: 404 }]);
  });
});

describe('what is not there', () => {
  test.each([
    '/nothing',
    '/changes/',
    '/approvals/',
    '/style.css/',
    '/stylexcss',
    '/approvals/UPPERCASE',
    '/changes/1/us-east-1/fraud-prod/1',
    '/changes/111122223333/us-east-1/fraud-prod/0',
    '/changes/111122223333/us-east-1/fraud-prod/1e3',
    '/changes/111122223333/us-east-1/fraud-prod/99',
    '/changes/111122223333/us-east-1/%3Cscript%3E/1',
    '/endpoints/111122223333/us-east-1/-',
    '/endpoints/1/us-east-1/fraud-prod',
  ])('%s is a 404 page with an error id', async (path) => {
    const { statusCode, body } = await visit(path);
    expect(statusCode).toBe(404);
    expect(body).toContain(ERROR_ID);
  });

  test.each([
    ['/', 'POST', 'GET, HEAD'],
    [APPROVAL, 'PUT', 'GET, HEAD'],
    [`${APPROVAL}/answer`, 'GET', 'POST'],
    ['/style.css', 'OPTIONS', 'GET, HEAD'],
  ])('%s does not take %s, and says what it takes', async (path, method, allow) => {
    const { statusCode, headers } = await visit(path, { method });
    expect(statusCode).toBe(405);
    expect(headers).toMatchObject({ allow });
  });
});

describe('an error inside', () => {
  test('is a page with an id, without internals, and one line in the log with the same id and no query string', async () => {
    const error = new Error('secret table name portcullis-ledger');
    error.name = 'ProvisionedThroughputExceededException';
    dynamodb.on(QueryCommand).rejects(error);
    const { statusCode, body } = await visit('/changes', { query: 'month=2026-11' });
    expect(statusCode).toBe(500);
    expect(body).toContain(ERROR_ID);
    expect(body).not.toMatch(/secret|Provisioned|at .*\.ts/);
    expect(logged).toHaveBeenCalledTimes(1);
    const line = String(logged.mock.calls[0]?.[0]);
    expect(JSON.parse(line)).toEqual({
      level: 'ERROR',
      message: 'Something went wrong',
      errorId: ERROR_ID,
      status: 500,
      route: 'GET /changes',
      error: 'ProvisionedThroughputExceededException',
    });
  });
});
