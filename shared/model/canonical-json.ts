import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * RFC 8785 canonical JSON: the one byte sequence that stands for a value, whatever the order of its keys.
 * Throws TypeError where the value is not JSON (undefined, a function, NaN).
 */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw new TypeError('Only JSON values have a canonical form, and this value is none.', { cause: error });
  }
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form, and this value is none.');
  return text;
}

/** SHA-256 of a text's UTF-8 bytes, 64 lower-case hex digits. */
export function sha256(text: string): string {
  return hash('sha256', text);
}

/** SHA-256 over the canonical JSON of a value. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}
