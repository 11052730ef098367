import * as z from 'zod';
import { approvalRules } from '../shared/aws/approvals.ts';
import { takeCode } from '../shared/aws/one-time-codes.ts';
import type { With } from '../shared/aws/services.ts';
import { MAX_REASON, type RefusalCode } from '../shared/model/approval.ts';
import { personOfIamIdentity } from '../shared/model/approver.ts';
import type { Via } from '../shared/model/ledger-record.ts';
import { jsonReply, type Reply } from '../web/reply.ts';
import { userArnOf } from './caller.ts';
import { type Answer, type Answering, bodyOf, type Visit } from './visit.ts';

// What programs and the command line do in a person's name: signed with AWS credentials below /api, or with a code from
// the approver's mailbox below /code, where there is no IAM. Whoever it is, the same functions decide as for pages and Slack.

const MAX_BYTES = 16 * 1024;

export const refusal = (status: number, error: string, more: object = {}): Reply =>
  jsonReply({ error, ...more }, status);

/** Who does something about what the parts of the path name, and how it came in. */
export type Doing<Services = Answering> = {
  services: Services;
  parts: Record<string, string>;
  person: string;
  via: Via;
};
/** Something to do: the fields it takes, and what does it. */
export type Action<Services = Answering> = (doing: Doing<Services>, given: unknown) => Promise<Reply>;

const valueAt = (input: unknown, path: readonly PropertyKey[]) =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);

/** Every field that is wrong, what stands there, and what would be right. */
export const wrongFields = (given: unknown, { issues }: z.ZodError): Reply =>
  refusal(400, 'These fields cannot be used.', {
    mistakes: issues.map(({ path, message }) => ({
      field: path.map(String).join('.') || '(body)',
      value: valueAt(given, path) ?? null,
      wanted: message,
    })),
  });

export function action<Fields extends z.ZodType, Services>(
  fields: Fields,
  run: (doing: Doing<Services>, given: z.output<Fields>) => Promise<object & { reply: string }>,
): Action<Services> {
  return async (doing, given) => {
    const parsed = fields.safeParse(given);
    if (!parsed.success) return wrongFields(given, parsed.error);
    const reply = await run(doing, parsed.data);
    return jsonReply(reply, statusOf(reply));
  };
}

/** Refusals because of who somebody is; the others are about how the request stands. */
const FORBIDDEN: readonly RefusalCode[] = [
  'not-an-approver',
  'own-change',
  'no-break-glass',
  'not-the-requester',
  'own-break-glass',
];
const MISSING: readonly RefusalCode[] = ['no-request', 'no-waiver'];

function statusOf(reply: { reply: string; code?: RefusalCode }): number {
  if (reply.reply === 'already-decided') return 409;
  if (reply.reply !== 'refused' || !reply.code) return 200;
  if (MISSING.includes(reply.code)) return 404;
  if (reply.code === 'approvers-unreadable') return 503;
  return FORBIDDEN.includes(reply.code) ? 403 : 409;
}

/** The reason that everything which is decided needs. */
export const Reason = z
  .string('must be the reason, in words')
  .max(MAX_REASON, `must be at most ${MAX_REASON} characters`);

/** The JSON object of a body; a page elsewhere cannot send this type without asking first, and nobody answers it. */
export function bodyObject({ event }: Pick<Visit, 'event'>): { given: Record<string, unknown> } | { refused: Reply } {
  const type = event.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    return { refused: refusal(415, 'Send JSON, with the header "content-type: application/json".') };
  }
  const text = bodyOf(event);
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return { refused: refusal(413, `A body is at most ${MAX_BYTES / 1024} KiB.`) };
  }
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    if (parsed.success) return { given: parsed.data };
  } catch {
    // Not JSON at all: told below.
  }
  return { refused: refusal(400, 'The body must be a JSON object.') };
}

/** With AWS credentials: API Gateway has checked the signature, and an approver lists that identity. */
export const signed =
  <Services extends With<'dynamodb'>>(run: Action<Services>): Answer<Services> =>
  async (visit) => {
    const { services, parts, event } = visit;
    const userArn = userArnOf(event);
    if (userArn === undefined) return refusal(401, 'Sign the request with AWS credentials.');
    const body = bodyObject(visit);
    if ('refused' in body) return body.refused;
    const person = personOfIamIdentity(approvalRules(services).approvers, userArn)?.id;
    if (person === undefined) {
      return refusal(403, `No approver lists ${userArn} in awsIdentities, so it cannot approve anything.`);
    }
    return run({ services, parts, person, via: 'api' }, body.given);
  };

export const Login = z.object({
  person: z.string('must be the id of an approver'),
  binding: z.string('must be what asking for the code returned'),
  code: z.string('must be the code from your mail'),
});

/** With a code that was mailed to the approver; each is good for one thing. */
export const withCode =
  <Services extends With<'dynamodb'>>(run: Action<Services>): Answer<Services> =>
  async (visit) => {
    const { services, parts } = visit;
    const body = bodyObject(visit);
    if ('refused' in body) return body.refused;
    const login = Login.safeParse(body.given);
    if (!login.success) return wrongFields(body.given, login.error);
    const { person, binding, code } = login.data;
    if ((await takeCode(services, { binding, code })) !== person) {
      return refusal(401, 'That is not the code, or it does not work any more. Ask for another.');
    }
    const { person: _person, binding: _binding, code: _code, ...rest } = body.given;
    return run({ services, parts, person, via: 'cli' }, rest);
  };
