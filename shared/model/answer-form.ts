import * as z from 'zod';
import { ApprovalAnswer } from './ledger-record.ts';

const MAX_TEXT = 2_000;
const DAMAGED = 'The form is damaged. Open the link again.';

const hex = z.string(DAMAGED).regex(/^[0-9a-f]{64}$/, DAMAGED);
/** `digest`: what the page showed. `token`: what shows that the form is ours and of this session. */
const common = { digest: hex, token: hex };
const text = (what: string) =>
  z
    .string(`Give ${what}.`)
    .trim()
    .min(1, `Give ${what}.`)
    .max(MAX_TEXT, `Give ${what} of at most ${MAX_TEXT} characters.`);
/** The endpoint's name, typed by hand where a slip of the finger must not do. */
const name = z.string().trim().max(256, DAMAGED).default('');

/** What the forms of the approval page send, by where they send it. Messages are for the person who filled it in. */
export const RequestForms = {
  answer: z.strictObject({
    ...common,
    reason: text('a reason'),
    name,
    answer: z.enum(ApprovalAnswer.options, 'Press Approve or Reject.'),
  }),
  comment: z.strictObject({ ...common, text: text('a comment') }),
  withdraw: z.strictObject({ ...common, reason: text('a reason') }),
  'ask-again': z.strictObject(common),
  'break-glass': z.strictObject({
    ...common,
    reason: text('a reason'),
    name,
    alone: z.literal('yes', 'Say that you approve alone and that it will be reviewed.'),
  }),
  review: z.strictObject({
    ...common,
    finding: z.enum(['justified', 'not-justified'], 'Press one of the two findings.'),
    reason: text('a reason'),
  }),
} as const;
export type RequestForms = typeof RequestForms;
export type FormName = keyof RequestForms;

/** What was typed, so that nobody has to type it again. Nothing of it is hidden. */
export type Typed = { reason?: string; text?: string; name?: string };

const TYPED = ['reason', 'text', 'name'] as const;

/** The fields, or what is wrong with them; in both cases what was typed. */
export type FormReading<Name extends FormName> = { typed: Typed } & (
  | { fields: z.infer<RequestForms[Name]> }
  | { mistake: string }
);

/** What the form of a change's page sends that has a proposal carried out. */
export const PutBackForm = z.strictObject({ ...common, reason: text('a reason'), name });

function readFields<Fields extends z.ZodType>(
  schema: Fields,
  body: string,
): { typed: Typed } & ({ fields: z.output<Fields> } | { mistake: string }) {
  const given = new URLSearchParams(body);
  const typed = Object.fromEntries(TYPED.map((field) => [field, (given.get(field) ?? '').slice(0, MAX_TEXT)]));
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return { fields: parsed.data, typed };
  const issue = parsed.error.issues.find(({ code }) => code !== 'unrecognized_keys');
  return { mistake: issue?.message ?? DAMAGED, typed };
}

/** Reads the body of a form post. */
export const readForm = <Name extends FormName>(form: Name, body: string): FormReading<Name> =>
  readFields<z.ZodType>(RequestForms[form], body) as FormReading<Name>;

export const readPutBackForm = (body: string) => readFields(PutBackForm, body);
