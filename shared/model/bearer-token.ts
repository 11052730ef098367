import { createHash, timingSafeEqual } from 'node:crypto';

/** Which access token somebody showed: the one that is handed out, or the one before it, while it is rotated. */
export type ShownToken = 'active' | 'previous';

/** The tokens that a setting holds: `active`, or `active,previous` while one is rotated. */
export const tokensIn = (setting: string): string[] => setting.split(',').map((each) => each.trim());

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Which of the gate's access tokens this `Authorization` header carries. Compared in constant time, by hash, so that not
 * even a length shows, and with each of them, so that it does not show which one. Where none is set, nobody has it.
 */
export function shownToken(authorization: string | undefined, setting: string | undefined): ShownToken | undefined {
  const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (setting === undefined || given === undefined) return undefined;
  const [active, previous] = tokensIn(setting).map((each) => timingSafeEqual(digest(given), digest(each)));
  if (active) return 'active';
  return previous ? 'previous' : undefined;
}
