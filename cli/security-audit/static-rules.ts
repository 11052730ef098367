import { shellNames } from './shell-names.ts';
import { is, type Token } from './tokens.ts';
import { isUnsafeRegex } from './unsafe-regex.ts';

/** A pattern in code that has hurt somebody; `at` says whether it begins with the token at `index`. */
export type StaticRule = {
  id: string;
  why: string;
  todo: string;
  at: (tokens: readonly Token[], index: number) => boolean;
};

const isText = (token: Token | undefined) => token?.kind === 'text' || token?.kind === 'template';
/** A call of one of these functions, of their own or of the global object, and not of some object's method. */
const isCall = (tokens: readonly Token[], index: number, ...names: string[]) =>
  is(tokens[index], ...names) &&
  is(tokens[index + 1], '(') &&
  !is(tokens[index - 1], 'function', 'async') &&
  (!is(tokens[index - 1], '.', '?.') || is(tokens[index - 2], 'globalThis', 'window', 'global'));
const textAfter = (tokens: readonly Token[], index: number, name: string) =>
  is(tokens[index], name) && is(tokens[index + 1], '(') ? tokens[index + 2] : undefined;

const SECRET_NAME =
  /(^|_|[a-z])(secret|password|passwd|passphrase|signature|hmac|mac|apikey|api_key|accesstoken|bearer)$/i;
