import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createConsole } from '../../local/http.ts';
import { createMetrics } from '../../local/metrics.ts';
import { servingFrom } from '../../local/serving.ts';
import type { SecurityEvent } from '../../shared/model/security-event.ts';
import * as a from '../builders.ts';
import { type Certified, certificate, type Wanted } from '../certificates.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

// Real handshakes with a console whose clock and minutes are moved by hand, while its certificate is renewed.
const GAUGE = 'portcullis_tls_certificate_expiration_timestamp_seconds';
const authority = certificate({ name: 'authority', authority: true });
const made = (wanted: Wanted) => certificate({ by: authority, ...wanted });
const first = made({ name: 'first', to: '2026-12-24T00:00:00Z' });
const second = made({ name: 'second', to: '2027-12-24T00:00:00Z' });

let folder: string;
let told: SecurityEvent[];
let said: string[];
let clock: { now: string };
let stop: () => Promise<void>;
let port: number;
let scraped: () => Promise<string>;
const at = (name: string) => join(folder, name);
/** Puts a file in the place of another at once, as whatever renews certificates does. */
function put(name: string, text: string): void {
  writeFileSync(at(`${name}.new`), text, { mode: 0o600 });
  renameSync(at(`${name}.new`), at(name));
}
function renew({ cert, key }: Certified): void {
  put('cert.pem', cert);
  put('key.pem', key);
}
const minutes = (count: number) => vi.advanceTimersByTime(count * 60_000);
/** The name of the certificate that somebody is shown who comes now, or why there was no connection. */
const shown = () =>
  new Promise<string>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
