import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far Slack's clock and ours may be apart, in either direction. */
export const SLACK_WINDOW_SECONDS = 300;

/** What Slack sends along with a body that it has signed. */
export type SlackSigned = { timestamp: string | undefined; signature: string | undefined; body: Uint8Array };

/** What is wrong with a signature, for the log; whoever sent it is told no more than that it was refused. */
export type SlackForgery = 'no signature' | 'malformed' | 'too old' | 'from the future' | 'wrong signature';

/**
 * Is this body from Slack, and from just now? HMAC-SHA256 over `v0:<timestamp>:<body>`, the body byte for byte as it
 * came in, compared in constant time. Returns what is wrong, or undefined. It says who sent a body, and nothing about
 * what its user may do.
 */
export function slackForgery(
  { timestamp, signature, body }: SlackSigned,
  signingSecret: string,
  now: string,
): SlackForgery | undefined {
  if (timestamp === undefined || signature === undefined) return 'no signature';
  // One spelling of a moment and of a signature only, so that a replay cannot be disguised as something new.
  if (!/^[1-9]\d{8,11}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return 'malformed';
  const ageSeconds = Date.parse(now) / 1000 - Number(timestamp);
  if (ageSeconds > SLACK_WINDOW_SECONDS) return 'too old';
  if (ageSeconds < -SLACK_WINDOW_SECONDS) return 'from the future';
  const expected = createHmac('sha256', signingSecret).update(`v0:${timestamp}:`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex')) ? undefined : 'wrong signature';
}
