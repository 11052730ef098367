import * as z from 'zod';
import { approvalRules, decide } from '../shared/aws/approvals.ts';
import { askAgain } from '../shared/aws/ask-again.ts';
import { comment } from '../shared/aws/comment.ts';
import { MailedCodesOffError, sendCode, takeCode } from '../shared/aws/one-time-codes.ts';
import { reviewBreakGlass } from '../shared/aws/review-break-glass.ts';
import { withdraw } from '../shared/aws/withdraw.ts';
import { MAX_REASON, type RefusalCode } from '../shared/model/approval.ts';
import { personOfIamIdentity } from '../shared/model/approver.ts';
import { MAX_COMMENT } from '../shared/model/comment.ts';
import { ApprovalAnswer, BreakGlassReviewed, type Via } from '../shared/model/ledger-record.ts';
import { jsonReply, type Reply } from '../web/reply.ts';
import { userArnOf } from './caller.ts';
import { type Answer, type Answering, bodyOf, type Route, type Visit } from './visit.ts';

// What programs and the command line do about requests: signed with AWS credentials below /api, or with a code from the
// approver's mailbox below /code, where there is no IAM. Whoever it is, the same functions decide as for pages and Slack.

const MAX_BYTES = 16 * 1024;

const refusal = (status: number, error: string, more: object = {}): Reply => jsonReply({ error, ...more }, status);

/** Who does something about which request, and how it came in. */
type Doing = { services: Answering; request: string; person: string; via: Via };
/** Something to do about a request: the fields it takes, and what does it. */
type Action = (doing: Doing, given: unknown) => Promise<Reply>;

const valueAt = (input: unknown, path: readonly PropertyKey[]) =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);

/** Every field that is wrong, what stands there, and what would be right. */
const wrongFields = (given: unknown, { issues }: z.ZodError): Reply =>
  refusal(400, 'These fields cannot be used.', {
    mistakes: issues.map(({ path, message }) => ({
      field: path.map(String).join('.') || '(body)',
      value: valueAt(given, path) ?? null,
      wanted: message,
    })),
  });

function action<Fields extends z.ZodType>(
  fields: Fields,
  run: (doing: Doing, given: z.output<Fields>) => Promise<object & { reply: string }>,
): Action {
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

function statusOf(reply: { reply: string; code?: RefusalCode }): number {
  if (reply.reply === 'already-decided') return 409;
  if (reply.reply !== 'refused' || !reply.code) return 200;
  if (reply.code === 'no-request') return 404;
  if (reply.code === 'approvers-unreadable') return 503;
  return FORBIDDEN.includes(reply.code) ? 403 : 409;
}

const Reason = z.string('must be the reason, in words').max(MAX_REASON, `must be at most ${MAX_REASON} characters`);

const ACTIONS: Record<string, Action> = {
  answer: action(
    z.strictObject({
      answer: ApprovalAnswer,
      reason: Reason,
      digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 hexadecimal digits that "approvals show" prints'),
      breakGlass: z.boolean().optional(),
    }),
    async ({ services, ...doing }, given) => {
      const reply = await decide(services, { ...doing, ...given });
      return 'final' in reply ? { reply: reply.reply, final: reply.final ?? null } : reply;
    },
  ),
  comment: action(
    z.strictObject({ text: z.string().max(MAX_COMMENT, `must be at most ${MAX_COMMENT} characters`) }),
    ({ services, request, person }, { text }) => comment(services, { request, person, text }),
  ),
  withdraw: action(z.strictObject({ reason: Reason }), ({ services, request, person }, { reason }) =>
    withdraw(services, { request, person, reason }),
  ),
  again: action(z.strictObject({}), ({ services, request, person }) => askAgain(services, { request, person })),
  review: action(
    z.strictObject({ finding: BreakGlassReviewed.shape.finding, reason: Reason }),
    ({ services, request, person }, given) => reviewBreakGlass(services, { request, person, ...given }),
  ),
};

/** The JSON object of a body; a page elsewhere cannot send this type without asking first, and nobody answers it. */
function bodyObject({ event }: Visit): { given: Record<string, unknown> } | { refused: Reply } {
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
const signed =
  (run: Action): Answer =>
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
    return run({ services, request: parts.id ?? '', person, via: 'api' }, body.given);
  };

const Login = z.object({
  person: z.string('must be the id of an approver'),
  binding: z.string('must be what asking for the code returned'),
  code: z.string('must be the code from your mail'),
});

/** With a code that was mailed to the approver; each is good for one thing. */
const withCode =
  (run: Action): Answer =>
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
    return run({ services, request: parts.id ?? '', person, via: 'cli' }, rest);
  };

/** Mails a code to an approver. Whether there is such an approver is told to nobody. */
const askForCode: Answer = async (visit) => {
  const body = bodyObject(visit);
  if ('refused' in body) return body.refused;
  const parsed = z.strictObject({ person: Login.shape.person }).safeParse(body.given);
  if (!parsed.success) return wrongFields(body.given, parsed.error);
  try {
    return jsonReply(await sendCode(visit.services, parsed.data.person), 202);
  } catch (error) {
    if (!(error instanceof MailedCodesOffError)) throw error;
    return refusal(403, error.message);
  }
};

/** Answers and everything else about a request, for programs. */
export const approvalApiRoutes: readonly Route[] = [
  ...Object.entries(ACTIONS).flatMap(([name, run]): Route[] => [
    { method: 'POST', path: `/api/approvals/{id}/${name}`, answer: signed(run) },
    { method: 'POST', path: `/code/approvals/{id}/${name}`, answer: withCode(run) },
  ]),
  { method: 'POST', path: '/code', answer: askForCode },
];
