import type { Problem } from './reply.ts';

const MAX_BYTES = 16 * 1024;

/** Where a form came from, as the browser says it: Origin and Sec-Fetch-Site, which no page can forge. */
function cameFromHere(origin: string | undefined, site: string | undefined, ours: string): boolean {
  // What sends neither is no browser, so there is nobody to trick; it still has to show a session and its form's token.
  if (origin === undefined && site === undefined) return true;
  // Under `Referrer-Policy: no-referrer`, which keeps ids of requests from other sites, browsers withhold the origin
  // also from us. Sec-Fetch-Site is then what says that it was ours.
  if (origin === undefined || origin === 'null') return site === 'same-origin';
  return origin === ours && (site === undefined || site === 'same-origin');
}

/** Why a POST is not looked at: it was sent from another site, or is no form. */
export function refusedPost(
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
  consoleUrl: string,
): Problem | undefined {
  const { origin, 'sec-fetch-site': site, 'content-type': type = '' } = headers;
  const ours = new URL(consoleUrl).origin;
  if (!cameFromHere(origin, site, ours)) {
    return {
      status: 403,
      happened: 'Not accepted from there',
      why: 'The form was sent from another site than this console, or by a browser that does not say from where, so it was not looked at.',
      todo: `Open ${ours} in a browser of 2023 or later and use the form there.`,
    };
  }
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    return {
      status: 415,
      happened: 'Not a form',
      why: 'An answer is sent as application/x-www-form-urlencoded.',
      todo: 'Use the form on the page.',
    };
  }
  if (Buffer.byteLength(body) > MAX_BYTES) {
    return {
      status: 413,
      happened: 'Too long',
      why: `An answer is at most ${MAX_BYTES / 1024} KiB.`,
      todo: 'Go back and give a shorter reason.',
    };
  }
  return undefined;
}
