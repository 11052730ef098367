import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { connect, type SecureVersion } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createConsole } from '../../local/http.ts';
import { applyOutgoingTls, problemsWithOutgoingTls } from '../../local/outgoing-tls.ts';
import { servingFrom } from '../../local/serving.ts';
import * as a from '../builders.ts';
import { certificate } from '../certificates.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

// Real connections to the console with a certificate that an authority of our own has signed.
const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
const authority = certificate({ name: 'authority', authority: true });
const own = certificate({ by: authority, hosts: ['localhost', 'gate.example.com'] });
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};
const CA = file('ca.pem', authority.cert);
const env = {
  PORTCULLIS_TLS_CERT_FILE: file('cert.pem', own.cert),
  PORTCULLIS_TLS_KEY_FILE: file('key.pem', own.key),
  PORTCULLIS_CONSOLE_URL: 'https://gate.example.com',
};

let server: Server;
/** One that speaks what ours must not, to see that the client of these tests could. */
let old: Server;
const portOf = (each: Server) => (each.address() as AddressInfo).port;
const listening = (each: Server) => new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
beforeAll(async () => {
  const aws = fakeAws({ config: a.config({ consoleUrl: 'https://gate.example.com' }) });
  fakeTables(aws);
  const served = servingFrom(env, '127.0.0.1', a.NOW, []);
  const metrics = {
    text: async () => 'portcullis_build_info 1\n',
    contentType: 'text/plain',
    certificateEnds: () => undefined,
  };
  server = createConsole(aws.services, async () => [], metrics, served?.tls) as Server;
  // A connection that is kept was verified, or not, under what was said before.
  server.maxRequestsPerSocket = 1;
  const everything = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  old = createServer({ cert: own.cert, key: own.key, ...everything }, (_request, response) => response.end());
  await Promise.all([listening(server), listening(old)]);
});
afterAll(() => {
  server.close();
  old.close();
  rmSync(folder, { recursive: true });
});

/** The protocol that a client of exactly this version agrees on with a server, or why it does not. */
const agreed = (version: SecureVersion, to: Server) =>
  new Promise<string | null>((resolve) => {
    const socket = connect({
      port: portOf(to),
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.cert,
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    socket.once('secureConnect', () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });

describe('the version', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken', async (version) => {
    expect(await agreed(version, server)).toBe(version);
  });
  test.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused by the server, to a client that could', async (version) => {
    expect(await agreed(version, old)).toBe(version);
    expect(await agreed(version, server)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });
  test('is refused, whatever Node was told to take', async () => {
    const before = tls.DEFAULT_MIN_VERSION;
    tls.DEFAULT_MIN_VERSION = 'TLSv1';
    expect(await agreed('TLSv1.1', server)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    tls.DEFAULT_MIN_VERSION = before;
  });
  test('none, which is plain HTTP, is not answered', async () => {
    await expect(fetch(`http://127.0.0.1:${portOf(server)}/health`)).rejects.toThrow();
  });
});

type Answer = { status?: number | undefined; headers: Record<string, unknown>; body: string };
/** Asks as somebody who trusts our authority. */
const ask = (path: string, { host = 'gate.example.com', method = 'GET', body = '' } = {}) =>
  new Promise<Answer>((resolve, reject) => {
    const headers = { host, 'content-type': 'application/x-www-form-urlencoded' };
    const to = { host: '127.0.0.1', port: portOf(server), servername: 'localhost', ca: authority.cert };
    const sent = request({ ...to, path, method, headers, agent: false }, (reply) => {
      let text = '';
      reply.on('data', (chunk) => {
        text += String(chunk);
      });
      reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: text }));
    });
    sent.once('error', reject).end(body);
  });

