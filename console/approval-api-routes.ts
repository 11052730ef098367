import * as z from 'zod';
import { decide } from '../shared/aws/approvals.ts';
import { askAgain } from '../shared/aws/ask-again.ts';
import { comment } from '../shared/aws/comment.ts';
import { MailedCodesOffError, sendCode } from '../shared/aws/one-time-codes.ts';
import { reviewBreakGlass } from '../shared/aws/review-break-glass.ts';
import { withdraw } from '../shared/aws/withdraw.ts';
import { MAX_COMMENT } from '../shared/model/comment.ts';
import { ApprovalAnswer, BreakGlassReviewed } from '../shared/model/ledger-record.ts';
import { jsonReply } from '../web/reply.ts';
import {
  type Action,
  action,
  bodyObject,
  type Doing,
  Login,
  Reason,
  refusal,
  signed,
  withCode,
  wrongFields,
} from './proven-actions.ts';
import type { Answer, Route } from './visit.ts';

// What programs and the command line do about requests; see proven-actions.ts for how they prove who they are.

const request = ({ parts }: Doing) => parts.id ?? '';

const ACTIONS: Record<string, Action> = {
  answer: action(
    z.strictObject({
      answer: ApprovalAnswer,
      reason: Reason,
      digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 hexadecimal digits that "approvals show" prints'),
      breakGlass: z.boolean().optional(),
    }),
    async (doing, given) => {
      const { services, person, via } = doing;
      const reply = await decide(services, { request: request(doing), person, via, ...given });
      return 'final' in reply ? { reply: reply.reply, final: reply.final ?? null } : reply;
    },
  ),
  comment: action(
    z.strictObject({ text: z.string().max(MAX_COMMENT, `must be at most ${MAX_COMMENT} characters`) }),
    (doing, { text }) => comment(doing.services, { request: request(doing), person: doing.person, text }),
  ),
  withdraw: action(z.strictObject({ reason: Reason }), (doing, { reason }) =>
    withdraw(doing.services, { request: request(doing), person: doing.person, reason }),
  ),
  again: action(z.strictObject({}), (doing) =>
    askAgain(doing.services, { request: request(doing), person: doing.person }),
  ),
  review: action(z.strictObject({ finding: BreakGlassReviewed.shape.finding, reason: Reason }), (doing, given) =>
    reviewBreakGlass(doing.services, { request: request(doing), person: doing.person, ...given }),
  ),
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
