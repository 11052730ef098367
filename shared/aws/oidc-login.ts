import { timingSafeEqual } from 'node:crypto';
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Configuration, CustomFetchOptions } from 'openid-client';
import { sha256 } from '../model/canonical-json.ts';
import { isLoopbackUrl } from '../model/loopback.ts';
import { goneAfter } from './gone-after.ts';
import { readSecrets } from './secrets.ts';
import type { With } from './services.ts';

const MINUTES = 10;
const TIMEOUT_S = 10;
const ID = /^[a-z0-9]{26}$/;

// Loaded when somebody logs in: the pages that most people want do without it.
const openid = async () => (await import('./openid.ts')).openid;

export const callbackUrl = (services: With) => `${services.config.consoleUrl}/login/callback`;

/** The provider as it describes itself, and who we are there. Kept for as long as other slow-moving reads. */
function provider(services: With<'secrets'>): Promise<Configuration> {
  const { oidc } = services.config.file.login;
  if (!oidc) throw new Error('No login provider is configured.');
  return services.cache.get(`oidc ${oidc.issuer} ${oidc.clientId}`, async () => {
    const { allowInsecureRequests, ClientSecretPost, customFetch, discovery, None } = await openid();
    const { oidcClientSecret } = await readSecrets(services);
    return discovery(
      new URL(oidc.issuer),
      oidc.clientId,
      {},
      oidcClientSecret === undefined ? None() : ClientSecretPost(oidcClientSecret),
      {
        timeout: TIMEOUT_S,
        [customFetch]: (url: string, options: CustomFetchOptions) => services.fetch(url, options as RequestInit),
        // A provider on this very machine, as in tests; the settings allow plain HTTP for no other.
        execute: isLoopbackUrl(oidc.issuer) ? [allowInsecureRequests] : [],
      },
    );
  });
}

const keyOf = (services: With, state: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: `login#${sha256(state)}` } },
});

/**
 * Begins a login with the provider: authorization code with PKCE, state and nonce, all of them for one use within ten
 * minutes. Returns where to send the browser, and the secret that it keeps meanwhile. `next` is a path of ours.
 */
export async function beginLogin(
  services: With<'dynamodb' | 'secrets'>,
  next: string,
): Promise<{ url: string; binding: string }> {
  const { buildAuthorizationUrl, calculatePKCECodeChallenge, randomPKCECodeVerifier } = await openid();
  const config = await provider(services);
  const [state, nonce, binding] = [services.newId(), services.newId(), services.newId()];
  const verifier = randomPKCECodeVerifier();
  const expiresAt = new Date(Date.parse(services.now()) + MINUTES * 60_000).toISOString();
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, state),
      UpdateExpression:
        'SET bindingHash = :binding, nonce = :nonce, verifier = :verifier, nextPath = :next, expiresAt = :expiresAt, goneAfter = :goneAfter',
      ExpressionAttributeValues: {
        ':binding': { S: sha256(binding) },
        ':nonce': { S: nonce },
        ':verifier': { S: verifier },
        ':next': { S: next },
        ':expiresAt': { S: expiresAt },
        ':goneAfter': goneAfter(expiresAt),
      },
    }),
  );
  const url = buildAuthorizationUrl(config, {
    redirect_uri: callbackUrl(services),
    scope: 'openid',
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  return { url: url.href, binding };
}

type Begun = { nonce: string; verifier: string; next: string };

/** Takes the login that this state belongs to, if this browser began it; nobody can take it a second time. */
async function takeLogin(services: With<'dynamodb'>, state: string, binding: string): Promise<Begun | undefined> {
  if (!ID.test(state) || !ID.test(binding)) return undefined;
  const { Item } = await services.dynamodb.send(
    new GetItemCommand({ ...keyOf(services, state), ConsistentRead: true }),
  );
  const bindingHash = Item?.bindingHash?.S;
  if (!bindingHash || services.now() >= (Item.expiresAt?.S ?? '')) return undefined;
  if (!timingSafeEqual(Buffer.from(bindingHash), Buffer.from(sha256(binding)))) return undefined;
  try {
    await services.dynamodb.send(
      new UpdateItemCommand({
        ...keyOf(services, state),
        UpdateExpression: 'SET takenAt = :now',
        ConditionExpression: 'attribute_not_exists(takenAt)',
        ExpressionAttributeValues: { ':now': { S: services.now() } },
      }),
    );
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return undefined;
    throw error;
  }
  return { nonce: Item.nonce?.S ?? '', verifier: Item.verifier?.S ?? '', next: Item.nextPath?.S ?? '/' };
}

/** What the provider sent the browser back with. */
export type Callback = { code: string; state: string; iss?: string | undefined };

/**
 * Exchanges the code that the browser came back with. Returns the provider's subject, whose ID token was checked
 * (signature, issuer, audience, nonce, age), or undefined where anything about it is not as it was begun.
 */
export async function finishLogin(
  services: With<'dynamodb' | 'secrets'>,
  binding: string,
  { code, state, iss }: Callback,
): Promise<{ subject: string; next: string } | undefined> {
  const begun = await takeLogin(services, state, binding);
  if (!begun) return undefined;
  const { authorizationCodeGrant } = await openid();
  const config = await provider(services);
  const url = new URL(callbackUrl(services));
  url.search = new URLSearchParams({ code, state, ...(iss === undefined ? {} : { iss }) }).toString();
  try {
    const tokens = await authorizationCodeGrant(config, url, {
      expectedState: state,
      expectedNonce: begun.nonce,
      pkceCodeVerifier: begun.verifier,
      idTokenExpected: true,
    });
    const subject = tokens.claims()?.sub;
    return subject === undefined ? undefined : { subject, next: begun.next };
  } catch (error) {
    // Whatever was wrong, nobody is logged in. Messages may hold what was sent, so the log has the kind only.
    const { name, code: kind } = error as Error & { code?: string };
    console.error(JSON.stringify({ level: 'WARN', message: 'login not confirmed', error: name, kind }));
    return undefined;
  }
}
