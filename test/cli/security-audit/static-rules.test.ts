import { describe, expect, test } from 'vitest';
import { weaknessesIn } from '../../../cli/security-audit/static.ts';
import { STATIC_RULES } from '../../../cli/security-audit/static-rules.ts';
import { isUnsafeRegex } from '../../../cli/security-audit/unsafe-regex.ts';

/** `$` of a template that is put into the code that is looked at. */
const $ = '$';
const rulesIn = (source: string) => weaknessesIn('a.ts', source).map(({ rule }) => rule);

const WEAK: [rule: string, ...sources: string[]][] = [
  [
    'eval',
    'eval(text)',
    'globalThis.eval(text)',
    'new Function(text)',
    'setTimeout("go()", 1)',
    'runInNewContext(text)',
  ],
  [
    'shell',
    "import { exec } from 'child_process'; exec(command)",
    "import { spawn } from 'node:child_process'; spawn('ls', [], { shell: true })",
    "import { exec as run } from 'node:child_process'; await promisify(run)(command)",
    "import * as processes from 'node:child_process'; processes.execSync(command)",
    "const { execSync: run } = require('child_process'); run(command)",
    "require('child_process').exec(command)",
  ],
  ['unsafe-regex', 'const a = /^(a+)+$/;', "new RegExp('(x*)*y')", 'if (/(\\w+\\s?)*$/.test(a)) b();'],
  ['hard-coded-credential', "const password = 'hunter2!';", "const options = { clientSecret: 'Zk3-9fQ' };"],
  ['plain-http', "fetch('http://prices.internal.example.org/all')", `fetch(\`http://10.0.0.1/${$}{path}\`)`],
  ['tls-not-verified', 'const a = { rejectUnauthorized: false };', "const a = { minVersion: 'TLSv1' };"],
  ['guessable-random', 'const id = Math.random().toString(36);'],
  ['timing', 'if (given === secret) return true;', 'if (settings.hmac !== computed) throw error;'],
  ['weak-crypto', "createHash('md5')", "createCipheriv('aes-256-cbc', key, iv)"],
  ['not-escaped', `const page = \`<p>${$}{name}</p>\`;`, 'node.innerHTML = name;', 'document.write(name);'],
  ['uninitialised-memory', 'Buffer.allocUnsafe(10)', 'new Buffer(10)'],
  ['turned-text', `const a = '${'\u202e'}';`],
];

/** The same things where there is nothing wrong with them. */
const FINE = [
  '// eval(text) and new Function(text) are for others',
  'const sentence = "do not eval(this)";',
  "import { spawn } from 'node:child_process'; const found = /a/.exec(text); run.exec(text);",
  'page.eval(text); run.exec(text); /a/.exec(text);',
  'setTimeout(() => go(), 1);',
  "import { spawn } from 'node:child_process'; spawn('ls', [], { shell: false });",
  'const a = /^(?:a+,)*$/; const b = /^[a-z]+(-[a-z]+)*$/; const half = total / (a + b) / 2;',
  "const names = { accessToken: 'PORTCULLIS_ACCESS_TOKEN' }; const secret = 'canary-secret';",
  "fetch('http://127.0.0.1:4566/'); fetch('https://example.com'); new URL(path, 'http://console.invalid');",
  'const a = { rejectUnauthorized: true };',
  'if (secret === undefined || typeof secret === "string" || secret.length === 0) return;',
  "createHash('sha256'); createCipheriv('aes-256-gcm', key, iv);",
  `const page = html\`<p>${$}{name}</p>\`; const usage = \`plan <account>/${$}{region}\`;`,
  'Buffer.alloc(10); Buffer.from(text);',
];

describe('dangerous patterns', () => {
  test('of every rule are tried', () => {
    expect(new Set(WEAK.map(([rule]) => rule))).toEqual(new Set([...STATIC_RULES.map(({ id }) => id), 'turned-text']));
  });
  test.each(WEAK.flatMap(([rule, ...sources]) => sources.map((source) => ({ rule, source }))))(
    '$rule is found in: $source',
    ({ rule, source }) => expect(rulesIn(source)).toContain(rule),
  );
  test.each(FINE)('nothing is found in: %s', (source) => expect(rulesIn(source)).toEqual([]));

  test('are found with their line, in what is put into a template too', () => {
    const source = `/* eval(a)\n */\nconst a = \`one\n${$}{eval(b) + \`${$}{"}"}\`} two\`;\nMath.random();`;
    expect(weaknessesIn('a.ts', source).map(({ where, rule }) => `${where} ${rule}`)).toEqual([
      'a.ts:4 eval',
      'a.ts:5 guessable-random',
    ]);
  });
});

describe('expressions that take exponential time', () => {
  test.each(['(a+)+', '(a|b+)*', '([a-z]*[a-z])*', '(.*)*x', '(x+x+)+y', '\\s*(\\S+\\s*)+', '((ab*)*)+'])(
    '%s is one',
    (source) => expect(isUnsafeRegex(source)).toBe(true),
  );
  test.each(['(?:a+,)*', '(-*[a-z])*', "(?:[^']|'')*", '([^/]+/)+', '(\\d+\\.)*\\d+', '(a+)(b+)', '(a+){2}'])(
    '%s is none',
    (source) => expect(isUnsafeRegex(source)).toBe(false),
  );
});
