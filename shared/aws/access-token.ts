import { shownToken } from '../model/bearer-token.ts';
import { readSecrets } from './secrets.ts';
import type { With } from './services.ts';

/**
 * Does the request carry an access token of programs? Which of two it was is told of, so that whoever rotates them sees when
 * nobody shows the previous one any more. Where authentication is switched off, it need not.
 */
export async function holdsAccessToken(authorization: string | undefined, services: With<'secrets'>): Promise<boolean> {
  if (services.config.off.includes('authentication')) return true;
  const shown = shownToken(authorization, (await readSecrets(services)).accessToken);
  if (shown) services.note({ event: 'key-use', actor: 'nobody', subject: 'access-token', detail: shown });
  return shown !== undefined;
}
