import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { signedRequest } from '../../shared/aws/signed-request.ts';
import { services } from '../fake-aws.ts';

/** What was sent, and services whose credentials are known. */
function world() {
  const sent: { url: string; init: RequestInit & { headers: Record<string, string> } }[] = [];
  const all = services({
    now: () => '2026-11-20T10:00:00.000Z',
    fetch: async (url, init) => {
      sent.push({ url: String(url), init: init as (typeof sent)[number]['init'] });
      return new Response('{}');
    },
  });
  all.sts.config.credentials = async () => ({
    accessKeyId: 'AKID',
    secretAccessKey: 'secret',
    sessionToken: 'session',
  });
  return { all, sent };
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

test('is signed as AWS Signature Version 4 says, worked out here by hand', async () => {
  const { all, sent } = world();
  const body = { answer: 'approved' };
  const url = 'https://gate.example.com/api/approvals/x/answer?b=2&a=1';
  await signedRequest(all, { url, method: 'POST', body });
  const [{ init, url: asked } = { init: undefined, url: '' }] = sent;
  expect(asked).toBe(url);
  expect(init?.body).toBe('{"answer":"approved"}');
  const headers = init?.headers ?? {};
  const given =
    /Credential=AKID\/20261120\/us-east-1\/execute-api\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)/.exec(
      headers.authorization ?? '',
    );
  const names = (given?.[1] ?? '').split(';');
  expect(names).toEqual(expect.arrayContaining(['content-type', 'host', 'x-amz-date', 'x-amz-security-token']));
  const canonical = [
    'POST',
    '/api/approvals/x/answer',
    'a=1&b=2',
    ...names.map((name) => `${name}:${name === 'host' ? 'gate.example.com' : headers[name]}`),
    '',
    names.join(';'),
    hash('{"answer":"approved"}'),
  ].join('\n');
  const toSign = [
    'AWS4-HMAC-SHA256',
    '20261120T100000Z',
    '20261120/us-east-1/execute-api/aws4_request',
    hash(canonical),
  ];
  const key = ['us-east-1', 'execute-api', 'aws4_request'].reduce(hmac, hmac('AWS4secret', '20261120'));
  expect(given?.[2]).toBe(hmac(key, toSign.join('\n')).toString('hex'));
});

test('another body is another signature, no body is none, and a redirect is not followed', async () => {
  const { all, sent } = world();
  const url = 'https://gate.example.com/api/plans';
  await signedRequest(all, { url, method: 'POST', body: { a: 1 } });
  await signedRequest(all, { url, method: 'POST', body: { a: 2 } });
  await signedRequest(all, { url });
  const signatures = sent.map(({ init }) => init.headers.authorization);
  expect(new Set(signatures).size).toBe(3);
  expect(sent[2]?.init).toMatchObject({ method: 'GET', redirect: 'manual' });
  expect(sent[2]?.init.body).toBeUndefined();
});
