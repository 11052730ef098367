import { createPrivateKey } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { servingFrom } from '../../local/serving.ts';
import { NOW } from '../builders.ts';
import { certificate } from '../certificates.ts';
import { asRoot } from '../spawn-gate.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-serving-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

const authority = certificate({ name: 'authority', authority: true });
const own = certificate({ by: authority });
const named = certificate({ by: authority, hosts: ['gate.example.com'] });
const other = certificate();
const late = certificate({ by: authority, to: '2026-01-01T00:00:00Z' });
const early = certificate({ by: authority, from: '2027-01-01T00:00:00Z' });
const oldAuthority = certificate({ name: 'old', authority: true, to: '2026-01-01T00:00:00Z' });
const weak = certificate({ curve: 'prime192v1' });
const at = (name: string) => join(folder, name);

file('cert.pem', own.cert);
file('key.pem', own.key);
file('chain.pem', own.cert + authority.cert);
file('named.pem', named.cert);
file('named-key.pem', named.key);
file('late.pem', late.cert);
file('late-key.pem', late.key);
file('early.pem', early.cert);
file('early-key.pem', early.key);
file('old-chain.pem', own.cert + oldAuthority.cert);
file('weak.pem', weak.cert);
file('weak-key.pem', weak.key);
file('other-key.pem', other.key);
file('open-key.pem', own.key, 0o640);
file('words.pem', 'canary words');
file('broken.pem', own.cert.replace(/[A-Za-z0-9]{20}/, 'x'.repeat(20)));
file(
  'locked-key.pem',
  createPrivateKey(own.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) as string,
);
symlinkSync(at('key.pem'), at('link-key.pem'));

/** The environment in which this is set; names of files are those above. */
const environment = ({ cert, key, ...more }: { cert?: string; key?: string; url?: string; transit?: string }) => ({
  ...(cert && { PORTCULLIS_TLS_CERT_FILE: at(cert) }),
  ...(key && { PORTCULLIS_TLS_KEY_FILE: at(key) }),
  ...(more.url && { PORTCULLIS_CONSOLE_URL: more.url }),
  ...(more.transit && { PORTCULLIS_ENCRYPTION_IN_TRANSIT: more.transit }),
});
type Set = Parameters<typeof environment>[0] & { address?: string };
function read({ address = '127.0.0.1', ...set }: Set) {
  const problems: string[] = [];
  return { serving: servingFrom(environment(set), address, NOW, problems), problems };
}

describe('the console is served', () => {
  test.each<[what: string, set: Set, url: string, tls: boolean]>([
    ['in plain on this machine', {}, 'http://127.0.0.1:4510', false],
    ['in plain at another address of this machine', { address: '::1' }, 'http://[::1]:4510', false],
    ['in plain, whatever http address is set', { url: 'http://x.example.com' }, 'http://127.0.0.1:4510', false],
    ['over TLS on this machine', { cert: 'cert.pem', key: 'key.pem' }, 'https://localhost:4510', true],
    ['with a chain', { cert: 'chain.pem', key: 'key.pem', transit: 'true' }, 'https://localhost:4510', true],
    [
      'over TLS to everybody, under its name',
      { cert: 'named.pem', key: 'named-key.pem', address: '0.0.0.0', url: 'https://gate.example.com/' },
      'https://gate.example.com',
      true,
    ],
  ])('%s', (_what, set, url, tls) => {
    const { serving, problems } = read(set);
    expect(problems).toEqual([]);
    expect(serving?.address).toBe(set.address ?? '127.0.0.1');
    expect(serving?.url(4510)).toBe(url);
    expect(serving?.tls?.pair.minVersion).toBe(tls ? 'TLSv1.2' : undefined);
  });
});

