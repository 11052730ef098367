import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { applyOutgoingTls } from '../../local/outgoing-tls.ts';
import { certificate } from '../certificates.ts';
import { portcullis, root } from '../cli/portcullis.ts';
import { give } from '../spawn-gate.ts';
import { APPROVERS_YAML, Runtime } from './runtime.ts';

// A gate that must encrypt, with a certificate of an authority of our own, open to other machines, its token being rotated.
const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'));
const authority = certificate({ name: 'authority', authority: true });
const own = certificate({ by: authority });
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};
const CA = file('ca.pem', authority.cert);
const TOKENS = {
  active: 'the-new-token-of-programs-with-32-letters',
  previous: 'the-token-before-with-at-least-32-letters',
};
const runtime = new Runtime(APPROVERS_YAML, ['--console-address', '0.0.0.0']);
const before: { verified?: unknown } = {};

beforeAll(async () => {
  Object.assign(process.env, {
    PORTCULLIS_TLS_CERT_FILE: file('cert.pem', own.cert),
    PORTCULLIS_TLS_KEY_FILE: file('key.pem', own.key),
    PORTCULLIS_ENCRYPTION_IN_TRANSIT: 'true',
    PORTCULLIS_ACCESS_TOKEN: `${TOKENS.active},${TOKENS.previous}`,
  });
  give(folder);
  await runtime.start();
  before.verified = await fetch(`${runtime.consoleUrl}/health`).catch(
    (error: Error) => (error.cause as { code: string }).code,
  );
  applyOutgoingTls({ PORTCULLIS_TLS_CA_FILE: CA });
}, 60_000);
afterAll(async () => {
  await runtime.remove();
  rmSync(folder, { recursive: true });
});

const plan = '/token/plans/000000000000/us-east-1/nowhere/7';
/** What the log has about a use of the access token. */
const uses = () =>
  readdirSync(join(runtime.dataDir, 'data/logs'))
    .flatMap((name) => readFileSync(join(runtime.dataDir, 'data/logs', name), 'utf8').split('\n'))
    .filter((line) => line.includes('"access-token"'))
    .map((line) => (JSON.parse(line) as { detail: string }).detail);

test('it is found over TLS, by whoever trusts its authority and by nobody else', async () => {
  expect(runtime.consoleUrl).toMatch(/^https:\/\/localhost:\d+$/);
  expect(before.verified).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  expect((await fetch(`${runtime.consoleUrl}/health`)).status).toBe(200);
  const links = await (await fetch(`${runtime.consoleUrl}/login`)).text();
  expect(links).not.toContain('http://');
});

test('the health check of its container knows it by its certificate, and no other that answers in its place', () => {
  const compose = readFileSync(join(root, 'deployment/docker-compose.tls.yml'), 'utf8');
  const [, , flag = '', script = ''] = (parse(compose) as { services: { gate: { healthcheck: { test: string[] } } } })
    .services.gate.healthcheck.test;
  const check = (certificateFile: string, url = runtime.consoleUrl) =>
    spawnSync(process.execPath, [flag, script.replace('4510', new URL(runtime.consoleUrl).port)], {
      env: { PORTCULLIS_TLS_CERT_FILE: certificateFile, PORTCULLIS_CONSOLE_URL: url },
      encoding: 'utf8',
    });
  expect(check(join(folder, 'cert.pem'))).toMatchObject({ status: 0, stderr: '' });
  expect(check(file('other.pem', certificate({ by: authority }).cert)).status).toBe(1);
  expect(check(join(folder, 'cert.pem'), 'https://gate.example.com').status).toBe(1);
});

// Of all systems only Linux has all of 127.0.0.0/8 for itself without being told.
describe.runIf(process.platform === 'linux')('at an address that it was not told to keep to', () => {
  test('the console answers, over TLS only', async () => {
    const port = Number(new URL(runtime.consoleUrl).port);
    const protocol = await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.2', port, servername: 'localhost', ca: authority.cert });
      socket.once('secureConnect', () => resolve(socket.end().getProtocol()));
      socket.once('error', reject);
    });
    expect(protocol).toBe('TLSv1.3');
    await expect(fetch(`http://127.0.0.2:${port}/health`)).rejects.toThrow();
  });
  test('the loopback AWS, which believes everybody, does not', async () => {
    const port = Number(new URL(runtime.awsUrl).port);
    const code = await new Promise((resolve) => {
      request({ host: '127.0.0.2', port, method: 'POST' }, () => resolve('answered'))
        .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        .end();
    });
    expect(code).toBe('ECONNREFUSED');
  });
});

test('programs show either token while it is rotated, through the command line too, and the log says which', async () => {
  const asked = async (token: string) =>
    (await fetch(`${runtime.consoleUrl}${plan}`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect([await asked(TOKENS.previous), await asked('neither')]).toEqual([404, 401]);
  expect(uses()).toEqual(['previous']);
  const env = { PORTCULLIS_ACCESS_TOKEN: `${TOKENS.active},${TOKENS.previous}`, PORTCULLIS_TLS_CA_FILE: CA };
  const shown = await portcullis(['plan', 'show', '000000000000/us-east-1/nowhere/7', '--url', runtime.consoleUrl], {
    env,
  });
  expect(shown.err).toContain('There is no such plan');
  expect(uses()).toEqual(['previous', 'active']);
  const logs = readdirSync(join(runtime.dataDir, 'data/logs')).map((name) =>
    readFileSync(join(runtime.dataDir, 'data/logs', name), 'utf8'),
  );
  expect(logs.join('')).not.toMatch(/with-32-letters|at-least-32-letters/);
});

test('a command whose authorities cannot be read calls nobody', async () => {
  const env = { PORTCULLIS_TLS_CA_FILE: join(folder, 'none.pem') };
  const run = await portcullis(['plan', 'show', '000000000000/us-east-1/nowhere/7', '--url', runtime.consoleUrl], {
    env,
  });
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(run.err).toContain('PORTCULLIS_TLS_CA_FILE: ');
  expect(run.err).toContain('none.pem cannot be read (ENOENT)');
});
