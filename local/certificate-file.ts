import { readFileSync } from 'node:fs';
import { certificatesIn, daysUntil, endOf, periodProblem, RENEW_DAYS } from '../shared/model/certificates.ts';

/** The certificates in a PEM file, and its text. `problemOf` says what is wrong with one. Throws what is wrong with the file. */
export function readCertificates(
  path: string,
  problemOf: (certificate: ReturnType<typeof certificatesIn>[number]) => string | undefined = () => undefined,
): { pem: string; certificates: ReturnType<typeof certificatesIn> } {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const certificates = certificatesIn(pem);
    for (const each of certificates) {
      const wrong = problemOf(each);
      if (wrong) throw new Error(`${wrong} (${each.subject.replaceAll('\n', ', ')})`);
    }
    return { pem, certificates };
  } catch (error) {
    throw new Error(`${path} ${(error as Error).message}`);
  }
}

/** How long the certificates in a file are good for, in words, at a time (ISO 8601); `due` where it is time to renew them. Throws what is wrong with the file. */
export function lifeOfCertificates(path: string, at: string): { due: boolean; words: string } {
  const endsAt = endOf(readCertificates(path, (each) => periodProblem(each, at)).certificates);
  const days = daysUntil(endsAt, at);
  return { due: days < RENEW_DAYS, words: `ends at ${endsAt}, in ${days} days` };
}
