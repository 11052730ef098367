import { secretsIn } from '../security-audit/secret-patterns.ts';

/** Stands where something secret stood. */
export const REDACTED = '[redacted]';

/** Names of variables and settings whose values are secret, whatever they look like. */
export const SECRET_NAME =
  /secret(?!_?id$)|token(?!_?key_?id$)|password|passwd|passphrase|credential|webhook|private|externalid|(api|access|encryption|session|signing|cookie)_?key|access_?key_?id/i;

const ASSIGNED = /^([\s"'-]*([\w.-]+)["']?\s*[:=]\s*)\S.*$/;
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi;
/** A code that was mailed to somebody: `K7QM2-XVA9R`. */
const CODE = /\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b/g;
const PEM_START = /-----BEGIN [A-Z ]*PRIVATE KEY/;
const PEM_END = /-----END [A-Z ]*PRIVATE KEY/;

/** Values too short to be told from ordinary words would tear holes into every line. */
const SHORTEST = 6;
const LONG = 12;

/** The secrets that are known here: values of variables with a secret name, and parts of those that hold several. */
export function knownSecrets(
  env: Readonly<Record<string, string | undefined>>,
  more: readonly string[] = [],
): string[] {
  const values = Object.entries(env).flatMap(([name, value]) => (value && SECRET_NAME.test(name) ? [value] : []));
  return [...new Set([...values, ...more].flatMap((value) => [value, ...value.split(/[\s,]+/)]))]
    .filter((value) => value.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
}

export type Redactor = {
  /** A text without anything that is known to be, or looks like, a secret. */
  line: (text: string) => string;
  /** Lines of one file, in order: also the body of a private key, and values below a secret name where `settings` says so. */
  lines: (lines: Iterable<string>, options?: { settings?: boolean }) => Generator<string>;
  /** Whether a known secret of some length stands in a text. */
  knows: (text: string) => boolean;
};

export function redactorOf(secrets: readonly string[]): Redactor {
  /** As it is, and as JSON and addresses write it. */
  const spellings = secrets.flatMap((secret) => [
    ...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]),
  ]);
  const line = (text: string): string => {
    let clean = text;
    for (const spelling of spellings) clean = clean.replaceAll(spelling, REDACTED);
    for (const { text: secret } of secretsIn(clean, { placeholders: true })) clean = clean.replaceAll(secret, REDACTED);
    return clean.replace(BEARER, `$1 ${REDACTED}`).replace(CODE, REDACTED);
  };
  return {
    line,
    // A short value may be an ordinary word, for which no record is left out.
    knows: (text) => spellings.some((spelling) => spelling.length >= LONG && text.includes(spelling)),
    *lines(texts, { settings = false } = {}) {
      let inKey = false;
      for (const text of texts) {
        inKey ||= PEM_START.test(text);
        const [, before, name = ''] = (settings && ASSIGNED.exec(text)) || [];
        if (inKey) yield REDACTED;
        else yield before !== undefined && SECRET_NAME.test(name) ? `${before}${REDACTED}` : line(text);
        if (PEM_END.test(text)) inKey = false;
      }
    },
  };
}
