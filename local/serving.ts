import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { readSecretFile } from '../shared/aws/secret-file.ts';
import { type certificatesIn, endOf, isFor, keyProblem, namesOf, periodProblem } from '../shared/model/certificates.ts';
import { isLoopbackHost } from '../shared/model/loopback.ts';
import { readCertificates } from './certificate-file.ts';

/** A certificate with its chain and its private key, as PEM. TLS 1.2 or newer is spoken, whatever Node was told. */
export type TlsPair = { cert: string; key: string; minVersion: 'TLSv1.2' };

/** A pair, when it ends (ISO 8601), and what its files hold at a later time: another such pair, or what is wrong with it. */
export type ServedTls = { pair: TlsPair; endsAt: string; again: (at: string) => ServedTls | string[] };

/** How the console is served: at which address, as what people call it, and with which certificate. */
export type Serving = { address: string; url: (port: number) => string; tls?: ServedTls };

type Env = Readonly<Record<string, string | undefined>>;

const CERT = 'PORTCULLIS_TLS_CERT_FILE';
const KEY = 'PORTCULLIS_TLS_KEY_FILE';
const URL_VARIABLE = 'PORTCULLIS_CONSOLE_URL';
const BOTH = `${CERT} and ${KEY}`;

/** What `read` makes of a variable, or undefined and a problem; never the text of a file. */
function take<T>(name: string, problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    problems.push(`environment: ${name}: ${(error as Error).message}`);
    return undefined;
  }
}

/** Where people find it: as they were told, which the certificate must be for; or as this machine, if it is for that. */
function urlOf(env: Env, certificate: ReturnType<typeof certificatesIn>[number]): Serving['url'] {
  const told = env[URL_VARIABLE];
  if (told !== undefined && URL.canParse(told)) {
    const { protocol, hostname } = new URL(told);
    if (protocol !== 'https:') throw new Error(`"${told}": must begin with https:// where there is a certificate`);
    if (!isFor(certificate, hostname))
      throw new Error(`"${told}": the certificate is for ${namesOf(certificate)}, and not for ${hostname}`);
    return () => told.replace(/\/$/, '');
  }
  const here = ['localhost', '127.0.0.1'].find((host) => isFor(certificate, host));
  if (here === undefined)
    throw new Error(`must be set to the address that people use; the certificate is for ${namesOf(certificate)}`);
  return (port) => `https://${here}:${port}`;
}

/** Reads certificate and key and holds them against each other, all mistakes at once. */
function readTls(env: Env, at: string, problems: string[]): Pick<Serving, 'url' | 'tls'> | undefined {
  const { [CERT]: certFile, [KEY]: keyFile } = env;
  if (!certFile || !keyFile) {
    const [missing, there] = certFile ? [KEY, CERT] : [CERT, KEY];
    problems.push(`environment: ${missing}: must be set where ${there} is; TLS takes both`);
    return undefined;
  }
  const found = take(CERT, problems, () => readCertificates(certFile, (each) => periodProblem(each, at)));
  const key = take(KEY, problems, () => readSecretFile(keyFile));
  const leaf = found?.certificates[0];
  const wrong = leaf && key !== undefined ? keyProblem(leaf, key) : undefined;
  if (wrong) problems.push(`environment: ${KEY}: ${keyFile} ${wrong}`);
  const url = leaf && take(URL_VARIABLE, problems, () => urlOf(env, leaf));
  if (!found || key === undefined || wrong || !url) return undefined;
  const pair: TlsPair = { cert: found.pem, key, minVersion: 'TLSv1.2' };
  // Last, what OpenSSL itself has to say, such as of a key that is too short.
  if (!take(BOTH, problems, () => createSecureContext(pair))) return undefined;
  const again = (later: string): ServedTls | string[] => {
    const wrong: string[] = [];
    const next = readTls(env, later, wrong);
    if (!next?.tls) return wrong;
    // Links, cookies and the origin of forms go on with the name that the gate was started under.
    return next.url(0) === url(0)
      ? next.tls
      : [`environment: ${CERT}: the certificate is for ${next.url(0)}, and the gate is known as ${url(0)}`];
  };
  return { tls: { pair, endsAt: endOf(found.certificates), again }, url };
}

/**
 * How the console is to be served at this IP address, from the environment. Whatever is wrong is added to `problems`. Plain
 * HTTP is for this machine only: nobody is on the way there, and everybody elsewhere.
 */
export function servingFrom(env: Env, address: string, at: string, problems: string[]): Serving | undefined {
  const before = problems.length;
  if (isIP(address) === 0) problems.push(`--console-address: "${address}": must be an IP address, such as 127.0.0.1`);
  if (env[CERT] || env[KEY]) {
    const read = readTls(env, at, problems);
    return read && problems.length === before ? { address, ...read } : undefined;
  }
  if (env.PORTCULLIS_ENCRYPTION_IN_TRANSIT === 'true')
    problems.push(`environment: PORTCULLIS_ENCRYPTION_IN_TRANSIT: "true": needs ${BOTH}`);
  else if (isIP(address) !== 0 && !isLoopbackHost(address))
    problems.push(
      `--console-address: "${address}": plain HTTP is for this machine only; set ${BOTH}, or leave the address out`,
    );
  if (env[URL_VARIABLE]?.startsWith('https:'))
    problems.push(
      `environment: ${URL_VARIABLE}: "${env[URL_VARIABLE]}": there is no TLS to be found there; set ${BOTH}, or take it out`,
    );
  return problems.length === before ? { address, url: (port) => `http://${hostOf(address)}:${port}` } : undefined;
}

const hostOf = (address: string) => (isIP(address) === 6 ? `[${address}]` : address);
