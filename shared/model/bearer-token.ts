import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Does this `Authorization` header carry that access token? Compared in constant time, by hash, so that not even its
 * length shows. Where none is set, nobody has it.
 */
export function showsToken(authorization: string | undefined, accessToken: string | undefined): boolean {
  const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (accessToken === undefined || given === undefined) return false;
  return timingSafeEqual(digest(given), digest(accessToken));
}
