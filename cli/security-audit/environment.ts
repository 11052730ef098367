import { lifeOfCertificates } from '../../local/certificate-file.ts';
import { problemsWithEncryption } from '../../local/encryption-settings.ts';
import { readSecretFile } from '../../shared/aws/secret-file.ts';
import { problemsWithVariables } from '../../shared/environment-variables.ts';
import { entropyOf } from './secret-patterns.ts';
import { type Audited, type Seen, seen, type Weakness } from './weakness.ts';

const TOKEN_LENGTH = 32;
const SAMPLE = /canary|example|sample|secret|password|changeme|change-me|placeholder|token|test|admin|12345|qwerty/i;
const GENERATE = 'Set one that nobody can guess: export PORTCULLIS_ACCESS_TOKEN="$(openssl rand -base64 32)".';
/** Protection that may be switched off for trying things out, and that nobody may forget to switch on again. */
const PROTECTIONS = [
  'PORTCULLIS_AUTHENTICATION_ENABLED',
  'PORTCULLIS_AUTHORIZATION_ENABLED',
  'PORTCULLIS_SANITIZATION_ENABLED',
  'PORTCULLIS_ENCRYPTION_AT_REST',
  'PORTCULLIS_ENCRYPTION_IN_TRANSIT',
  'PORTCULLIS_TLS_VERIFY',
] as const;
/** What is not on by itself, since it takes more than to be wanted. */
const SWITCH_ON: Partial<Record<(typeof PROTECTIONS)[number], string>> = {
  PORTCULLIS_ENCRYPTION_AT_REST: 'Set it to true, and give a key: npx portcullis key generate --output FILE.',
  PORTCULLIS_ENCRYPTION_IN_TRANSIT: 'Set it to true, with PORTCULLIS_TLS_CERT_FILE and PORTCULLIS_TLS_KEY_FILE.',
};
const isOff = (value: string | undefined) => /^(false|0|no|off)$/i.test(value ?? '');

/** The token in the variable, or in the file that it may name instead. */
function tokenFrom(env: Audited['env']): { token: string | undefined } | Weakness {
  const path = env.PORTCULLIS_ACCESS_TOKEN_FILE;
  if (!path) return { token: env.PORTCULLIS_ACCESS_TOKEN };
  try {
    return { token: readSecretFile(path) };
  } catch (error) {
    const todo = 'A regular file of whoever runs the gate, with mode 600.';
    return { where: 'PORTCULLIS_ACCESS_TOKEN_FILE', why: `${(error as Error).message}.`, todo };
  }
}

/** What is wrong with a token that programs show; two may be active while it is rotated, with a comma between. */
function tokenWeaknesses(value: string | undefined): Weakness[] {
  const where = 'PORTCULLIS_ACCESS_TOKEN';
  if (!value) return [{ where, why: 'It is not set, so no program could show who it is.', todo: GENERATE }];
  return value.split(',').flatMap((each) => {
    const token = each.trim();
    if (token.length < TOKEN_LENGTH)
      return [{ where, why: `It has ${token.length} characters and needs ${TOKEN_LENGTH}.`, todo: GENERATE }];
    return SAMPLE.test(token) || entropyOf(token) < 3.2
      ? [{ where, why: 'It is a sample or made of words, which can be guessed.', todo: GENERATE }]
      : [];
  });
}

/** The gate itself would not start with these. */
function keyWeaknesses(env: Audited['env']): Weakness[] {
  const where = 'PORTCULLIS_ENCRYPTION_KEY';
  const todo = 'Make one (npx portcullis key generate --output FILE), and name it in PORTCULLIS_ENCRYPTION_KEY_FILE.';
  return problemsWithEncryption(env).map((problem) => ({
    where,
    why: `${problem.replace(/^environment: /, '')}.`,
    todo,
  }));
}

/** A certificate that nobody renews ends the console on a known day. */
function certificateWeaknesses(path: string | undefined, now: string): Weakness[] {
  if (!path) return [];
  const where = 'PORTCULLIS_TLS_CERT_FILE';
  const todo = 'Renew it, as deployment/runbooks/key_rotation.md says; the gate takes it without a restart.';
  try {
    const { due, words } = lifeOfCertificates(path, now);
    return due ? [{ where, why: `The certificate ${words}.`, todo }] : [];
  } catch (error) {
    return [{ where, why: `${(error as Error).message}.`, todo }];
  }
}

/** Variables that the gate needs in order to be safe: whether they are there, and whether they can be guessed. */
export async function checkEnvironment({ env, now }: Audited): Promise<Seen> {
  const inSecretsManager = Boolean(env.PORTCULLIS_SECRET_ID);
  const found = tokenFrom(env);
  const weaknesses: Weakness[] = [
    ...problemsWithVariables(env).map((problem) => ({
      where: 'environment',
      why: `${problem.replace(/^environment: /, '')}.`,
      todo: 'Right it, or take it out: the gate does not start with it. The names are in docs/settings.md.',
    })),
    ...(inSecretsManager ? [] : 'token' in found ? tokenWeaknesses(found.token) : [found]),
    ...keyWeaknesses(env),
    ...certificateWeaknesses(env.PORTCULLIS_TLS_CERT_FILE, now),
    ...PROTECTIONS.filter((name) => isOff(env[name])).map((name) => ({
      where: name,
      why: 'A protection is switched off.',
      todo: SWITCH_ON[name] ?? `Take ${name} out of the environment; it is on by default.`,
    })),
    ...(env.NODE_TLS_REJECT_UNAUTHORIZED === '0'
      ? [
          {
            where: 'NODE_TLS_REJECT_UNAUTHORIZED',
            why: 'Nobody checks who answers on the other side of a connection.',
            todo: 'Take it out; name a certificate authority in NODE_EXTRA_CA_CERTS instead.',
          },
        ]
      : []),
  ];
  return seen(
    inSecretsManager
      ? 'variables; the secrets are in Secrets Manager (PORTCULLIS_SECRET_ID), where their shape is checked when they are read'
      : 'variables',
    weaknesses,
  );
}
