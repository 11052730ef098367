import * as z from 'zod';
import { ApprovalAnswer } from '../shared/model/ledger-record.ts';
import type { Problem } from './reply.ts';

const MAX_BYTES = 16 * 1024;
const MAX_REASON = 2_000;
const DAMAGED = 'The form is damaged. Open the link again.';

const AnswerForm = z.strictObject({
  digest: z.string(DAMAGED).regex(/^[0-9a-f]{64}$/, DAMAGED),
  code: z.string('Enter your personal code.').trim().min(1, 'Enter your personal code.').max(64, 'A code is not that long.'),
  reason: z.string('Give a reason.').max(MAX_REASON, `Give a reason of at most ${MAX_REASON} characters.`),
  answer: z.enum(ApprovalAnswer.options, 'Press Approve or Reject.'),
});

export type AnswerForm =
  | { fields: z.infer<typeof AnswerForm>; typedReason: string }
  | { mistake: string; typedReason: string };

/**
 * Why a POST is not looked at: it was sent from another site, or is no form. Browsers put Origin and Sec-Fetch-Site on
 * it and let no page forge them; what sends neither is no browser, so there is nobody to trick.
 */
export function refusedPost(headers: Readonly<Record<string, string | undefined>>, body: string, consoleUrl: string): Problem | undefined {
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

/** Reads the fields; where one is wrong, says so in words for the person who filled them in. */
export function readAnswerForm(body: string): AnswerForm {
  const given = new URLSearchParams(body);
  const typedReason = (given.get('reason') ?? '').slice(0, MAX_REASON);
  const parsed = AnswerForm.safeParse(Object.fromEntries(given));
  if (parsed.success) return { fields: parsed.data, typedReason };
  const issue = parsed.error.issues.find(({ code }) => code !== 'unrecognized_keys');
  return { mistake: issue?.message ?? DAMAGED, typedReason };
}