// Names that RFC 2606 keeps from being anybody's, loopback, and what is put together at run time.
const LOOPBACK =
  /^http:\/\/(localhost|127\.0\.0\.1|\[::1\]|loopback|local|[\w.-]+\.(local|invalid|test)|\0)([:/?#\0]|$)/i;
const NAMESPACE = /^http:\/\/(www\.w3\.org|s3\.amazonaws\.com\/doc|cyclonedx\.org\/schema|json-schema\.org)/;
// Names of variables, sentences, and what says itself that it is none.
const PLACEHOLDER = /^\W+$|\0|canary|example|placeholder|^[A-Z][A-Z0-9_]+$|^[a-z]+([ -][a-z]+)+$/;
const TAG =
  /<\/?(a|b|body|button|code|div|em|footer|form|h[1-6]|head|header|html|i|iframe|img|input|label|li|link|main|meta|nav|ol|option|p|pre|script|section|select|span|strong|style|table|td|textarea|th|title|tr|ul)[\s>/]/;

export const STATIC_RULES: readonly StaticRule[] = [
  {
    id: 'eval',
    why: 'Text becomes code: whoever can influence the text runs what they want.',
    todo: 'Parse what it is (JSON, a number, a name) instead of running it.',
    at: (tokens, index) =>
      isCall(tokens, index, 'eval') ||
      isCall(tokens, index, 'Function') ||
      (isCall(tokens, index, 'runInNewContext', 'runInThisContext', 'runInContext') && !isText(tokens[index + 2])) ||
      (isCall(tokens, index, 'setTimeout', 'setInterval') && isText(tokens[index + 2])),
  },
  {
    id: 'shell',
    why: 'A shell reads the command, so a name with a semicolon in it is a second command.',
    todo: 'Use spawn or execFile with a list of arguments and no shell.',
    at: (tokens, index) =>
      (is(tokens[index], 'shell') &&
        is(tokens[index + 1], ':') &&
        !is(tokens[index + 2], 'false') &&
        tokens.some(({ kind, value }) => kind === 'text' && /^(node:)?child_process$/.test(value))) ||
      (tokens[index]?.kind === 'name' &&
        ((shellNames(tokens).direct.has(tokens[index]?.value ?? '') && !is(tokens[index - 1], '.', '?.')) ||
          (is(tokens[index], 'exec', 'execSync') &&
            is(tokens[index - 1], '.') &&
            (shellNames(tokens).whole.has(tokens[index - 2]?.value ?? '') ||
              /^(node:)?child_process$/.test(tokens[index - 3]?.value ?? ''))))),
  },
  {
    id: 'unsafe-regex',
    why: 'On some texts this expression takes exponential time, which stops the whole process.',
    todo: 'Let each round of the outer repetition end with something fixed, or match in two steps.',
    at: (tokens, index) =>
      (tokens[index]?.kind === 'regex' && isUnsafeRegex(tokens[index]?.value ?? '')) ||
      (textAfter(tokens, index, 'RegExp')?.kind === 'text' &&
        isUnsafeRegex((tokens[index + 2]?.value ?? '').replaceAll('\\\\', '\\'))),
  },
  {
    id: 'hard-coded-credential',
    why: 'Whoever has the sources has the credential, and it cannot be changed without a release.',
    todo: 'Read it from Secrets Manager or from the environment (shared/aws/secrets.ts), and revoke this one.',
    at: (tokens, index) => {
      const [name, mark, value] = tokens.slice(index, index + 3);
      if (name?.kind !== 'name' || !SECRET_NAME.test(name.value) || !is(mark, '=', ':')) return false;
      return value?.kind === 'text' && value.value.length >= 6 && !PLACEHOLDER.test(value.value);
    },
  },
  {
    id: 'plain-http',
    why: 'What is sent there can be read and changed on the way.',
    todo: 'Use https; plain http is for the loopback address only.',
    at: (tokens, index) => {
      const { value = '' } = isText(tokens[index]) ? (tokens[index] as Token) : {};
      return /^http:\/\/[^\s]/.test(value) && !LOOPBACK.test(value) && !NAMESPACE.test(value);
    },
  },
  {
    id: 'tls-not-verified',
    why: 'Anybody on the way can answer in the name of the server.',
    todo: 'Trust the right certificate authority (NODE_EXTRA_CA_CERTS, PORTCULLIS_TLS_CA_FILE) instead.',
    at: (tokens, index) =>
      (is(tokens[index], 'rejectUnauthorized') && is(tokens[index + 1], ':', '=') && is(tokens[index + 2], 'false')) ||
      (is(tokens[index], 'NODE_TLS_REJECT_UNAUTHORIZED') && is(tokens[index + 1], ':', '=')) ||
      (is(tokens[index], 'checkServerIdentity') && is(tokens[index + 1], ':', '=')) ||
      (is(tokens[index], 'minVersion') && /^TLSv1(\.[01])?$/.test(tokens[index + 2]?.value ?? '')),
  },
  {
    id: 'guessable-random',
    why: 'Its next number follows from the last ones, so ids and codes made of it can be guessed.',
    todo: 'Use services.newId() or newCode(), or randomInt and randomBytes of node:crypto.',
    at: (tokens, index) =>
      (is(tokens[index], 'Math') && is(tokens[index + 1], '.') && is(tokens[index + 2], 'random')) ||
      isCall(tokens, index, 'pseudoRandomBytes'),
  },
  {
    id: 'timing',
    why: 'The comparison takes longer the more of the secret is right, which tells it letter by letter.',
    todo: 'Compare hashes of both with timingSafeEqual.',
    at: (tokens, index) => {
      if (!is(tokens[index], '===', '!==', '==', '!=')) return false;
      const [before, after, next] = [tokens[index - 1], tokens[index + 1], tokens[index + 2]];
      const known = (token: Token | undefined) =>
        token?.kind !== 'name' || is(token, 'undefined', 'null', 'true', 'false', 'typeof', 'Infinity');
      const secret = (token: Token | undefined) => token?.kind === 'name' && SECRET_NAME.test(token.value);
      if (known(before) || known(after) || is(tokens[index - 2], 'typeof')) return false;
      return (
        secret(before) || (secret(after) && !is(next, '.', '?.')) || (is(next, '.', '?.') && secret(tokens[index + 3]))
      );
    },
  },
  {
    id: 'weak-crypto',
    why: 'This algorithm is broken, or does not notice that somebody changed what it hides.',
    todo: 'Use SHA-256, and AES-256-GCM with associated data.',
    at: (tokens, index) =>
      /^(md5|sha1|md4|ripemd160)$/i.test(textAfter(tokens, index, 'createHash')?.value ?? '') ||
      /^(des|rc4|bf|aes-\d+-(ecb|cbc|ctr)$)/i.test(textAfter(tokens, index, 'createCipheriv')?.value ?? '') ||
      isCall(tokens, index, 'createCipher', 'createDecipher'),
  },
  {
    id: 'not-escaped',
    why: 'What is put into the page is not escaped, so a name with a tag in it runs in the reader’s browser.',
    todo: 'Make the page with html`...` (web/html.ts), which escapes every value.',
    at: (tokens, index) =>
      (is(tokens[index - 1], '.', '?.') && is(tokens[index], 'innerHTML', 'outerHTML', 'insertAdjacentHTML')) ||
      (is(tokens[index], 'document') && is(tokens[index + 2], 'write', 'writeln')) ||
      is(tokens[index], 'dangerouslySetInnerHTML') ||
      (tokens[index]?.kind === 'template' &&
        tokens[index]?.holds === true &&
        TAG.test(tokens[index]?.value ?? '') &&
        !(tokens[index - 1]?.kind === 'name' && /^(html|svg|css)$/.test(tokens[index - 1]?.value ?? ''))),
  },
  {
    id: 'uninitialised-memory',
    why: 'The buffer begins with what was in memory before, which may be a secret.',
    todo: 'Use Buffer.alloc or Buffer.from.',
    at: (tokens, index) =>
      (is(tokens[index], 'new') && is(tokens[index + 1], 'Buffer')) ||
      (is(tokens[index], 'Buffer') && is(tokens[index + 2], 'allocUnsafe', 'allocUnsafeSlow')),
  },
];
