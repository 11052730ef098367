import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

// Certificates for tests, made when they run, so that no private key is kept anywhere: as much of X.509 (RFC 5280) in DER
// (X.690) as a certificate of an authority and one of a server need.

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const set = (...parts: Buffer[]) => der(0x31, ...parts);
const integer = (value: number) => der(0x02, Buffer.from([value]));
const yes = der(0x01, Buffer.from([0xff]));
const octets = (content: Buffer) => der(0x04, content);
const bits = (content: Buffer, unused = 0) => der(0x03, Buffer.from([unused]), content);
const text = (value: string) => der(0x0c, Buffer.from(value));
/** A time, `YYYYMMDDHHMMSSZ`. */
const time = (at: string) => der(0x18, Buffer.from(at.replace(/[-:T]|\.\d+/g, '')));
const OID = {
  commonName: '550403',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  ecdsaWithSha256: '2a8648ce3d040302',
} as const;
const oid = (name: keyof typeof OID) => der(0x06, Buffer.from(OID[name], 'hex'));
const nameOf = (commonName: string) => sequence(set(sequence(oid('commonName'), text(commonName))));
const extension = (name: keyof typeof OID, value: Buffer) => sequence(oid(name), yes, octets(value));

/** A certificate and its private key, both PEM. */
export type Certified = { cert: string; key: string; name: string };

export type Wanted = {
  name?: string;
  /** Host names and IPv4 addresses that it is for. */
  hosts?: readonly string[];
  /** Whose signature it has; without one its own. */
  by?: Certified;
  /** An authority, which may sign others. */
  authority?: boolean;
  from?: string;
  to?: string;
  curve?: string;
};

const pem = (label: string, content: Buffer) =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END ${label}-----\n`;

/** Makes a certificate with a new key. */
export function certificate({
  name = 'gate',
  hosts = ['localhost', '127.0.0.1'],
  by,
  authority = false,
  from = '2020-01-01T00:00:00Z',
  to = '2099-01-01T00:00:00Z',
  curve = 'P-256',
}: Wanted = {}): Certified {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const signer: KeyObject = by ? createPrivateKey(by.key) : privateKey;
  const algorithm = sequence(oid('ecdsaWithSha256'));
  const names = hosts.map((host) =>
    isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
  );
  const extensions = authority
    ? [extension('basicConstraints', sequence(yes)), extension('keyUsage', bits(Buffer.from([0x06]), 1))]
    : [extension('subjectAltName', sequence(...names))];
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1),
    algorithm,
    nameOf(by?.name ?? name),
    sequence(time(from), time(to)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signed = sequence(body, algorithm, bits(sign('sha256', body, signer)));
  return {
    cert: pem('CERTIFICATE', signed),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    name,
  };
}