describe('over TLS', () => {
  test('browsers are told to come by nothing else, on every kind of answer', async () => {
    const answers = await Promise.all([
      ask('/health'),
      ask('/style.css'),
      ask('/approvals'),
      ask('/nothing'),
      ask('/metrics'),
      ask('/outbox'),
      ask('/outbox', { host: 'evil.example.com' }),
      ask('/login/code', { method: 'POST', body: `next=${'x'.repeat(70_000)}` }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 303, 404, 200, 200, 403, 413]);
    for (const { headers } of answers)
      expect(headers).toMatchObject({
        'strict-transport-security': 'max-age=31536000',
        'x-content-type-options': 'nosniff',
      });
  });
  test('people log in, also at this machine, and their cookie goes nowhere else', async () => {
    expect(await ask('/changes', { host: 'localhost' })).toMatchObject({ status: 303 });
    const { headers } = await ask('/login/code', { method: 'POST', body: 'next=/' });
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-portcullis-login=[a-z0-9]{26}; Path=\/; Max-Age=600; HttpOnly; SameSite=Strict; Secure$/,
      ),
    ]);
  });
  test('mails are read and metrics taken under the name of the console, and under no other that leads here', async () => {
    for (const path of ['/outbox', '/metrics']) {
      expect((await ask(path)).status).toBe(200);
      expect((await ask(path, { host: 'localhost' })).status).toBe(200);
      expect((await ask(path, { host: 'evil.example.com' })).status).toBe(path === '/outbox' ? 403 : 401);
    }
  });
});

describe('calls to others', () => {
  const trusted = tls.getCACertificates('default');
  afterEach(() => {
    tls.setDefaultCACertificates(trusted);
    vi.unstubAllEnvs();
  });
  /** What comes of a call, by the name that is given. */
  const called = (host: string) =>
    fetch(`https://${host}:${portOf(server)}/health`).then(
      ({ status }) => status,
      (error: Error) => (error.cause as NodeJS.ErrnoException).code,
    );

  test('trust an authority of our own once it is named, and still want the name', async () => {
    expect(await called('localhost')).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    applyOutgoingTls({ PORTCULLIS_TLS_CA_FILE: CA });
    expect(await called('localhost')).toBe(200);
    expect(await called('127.0.0.1')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });
  test('refuse what has signed itself, unless it is the one that was named', async () => {
    const alone = certificate({ name: 'alone' });
    const lonely = createServer({ cert: alone.cert, key: alone.key }, (_request, response) => response.end('{}'));
    await listening(lonely);
    const asked = () =>
      fetch(`https://localhost:${portOf(lonely)}/`).then(
        ({ status }) => status,
        (error: Error) => (error.cause as NodeJS.ErrnoException).code,
      );
    expect(await asked()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    applyOutgoingTls({ PORTCULLIS_TLS_CA_FILE: file('alone.pem', alone.cert) });
    expect(await asked()).toBe(200);
    lonely.close();
    lonely.closeAllConnections();
  });
  test.each([
    ['without a stage', undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['in prod', 'prod', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['in dev', 'dev', 200],
  ])('verify nobody only where that was said outside of prod: %s', async (_where, stage, comes) => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', undefined);
    applyOutgoingTls({ PORTCULLIS_TLS_VERIFY: 'false', PORTCULLIS_STAGE: stage });
    expect(await called('localhost')).toBe(comes);
  });
  test.each([
    [
      'that are not there',
      { PORTCULLIS_TLS_CA_FILE: join(folder, 'none') },
      /CA_FILE: .*none cannot be read \(ENOENT\)/,
    ],
    ['that are none', { PORTCULLIS_TLS_CA_FILE: env.PORTCULLIS_TLS_KEY_FILE }, /CA_FILE: .* holds no certificate/],
    ['by a switch that nobody would learn of', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /"0": take it out; name an/],
  ])('are not made with authorities %s', (_what, set, said) => {
    const [problem, ...more] = problemsWithOutgoingTls(set);
    expect(more).toEqual([]);
    expect(problem).toMatch(said);
    expect(problem).not.toContain('PRIVATE');
  });
  test('are made as ever where nothing is said', () => {
    expect(problemsWithOutgoingTls({ PORTCULLIS_TLS_CA_FILE: CA })).toEqual([]);
    expect(problemsWithOutgoingTls({ NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toEqual([]);
    // As our own switch sets it.
    const off = { NODE_TLS_REJECT_UNAUTHORIZED: '0', PORTCULLIS_TLS_VERIFY: 'false' };
    expect(problemsWithOutgoingTls({ ...off, PORTCULLIS_STAGE: 'dev' })).toEqual([]);
    expect(problemsWithOutgoingTls({ ...off, PORTCULLIS_STAGE: 'prod' })).toHaveLength(1);
    const set = vi.spyOn(tls, 'setDefaultCACertificates');
    applyOutgoingTls({ PORTCULLIS_TLS_VERIFY: 'true', PORTCULLIS_STAGE: 'dev' });
    expect(set).not.toHaveBeenCalled();
    expect(process.env.NODE_TLS_REJECT_UNAUTHORIZED).toBeUndefined();
  });
});