/** When what is served ends, as Prometheus reads it. */
const ends = async () =>
  Number(
    (await scraped())
      .split('\n')
      .find((line) => line.startsWith(`${GAUGE} `))
      ?.split(' ')[1],
  );

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-renewed-'));
  [told, said, clock] = [[], [], { now: a.NOW }];
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(text));
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  renew(first);
  const env = { PORTCULLIS_TLS_CERT_FILE: at('cert.pem'), PORTCULLIS_TLS_KEY_FILE: at('key.pem') };
  const serving = servingFrom(env, '127.0.0.1', clock.now, []);
  const aws = fakeAws({ now: () => clock.now });
  fakeTables(aws);
  aws.services.note = (event) => void told.push(event);
  const metrics = createMetrics();
  metrics.watch({
    services: aws.services,
    eventsUnderWay: () => 0,
    executionsUnderWay: () => 0,
    sweepEverySeconds: 900,
  });
  scraped = metrics.text;
  const server = createConsole(aws.services, async () => [], metrics, serving?.tls);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  stop = () => new Promise((resolve) => server.close(() => resolve()));
});
afterEach(async () => {
  await stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe('a certificate that is renewed while the gate runs', () => {
  test('is served within a minute, is on record, and Prometheus is told when it ends', async () => {
    expect([await shown(), await ends()]).toEqual(['first', Date.parse('2026-12-24T00:00:00Z') / 1_000]);
    minutes(3);
    expect(told).toEqual([]);
    renew(second);
    expect(await shown()).toBe('first');
    minutes(1);
    expect([await shown(), await ends()]).toEqual(['second', Date.parse('2027-12-24T00:00:00Z') / 1_000]);
    minutes(3);
    expect(told).toEqual([
      {
        event: 'configuration',
        actor: 'portcullis',
        subject: 'certificate',
        detail: 'renewed: ends 2027-12-24T00:00:00.000Z',
      },
    ]);
    expect(said).toEqual([]);
  });

  test('is served at once on SIGHUP, which ends nothing', async () => {
    renew(second);
    process.emit('SIGHUP');
    expect(await shown()).toBe('second');
  });

  test('is found behind a link that was pointed elsewhere', async () => {
    writeFileSync(at('second.pem'), second.cert);
    symlinkSync(at('second.pem'), at('link'));
    put('key.pem', second.key);
    renameSync(at('link'), at('cert.pem'));
    minutes(1);
    expect(await shown()).toBe('second');
  });

  test('ends with the first of its chain', async () => {
    const between = certificate({ name: 'between', authority: true, to: '2026-12-01T00:00:00Z' });
    renew({ ...second, cert: second.cert + between.cert });
    minutes(1);
    expect(await ends()).toBe(Date.parse('2026-12-01T00:00:00Z') / 1_000);
  });
});

describe('the one before stays, and it is said once, where the new one', () => {
  const other = certificate({ by: authority, name: 'other' });
  test.each<[what: string, plant: () => void, why: RegExp]>([
    ['has expired', () => renew(made({ to: '2026-01-01T00:00:00Z' })), /has expired on 2026-01-01/],
    ['is not valid yet', () => renew(made({ from: '2027-01-01T00:00:00Z' })), /is not valid before 2027-01-01/],
    ['came without its key', () => put('cert.pem', second.cert), /is the key of another certificate/],
    ['is no certificate', () => put('cert.pem', 'canary words'), /holds no certificate/],
    ['was taken away', () => rmSync(at('cert.pem')), /cannot be read \(ENOENT\)/],
    [
      'has a key that others can read',
      () => {
        renew(second);
        chmodSync(at('key.pem'), 0o640);
      },
      /has mode 640/,
    ],
    ['is for another host', () => renew(made({ hosts: ['gate.example.com'] })), /CONSOLE_URL: must be set/],
    ['is for another name of this machine', () => renew(made({ hosts: ['127.0.0.1'] })), /is known as https:\/\/local/],
    ['has a key that is too short', () => renew(made({ curve: 'prime192v1' })), /key too small/],
  ])('%s', async (_what, plant, why) => {
    plant();
    minutes(3);
    expect(await shown()).toBe('first');
    expect(await ends()).toBe(Date.parse('2026-12-24T00:00:00Z') / 1_000);
    expect(told).toEqual([
      { event: 'configuration', actor: 'portcullis', subject: 'certificate', detail: expect.stringMatching(why) },
    ]);
    expect(told[0]?.detail).toMatch(/^refused: /);
    expect(said).toEqual([expect.stringContaining('what is served ends at 2026-12-24')]);
    expect(JSON.stringify([told, said])).not.toMatch(/canary|PRIVATE/);
    // Whoever mends it is served, and what is wrong again is said again.
    renew(second);
    minutes(1);
    expect(await shown()).toBe('second');
    renew(other);
    put('key.pem', second.key);
    minutes(2);
    expect(await shown()).toBe('second');
    expect(told.map(({ detail }) => detail?.split(':')[0])).toEqual(['refused', 'renewed', 'refused']);
  });

  test('is the old one, and its day has come', async () => {
    clock.now = '2026-12-24T00:01:00Z';
    minutes(2);
    expect(told).toEqual([expect.objectContaining({ detail: expect.stringContaining('has expired on 2026-12-24') })]);
  });
});

test('a gate that has stopped looks no more, and SIGHUP means what it did', async () => {
  const listening = process.listenerCount('SIGHUP');
  await stop();
  expect(process.listenerCount('SIGHUP')).toBe(listening - 1);
  renew(second);
  minutes(2);
  expect(told).toEqual([]);
});

test('a gate without a certificate tells Prometheus of none, rather than of one that ended in 1970', async () => {
  const metrics = createMetrics();
  const aws = fakeAws();
  fakeTables(aws);
  metrics.watch({
    services: aws.services,
    eventsUnderWay: () => 0,
    executionsUnderWay: () => 0,
    sweepEverySeconds: 900,
  });
  const text = await metrics.text();
  expect(text).toContain(`# TYPE ${GAUGE} gauge`);
  expect(text).not.toMatch(new RegExp(`^${GAUGE}`, 'm'));
});
