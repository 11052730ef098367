import * as z from 'zod';
import { ApprovalAnswer } from './ledger-record.ts';

const MAX_REASON = 2_000;
const DAMAGED = 'The form is damaged. Open the link again.';

/** What the form of the approval page sends. Messages are for the person who filled it in. */
export const AnswerForm = z.strictObject({
  digest: z.string(DAMAGED).regex(/^[0-9a-f]{64}$/, DAMAGED),
  code: z
    .string('Enter your personal code.')
    .trim()
    .min(1, 'Enter your personal code.')
    .max(64, 'A code is not that long.'),
  reason: z.string('Give a reason.').max(MAX_REASON, `Give a reason of at most ${MAX_REASON} characters.`),
  answer: z.enum(ApprovalAnswer.options, 'Press Approve or Reject.'),
});
export type AnswerForm = z.infer<typeof AnswerForm>;

/** The fields, or what is wrong with them; in both cases the reason as typed, so that nobody has to type it again. */
export type AnswerReading = { typedReason: string } & ({ fields: AnswerForm } | { mistake: string });

/** Reads the body of a form post. */
export function readAnswerForm(body: string): AnswerReading {
  const given = new URLSearchParams(body);
  const typedReason = (given.get('reason') ?? '').slice(0, MAX_REASON);
  const parsed = AnswerForm.safeParse(Object.fromEntries(given));
  if (parsed.success) return { fields: parsed.data, typedReason };
  const issue = parsed.error.issues.find(({ code }) => code !== 'unrecognized_keys');
  return { mistake: issue?.message ?? DAMAGED, typedReason };
}
