import { createPrivateKey, X509Certificate } from 'node:crypto';

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates in a PEM text, in order. Throws where there is none, or one that is none. */
export function certificatesIn(pem: string): X509Certificate[] {
  const found = pem.match(PEM) ?? [];
  if (found.length === 0) throw new Error('holds no certificate (PEM)');
  return found.map((each, index) => {
    try {
      return new X509Certificate(each);
    } catch {
      throw new Error(`holds something else in the place of certificate ${index + 1}`);
    }
  });
}

/** Whom a certificate is for, as it says itself: `DNS:gate.example.com, IP Address:192.0.2.7`. */
export const namesOf = (certificate: X509Certificate): string => certificate.subjectAltName ?? certificate.subject;

/** Is it for this host, a name or an IP address (IPv6 in brackets, too)? */
export function isFor(certificate: X509Certificate, host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '');
  return (/^[\d.]+$|:/.test(address) ? certificate.checkIP(address) : certificate.checkHost(host)) !== undefined;
}

/** What is wrong with the time of a certificate, at this time (ISO 8601). */
export function periodProblem({ validFromDate, validToDate }: X509Certificate, at: string): string | undefined {
  const now = Date.parse(at);
  if (now < validFromDate.getTime()) return `is not valid before ${validFromDate.toISOString()}`;
  return now > validToDate.getTime() ? `has expired on ${validToDate.toISOString()}` : undefined;
}

/** When the first of these certificates ends, of the server's own and those between it and its authority: ISO 8601 UTC. */
export const endOf = (certificates: readonly X509Certificate[]): string =>
  new Date(Math.min(...certificates.map(({ validToDate }) => validToDate.getTime()))).toISOString();

/** With fewer days left than these somebody should have renewed it: the alert rules of Prometheus say the same. */
export const RENEW_DAYS = 14;

/** Whole days that are left until a time, both ISO 8601; negative when it has passed. */
export const daysUntil = (end: string, at: string): number =>
  Math.floor((Date.parse(end) - Date.parse(at)) / 86_400_000);

/** Why this private key (PEM) does not serve this certificate; never what is in it. */
export function keyProblem(certificate: X509Certificate, pem: string): string | undefined {
  if (/ENCRYPTED/.test(pem)) return 'is encrypted with a password, and nobody types one at the start';
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem)) ? undefined : 'is the key of another certificate';
  } catch {
    return 'holds no private key (PEM)';
  }
}
