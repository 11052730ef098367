import { isLoopbackUrl } from '../shared/model/loopback.ts';

/** `portcullis`: the session. `portcullis-login`: what ties a login under way to the browser that began it. */
export type CookieName = 'portcullis' | 'portcullis-login';

/**
 * `__Host-` makes browsers insist on Secure, our host alone and the whole path, so nobody beside us can set it. On
 * plain HTTP to this machine not every browser keeps such a cookie, so there it goes without.
 */
const nameOf = (name: CookieName, consoleUrl: string) => (isLoopbackUrl(consoleUrl) ? name : `__Host-${name}`);

/** A `Set-Cookie` line that scripts cannot read and that no other site's request brings along. */
export function setCookie(name: CookieName, value: string, maxAgeSeconds: number, consoleUrl: string): string {
  const secure = isLoopbackUrl(consoleUrl) ? '' : '; Secure';
  return `${nameOf(name, consoleUrl)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}

export const clearCookie = (name: CookieName, consoleUrl: string) => setCookie(name, '', 0, consoleUrl);

/** The value of a cookie, from the `name=value` pairs that came in. */
export function cookieIn(cookies: readonly string[], name: CookieName, consoleUrl: string): string | undefined {
  const start = `${nameOf(name, consoleUrl)}=`;
  return cookies.find((each) => each.startsWith(start))?.slice(start.length);
}
