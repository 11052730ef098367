import { readFileSync } from 'node:fs';
import { certificatesIn } from '../shared/model/certificates.ts';

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
