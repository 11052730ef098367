import * as z from 'zod';

/** What can be switched off for trying things out. */
export const Protection = z.enum(['authentication', 'authorization', 'sanitization', 'tls-verification']);
export type Protection = z.infer<typeof Protection>;

/** The variable that switches it, such as `PORTCULLIS_AUTHENTICATION_ENABLED`. */
export const protectionVariable = (protection: Protection) =>
  protection === 'tls-verification' ? 'PORTCULLIS_TLS_VERIFY' : `PORTCULLIS_${protection.toUpperCase()}_ENABLED`;

const PROD = /^(prod|production|prd|live)/i;

/**
 * Is this the gate that counts? Where nobody says which stage it is, it is: what cannot be told is treated most
 * strictly, as with endpoints.
 */
export const isProdStage = (stage: string | undefined): boolean => !stage || PROD.test(stage);

type Env = Readonly<Record<string, string | undefined>>;

/** What is switched off; whatever is wrong with how that was said is added to `problems`. */
export function protectionsOff(env: Env, problems: string[]): Protection[] {
  return Protection.options.filter((protection) => {
    const name = protectionVariable(protection);
    const value = env[name] ?? 'true';
    if (value !== 'true' && value !== 'false')
      problems.push(`${name}: ${JSON.stringify(value)}: must be true or false`);
    if (value !== 'false') return false;
    if (isProdStage(env.PORTCULLIS_STAGE)) {
      const stage = env.PORTCULLIS_STAGE
        ? `PORTCULLIS_STAGE is ${JSON.stringify(env.PORTCULLIS_STAGE)}`
        : 'without PORTCULLIS_STAGE it is prod';
      problems.push(`${name}: "false": ${protection} cannot be switched off in prod (${stage})`);
    }
    return true;
  });
}

/** What a record says of it: nothing, where everything is on. */
export const stampOf = (off: readonly Protection[]): { unprotected?: Protection[] } =>
  off.length > 0 ? { unprotected: [...off] } : {};
