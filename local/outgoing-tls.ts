import tls from 'node:tls';
import { isProdStage } from '../shared/model/protection.ts';
import { readCertificates } from './certificate-file.ts';

type Env = Record<string, string | undefined>;

const CA = 'PORTCULLIS_TLS_CA_FILE';
const NODES_OWN = 'NODE_TLS_REJECT_UNAUTHORIZED';

/** The authorities of `PORTCULLIS_TLS_CA_FILE` as PEM texts; none where it is not set. Throws what is wrong with the file. */
function authoritiesFrom(path: string | undefined): string[] {
  if (!path) return [];
  // Node 24.5 and newer.
  if (!('setDefaultCACertificates' in tls)) throw new Error(`takes Node 24.5 or newer, and this is ${process.version}`);
  return readCertificates(path).certificates.map((each) => each.toString());
}

/** Outside of prod, and there only, it may be said that nobody is verified. */
const verifiesNobody = (env: Env) => env.PORTCULLIS_TLS_VERIFY === 'false' && !isProdStage(env.PORTCULLIS_STAGE);

/** What is wrong with what the environment says about calls that this process makes over TLS. */
export function problemsWithOutgoingTls(env: Env): string[] {
  const problems: string[] = [];
  try {
    authoritiesFrom(env[CA]);
  } catch (error) {
    problems.push(`environment: ${CA}: ${(error as Error).message}`);
  }
  // Node's own switch works on its own, is refused nowhere, and is on no record.
  if (env[NODES_OWN] === '0' && !verifiesNobody(env))
    problems.push(
      `environment: ${NODES_OWN}: "0": take it out; name an authority in ${CA}, or outside of prod set PORTCULLIS_TLS_VERIFY=false`,
    );
  return problems;
}

/**
 * Lets every call of this process over TLS (login provider, webhooks, AWS, other gates) trust the authorities of the
 * environment besides those that Node knows; outside of prod it may also be told to verify nobody.
 */
export function applyOutgoingTls(env: Env): void {
  const authorities = authoritiesFrom(env[CA]);
  if (authorities.length > 0) tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...authorities]);
  // Node has this one switch for all its clients.
  if (verifiesNobody(env)) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
}
