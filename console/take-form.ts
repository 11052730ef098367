import type * as z from 'zod';
import { decide, readRequest } from '../shared/aws/approvals.ts';
import { askAgain } from '../shared/aws/ask-again.ts';
import { comment } from '../shared/aws/comment.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { reviewBreakGlass } from '../shared/aws/review-break-glass.ts';
import { withdraw } from '../shared/aws/withdraw.ts';
import type { FormName, RequestForms } from '../shared/model/answer-form.ts';
import type { AnswerReply, Refusal as Refused } from '../shared/model/approval.ts';
import { changeOf } from '../shared/model/endpoint-history.ts';
import { approvalPath } from '../web/links.ts';
import type { Answering } from './visit.ts';

/** What became of a form: where to look now, or why it did not count. */
export type Done = { goTo: string } | { status: number; reason: string };

const refusal = ({ code, reason }: Refused): Done => ({
  status: code === 'not-an-approver' || code === 'own-change' || code === 'no-break-glass' ? 403 : 409,
  reason,
});

export type Take<Name extends FormName> = (
  fields: z.infer<RequestForms[Name]>,
  about: { request: string; person: string; services: Answering },
) => Promise<Done>;

/** The name that has to be typed is that of the endpoint that the request is about, as the ledger has it. */
async function isItsName(typed: string, request: string, services: Answering, only?: 'prod'): Promise<boolean> {
  const stored = await readRequest(services, request);
  if (!stored) return false;
  const { history } = await readStream(services, stored.endpoint, stored.generation);
  const opened = changeOf(history, stored.generation)?.opened;
  if (!opened) return false;
  if (only && opened.environment.name !== only) return true;
  return typed.toLowerCase() === opened.facts.endpoint.name.toLowerCase();
}

const WRONG_NAME: Done = {
  status: 400,
  reason: "Type the endpoint's name as it stands there, to show that it is this one.",
};

function afterAnswer(reply: AnswerReply, request: string): Done {
  if (reply.reply === 'refused') return refusal(reply);
  if (reply.reply === 'already-decided') {
    return { status: 409, reason: `The request was ${reply.final.answer} before your answer came.` };
  }
  return { goTo: approvalPath(request) };
}

const takeAnswer: Take<'answer'> = async ({ digest, reason, name, answer }, { request, person, services }) => {
  if (answer === 'approved' && !(await isItsName(name, request, services, 'prod'))) return WRONG_NAME;
  const reply = await decide(services, { request, person, via: 'page', answer, reason, digest });
  return afterAnswer(reply, request);
};

const takeBreakGlass: Take<'break-glass'> = async ({ digest, reason, name }, { request, person, services }) => {
  if (!(await isItsName(name, request, services))) return WRONG_NAME;
  const given = { request, person, via: 'page', answer: 'approved', reason, digest, breakGlass: true } as const;
  const reply = await decide(services, given);
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
