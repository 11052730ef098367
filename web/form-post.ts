import type { Problem } from './reply.ts';

const MAX_BYTES = 16 * 1024;

/**
 * Why a POST is not looked at: it was sent from another site, or is no form. Browsers put Origin and Sec-Fetch-Site on
 * it and let no page forge them; what sends neither is no browser, so there is nobody to trick.
 */
export function refusedPost(
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
  consoleUrl: string,
): Problem | undefined {
  const { origin, 'sec-fetch-site': site, 'content-type': type = '' } = headers;
  const ours = new URL(consoleUrl).origin;
  if ((origin !== undefined && origin !== ours) || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
    return {
      status: 403,
      happened: 'Not accepted from there',
      why: 'The answer was sent from another site than this console, so it was not looked at.',
      todo: `Open ${ours} and answer there.`,
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
