import type * as z from 'zod';
import { decide } from '../shared/aws/approvals.ts';
import { askAgain } from '../shared/aws/ask-again.ts';
import { comment } from '../shared/aws/comment.ts';
import { reviewBreakGlass } from '../shared/aws/review-break-glass.ts';
import { withdraw } from '../shared/aws/withdraw.ts';
import type { FormName, RequestForms } from '../shared/model/answer-form.ts';
import type { AnswerReply, RefusalCode, Refusal as Refused } from '../shared/model/approval.ts';
import { approvalPath } from '../web/links.ts';
import type { Answering } from './visit.ts';

/** What became of a form: where to look now, or why it did not count. */
export type Done = { goTo: string } | { status: number; reason: string };

const FORBIDDEN: readonly RefusalCode[] = ['not-an-approver', 'own-change', 'no-break-glass'];

const refusal = ({ code, reason }: Refused): Done => {
  if (code === 'wrong-name') return { status: 400, reason };
  return { status: FORBIDDEN.includes(code) ? 403 : 409, reason };
};

export type Take<Name extends FormName> = (
  fields: z.infer<RequestForms[Name]>,
  about: { request: string; person: string; services: Answering },
) => Promise<Done>;

function afterAnswer(reply: AnswerReply, request: string): Done {
  if (reply.reply === 'refused') return refusal(reply);
  if (reply.reply === 'already-decided') {
    return { status: 409, reason: `The request was ${reply.final.answer} before your answer came.` };
  }
  return { goTo: approvalPath(request) };
}

const takeAnswer: Take<'answer'> = async ({ digest, reason, name, answer }, { request, person, services }) => {
  const reply = await decide(services, { request, person, via: 'page', answer, reason, digest, typedName: name });
  return afterAnswer(reply, request);
};

const takeBreakGlass: Take<'break-glass'> = async ({ digest, reason, name }, { request, person, services }) => {
  const how = { via: 'page', answer: 'approved', breakGlass: true, typedName: name } as const;
  const reply = await decide(services, { request, person, reason, digest, ...how });
  return afterAnswer(reply, request);
};

const takeComment: Take<'comment'> = async ({ text }, { request, person, services }) => {
  const reply = await comment(services, { request, person, text });
  return reply.reply === 'refused' ? refusal(reply) : { goTo: approvalPath(request) };
};

const takeWithdrawal: Take<'withdraw'> = async ({ reason }, { request, person, services }) => {
  const reply = await withdraw(services, { request, person, reason });
  return reply.reply === 'refused' ? refusal(reply) : { goTo: approvalPath(request) };
};

const takeReview: Take<'review'> = async ({ finding, reason }, { request, person, services }) => {
  const reply = await reviewBreakGlass(services, { request, person, finding, reason });
  return reply.reply === 'refused' ? refusal(reply) : { goTo: approvalPath(request) };
};

const takeAskAgain: Take<'ask-again'> = async (_fields, { request, person, services }) => {
  const reply = await askAgain(services, { request, person });
  // The new request has an id of its own, and appears among those that wait as soon as its facts are read.
  return reply.reply === 'refused' ? refusal(reply) : { goTo: '/approvals' };
};

/** What takes each form. All of them ask the same functions that Slack, the API and the command line ask. */
export const TAKE: { [Name in FormName]: Take<Name> } = {
  answer: takeAnswer,
  comment: takeComment,
  withdraw: takeWithdrawal,
  'ask-again': takeAskAgain,
  'break-glass': takeBreakGlass,
  review: takeReview,
};