describe('it is not served, and the mistake is named, with', () => {
  const both = { cert: 'cert.pem', key: 'key.pem' };
  test.each<[what: string, set: Set, said: RegExp]>([
    ['encryption wanted and no certificate', { transit: 'true' }, /IN_TRANSIT: "true": needs PORTCULLIS_TLS_CERT_FILE/],
    ['plain HTTP to everybody', { address: '0.0.0.0' }, /"0\.0\.0\.0": plain HTTP is for this machine only; set/],
    ['plain HTTP to everybody, IPv6', { address: '::' }, /"::": plain HTTP is for this machine only/],
    ['plain HTTP to a network', { address: '192.0.2.7' }, /plain HTTP is for this machine only/],
    ['an address that is a name', { address: 'localhost' }, /--console-address: "localhost": must be an IP address/],
    ['a certificate without its key', { cert: 'cert.pem' }, /TLS_KEY_FILE: must be set where PORTCULLIS_TLS_CERT_FILE/],
    ['a key without its certificate', { key: 'key.pem' }, /TLS_CERT_FILE: must be set where PORTCULLIS_TLS_KEY_FILE/],
    ['no file', { ...both, cert: 'none.pem' }, /TLS_CERT_FILE: .*none\.pem cannot be read \(ENOENT\)/],
    ['a folder', { ...both, cert: '.' }, /TLS_CERT_FILE: .* cannot be read \(EISDIR\)/],
    ['words', { ...both, cert: 'words.pem' }, /TLS_CERT_FILE: .*words\.pem holds no certificate \(PEM\)/],
    ['a broken certificate', { ...both, cert: 'broken.pem' }, /holds something else in the place of certificate 1/],
    ['an expired one', { cert: 'late.pem', key: 'late-key.pem' }, /late\.pem has expired on 2026-01-01.*\(CN=gate\)/],
    ['one of next year', { cert: 'early.pem', key: 'early-key.pem' }, /early\.pem is not valid before 2027-01-01/],
    ['an expired one in the chain', { ...both, cert: 'old-chain.pem' }, /has expired on 2026-01-01.*\(CN=old\)/],
    ['no key file', { ...both, key: 'none.pem' }, /TLS_KEY_FILE: there is no file/],
    ['a key that others can read', { ...both, key: 'open-key.pem' }, /has mode 640; chmod 600/],
    ['a key behind a link', { ...both, key: 'link-key.pem' }, /is no regular file/],
    ['words for a key', { ...both, key: 'words.pem' }, /TLS_KEY_FILE: .*words\.pem holds no private key \(PEM\)/],
    ['a key with a password', { ...both, key: 'locked-key.pem' }, /is encrypted with a password/],
    ['the key of another certificate', { ...both, key: 'other-key.pem' }, /is the key of another certificate/],
    ['a key that is too short', { cert: 'weak.pem', key: 'weak-key.pem' }, /CERT_FILE and .*KEY_FILE: .*key too small/],
    [
      'an http address',
      { ...both, url: 'http://localhost' },
      /CONSOLE_URL: "http:\/\/localhost": must begin with https/,
    ],
    [
      'the certificate of another host',
      { ...both, url: 'https://gate.example.com' },
      /the certificate is for DNS:localhost, IP Address:127\.0\.0\.1, and not for gate\.example\.com/,
    ],
    [
      'no address, and a certificate that is not for this machine',
      { cert: 'named.pem', key: 'named-key.pem' },
      /CONSOLE_URL: must be set to the address that people use; the certificate is for DNS:gate\.example\.com/,
    ],
    ['an https address and no certificate', { url: 'https://gate.example.com' }, /there is no TLS to be found there/],
  ])('%s', (_what, set, said) => {
    const { serving, problems } = read(set);
    expect(problems).toEqual([expect.stringMatching(said)]);
    expect(problems[0]).toMatch(/^(environment: PORTCULLIS_|--console-address: )/);
    expect(problems[0]).not.toMatch(/canary|PRIVATE/);
    expect(serving).toBeUndefined();
  });

  test('several at once: all of them', () => {
    const { problems } = read({ cert: 'late.pem', key: 'open-key.pem', address: 'anywhere' });
    expect(problems).toEqual([
      expect.stringContaining('--console-address'),
      expect.stringContaining('has expired'),
      expect.stringContaining('has mode 640'),
    ]);
  });

  test.runIf(asRoot)('a key that belongs to somebody else', () => {
    chownSync(file('foreign-key.pem', own.key), 65_534, 65_534);
    expect(read({ cert: 'cert.pem', key: 'foreign-key.pem' }).problems).toEqual([
      expect.stringContaining('belongs to somebody else'),
    ]);
  });
});
