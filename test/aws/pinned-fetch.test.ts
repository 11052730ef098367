import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pinnedFetch, type Way } from '../../shared/aws/pinned-fetch.ts';
import { isPublicAddress } from '../../shared/aws/public-address.ts';
import { postToWebhook } from '../../shared/aws/slack.ts';
import { services } from '../fake-aws.ts';
import { SLACK } from '../fake-slack.ts';

describe('is nobody on the public internet:', () => {
  test.each([
    ...[
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
    ],
    ...['100.64.0.1', '100.127.255.255', '192.0.0.8', '198.18.0.1', '198.19.255.255', '224.0.0.1', '240.0.0.1'],
    ...[
      '255.255.255.255',
      '203.0.113.9',
      '192.0.2.1',
      '198.51.100.1',
      '::',
      '::1',
      'fe80::1',
      'fc00::1',
      'fd00:ec2::254',
    ],
    ...[
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
      '2001::1',
    ],
    ...['', 'localhost', '127.1', '0x7f000001', '1.2.3.4.5', '2852039166'],
  ])('%s', (address) => expect(isPublicAddress(address)).toBe(false));
  test.each([
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '52.1.2.3',
    '2600:1f18::1',
    '2a00:1450::1',
  ])('but %s is', (address) => expect(isPublicAddress(address)).toBe(true));
});

describe('a call', () => {
  let server: Server;
  const asked: { url: string | undefined; host: string | undefined; from: IncomingMessage['headers'] }[] = [];
  const answers: Record<
    string,
    (send: (status: number, body: string, headers?: Record<string, string>) => void) => void
  > = {
    '/ok': (send) => send(200, 'ok', { 'retry-after': '3' }),
    '/moved': (send) => send(307, '', { location: 'https://evil.example/' }),
    '/long': (send) => send(200, 'x'.repeat(70_000)),
    '/silent': () => undefined,
  };
  beforeAll(async () => {
    server = createServer(({ url, headers }, response) => {
      asked.push({ url, host: headers.host, from: headers });
      answers[url ?? '']?.((status, body, more = {}) => response.writeHead(status, more).end(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  /** A way on which names lead to the server above, for once as if it were out on the internet. */
  const setUp = (way: Partial<Way> = {}) => {
    const resolved: string[] = [];
    const call = (path: string, init: RequestInit = {}, host = 'hooks.slack.com') =>
      pinnedFetch(`https://${host}:${(server.address() as AddressInfo).port}${path}`, init, {
        resolve: async (name) => {
          resolved.push(name);
          return [{ address: '127.0.0.1', family: 4 }];
        },
        isPublic: () => true,
        request: request as Way['request'],
        ...way,
      });
    return { call, resolved };
  };

  test('resolves the name once, calls the address that it found, and goes by the name of the host', async () => {
    const { call, resolved } = setUp();
    const response = await call('/ok', { method: 'POST', body: '{}', headers: { authorization: 'Bearer x' } });
    expect([response.status, await response.text(), response.headers.get('retry-after')]).toEqual([200, 'ok', '3']);
    expect(resolved).toEqual(['hooks.slack.com']);
    expect(asked.at(-1)).toMatchObject({ url: '/ok', host: expect.stringMatching(/^hooks\.slack\.com:/) });
    expect(asked.at(-1)?.from).toMatchObject({ authorization: 'Bearer x', connection: 'close' });
  });
  test.each([
    ['this machine', ['127.0.0.1']],
    ['the metadata of AWS', ['169.254.169.254']],
    ['one public address and one inside', ['52.1.2.3', '10.0.0.7']],
    ['nothing', []],
  ])('is not made where the name leads to %s', async (_where, addresses) => {
    const before = asked.length;
    const resolve = async () => addresses.map((address) => ({ address, family: 4 }));
    const { call } = setUp({ resolve, isPublic: isPublicAddress });
    await expect(call('/ok')).rejects.toThrow('not on the public internet');
    expect(asked).toHaveLength(before);
  });
  test('is not made to an address that is written out, if that is inside', async () => {
    const resolve: Way['resolve'] = async (name) => [{ address: name, family: name.includes(':') ? 6 : 4 }];
    const { call } = setUp({ resolve, isPublic: isPublicAddress });
    for (const host of ['127.0.0.1', '[::1]', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])
      await expect(call('/ok', {}, host)).rejects.toThrow('not on the public internet');
  });
  test('is not made without TLS', async () => {
    const { resolved } = setUp();
    await expect(pinnedFetch('http://hooks.slack.com/x')).rejects.toThrow('Only https');
    expect(resolved).toEqual([]);
  });
  test('follows no redirect, and calls nobody else', async () => {
    const { call, resolved } = setUp();
    const before = asked.length;
    await expect(call('/moved')).rejects.toThrow('A redirect is not followed');
    expect([resolved, asked.length - before]).toEqual([['hooks.slack.com'], 1]);
  });
  test('reads no more than what an answer may be', async () => {
    await expect(setUp().call('/long')).rejects.toThrow('too long');
  });
  test('gives up in time, and says that it was time', async () => {
    const signal = AbortSignal.timeout(20);
    await expect(setUp().call('/silent', { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
  test('gives up in time where the name is not resolved, too', async () => {
    const { call } = setUp({ resolve: () => new Promise(() => undefined) });
    const refused = expect(call('/ok', { signal: AbortSignal.timeout(20) })).rejects;
    await refused.toMatchObject({ name: 'TimeoutError' });
  });
});

test('what must not be called is not tried again, and its address is not told', async () => {
  let tries = 0;
  const fetchPinned = async () => {
    tries += 1;
    return pinnedFetch(
      SLACK.webhookUrl,
      {},
      {
        resolve: async () => [{ address: '10.0.0.7', family: 4 }],
        isPublic: isPublicAddress,
        request: () => {
          throw new Error('It was called.');
        },
      },
    );
  };
  const posted = postToWebhook(services({ fetchPinned }), SLACK.webhookUrl, { text: 'x', blocks: [] });
  await expect(posted).rejects.toMatchObject({ name: 'SlackError', message: expect.stringMatching(/^not called: /) });
  await expect(posted).rejects.not.toThrow(/canary|10\.0\.0\.7/);
  expect(tries).toBe(1);
});
