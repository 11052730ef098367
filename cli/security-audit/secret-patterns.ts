import { sha256 } from '../../shared/model/canonical-json.ts';

/** Something that looks like a secret. `text` is the secret itself: it goes into no message. */
export type SecretLook = { kind: string; line: number; text: string; sha256: string };

/** What secrets of well-known kinds look like; the last group is the secret. */
const KINDS: readonly [kind: string, pattern: RegExp][] = [
  ['AWS access key id', /\b((?:AKIA|ASIA)[A-Z0-9]{16})\b/g],
  ['AWS secret access key', /secret_?(?:access_?)?key["'`]?\s*[:=]\s*["'`]?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi],
  ['private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n)+([A-Za-z0-9+/=]{32,})/g],
  ['Slack token', /\b(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})/g],
  ['Slack webhook', /(hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9/_-]{12,})/g],
  ['GitHub token', /\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})/g],
  ['GitLab token', /\b(glpat-[\w-]{20,})/g],
  ['npm token', /\b(npm_[A-Za-z0-9]{36})\b/g],
  ['npm login', /_(?:authToken|auth|password)\s*=\s*([^\s$]{8,})/g],
  ['Google API key', /\b(AIza[\w-]{35})\b/g],
  ['Stripe key', /\b([sr]k_live_[0-9a-zA-Z]{24,})/g],
  ['JSON web token', /\b(eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})/g],
  ['password in an address', /:\/\/[^/\s:@'"`<>]{1,64}:([^/\s:@'"`<>$]{8,})@/g],
];

/** A name that says it is secret, and a value that looks random. */
const ASSIGNED =
  /(?:password|passwd|secret|token|api_?key|access_?key|private_?key|encryption_?key|credential)\w{0,20}["'`]?\s*[:=]\s*["'`]?([A-Za-z0-9+/_=-]{20,})(?![\w.(])/gi;

// Whoever plants a secret for a test says so in it; so do AWS's own documents (EXAMPLE).
const PLACEHOLDER = /canary|example|placeholder|dummy|your[-_]|x{6,}|0{6,}|12345678|abcdefgh|[<$]\{/i;

/** Bits for each character: about 4 for random hex digits are 4, for base64 5 to 6; words have less than 3.5. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Letters of both cases with digits or marks among them, or nothing but hex digits; names and words are neither. */
function looksRandom(text: string): boolean {
  if (/^[0-9a-f]+$/i.test(text)) return text.length >= 32 && entropyOf(text) >= 3;
  return /[\d+/=]/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text) && entropyOf(text) >= 4;
}

/** Everything in a text that looks like a secret, with its line (from 1); with `placeholders` also what says it is none. */
export function secretsIn(text: string, { placeholders = false } = {}): SecretLook[] {
  const found: SecretLook[] = [];
  const add = (kind: string, at: number, secret: string) => {
    if ((!placeholders && PLACEHOLDER.test(secret)) || found.some((each) => each.text.includes(secret))) return;
    found.push({ kind, line: text.slice(0, at).split('\n').length, text: secret, sha256: sha256(secret) });
  };
  for (const [kind, pattern] of KINDS)
    for (const match of text.matchAll(pattern)) add(kind, match.index, match[1] ?? '');
  for (const match of text.matchAll(ASSIGNED))
    if (looksRandom(match[1] ?? '')) add('value of a secret name', match.index, match[1] ?? '');
  return found;
}

/** The same, as it may be printed: how it begins, how long it is, and by which digest it can be accepted. */
export const shown = ({ kind, text, sha256 }: SecretLook) =>
  `${kind}: ${text.slice(0, 4)}... (${text.length} characters, SHA-256 ${sha256})`;
