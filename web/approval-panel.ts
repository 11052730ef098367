import type { Typed } from '../shared/model/answer-form.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import {
  answerForm,
  askAgainForm,
  breakGlassForm,
  commentForm,
  loginFirst,
  reviewForm,
  withdrawForm,
} from './approval-forms.ts';
import type { ApprovalPage } from './approval-page.ts';
import { type Html, html, type Value } from './html.ts';
import { badge } from './labels.ts';
import type { RequestAction } from './links.ts';
import { time } from './time.ts';

/** Which form did not count, why, and what was typed into it, so that nobody need type it again. */
export type Refusal = { action: RequestAction; reason: string; typed: Typed };

const nameOf = ({ names }: ApprovalPage, id: string) => names.get(id) ?? id;

/** What people have said, oldest first: answers, comments, and what became of broken glass. */
function saidSoFar(model: ApprovalPage): Value {
  const said = model.change.records.flatMap(({ body, at }) => {
    switch (body.kind) {
      case 'approval-given': {
        const how = body.breakGlass && html` <strong>alone, by breaking the glass</strong>`;
        return [
          html`<li>${badge(body.answer)} by <strong>${nameOf(model, body.approver)}</strong>${how}, ${time(at)}<br><q>${body.reason}</q></li>
`,
        ];
      }
      case 'commented':
        return [
          html`<li><strong>${nameOf(model, body.person)}</strong> commented, ${time(at)}<br><q>${body.text}</q></li>
`,
        ];
      case 'break-glass-reviewed':
        return [
          html`<li><strong>${nameOf(model, body.reviewer)}</strong> reviewed it as ${body.finding === 'justified' ? 'justified' : 'not justified'}, ${time(at)}<br><q>${body.reason}</q></li>
`,
        ];
      default:
        return [];
    }
  });
  if (said.length === 0) return html`<p class="muted">Nobody has answered.</p>`;
  return html`<ul class="answered">${said}</ul>`;
}

function delivery({ notified, notifyErrors }: ApprovalPage): Value {
  if (!notified) return html`<p class="notice">The messages about it have not been sent yet.</p>`;
  if (notifyErrors.length === 0) return undefined;
  return html`<div class="notice"><p><strong>Some messages could not be sent</strong>, so these people may not know:</p>
<ul>${notifyErrors.map((error) => html`<li>${error}</li>`)}</ul></div>`;
}

const afterwards = ({ outcome, generation }: ChangeHistory) =>
  outcome
    ? html`<p>Change ${generation} ended: ${badge(outcome.result)}</p><p>${outcome.reason}</p>`
    : html`<p>Change ${generation} has not ended yet; its monitors and alarms are being verified.</p>`;

/** What whoever looks at it may do while it waits. Nothing that is missing here would be taken anyway. */
function forms(model: ApprovalPage): Value {
  const { visitor, change } = model;
  if (visitor.kind === 'nobody') {
    const { reason, text } = model.refusal?.typed ?? {};
    const typed = reason || text;
    return html`${typed && html`<p class="notice">You had typed: <q>${typed}</q></p>`}${loginFirst(visitor)}`;
  }
  const mine = change.approvals.find(({ approver }) => approver === visitor.id);
  const emergency = visitor.mayBreakGlass && breakGlassForm(model, visitor);
  if (visitor.isRequester) {
    return html`<p class="notice">You are <strong>${visitor.name}</strong>, who made this change, so somebody else has to decide it.</p>
${withdrawForm(model, visitor)}${commentForm(model, visitor)}${emergency}`;
  }
  return html`${mine ? html`<p class="notice">You have answered.</p>` : answerForm(model, visitor)}
${commentForm(model, visitor)}${emergency}`;
}

/** What can be done once it takes no more answers. */
function formsAfterwards(model: ApprovalPage): Value {
  const { visitor, change } = model;
  const toReview = change.breakGlass !== undefined && change.review === undefined;
  if (visitor.kind === 'nobody') {
    if (!toReview) return undefined;
    return html`<p class="notice">The glass was broken, and nobody has reviewed it yet.</p>
<p><a href="/login?${new URLSearchParams({ next: visitor.next }).toString()}">Log in</a> to review it.</p>`;
  }
  const broke = change.breakGlass?.approver === visitor.id;
  return html`${toReview && html`<p class="notice">The glass was broken${broke ? ' by you, so somebody else has to review it' : ', and nobody has reviewed it yet'}.</p>`}
${toReview && !broke && reviewForm(model, visitor)}
${visitor.mayAskAgain && askAgainForm(model, visitor)}`;
}

/** What has been said so far and, while it is wanted, the forms to say more. */
export function approvalPanel(model: ApprovalPage): Html {
  const { state, change } = model;
  const { approvers } = change.request;
  if (state.state === 'waiting') {
    return html`<aside class="panel" id="decide" tabindex="-1" aria-labelledby="decide-title"><h2 id="decide-title">Decision</h2>
${saidSoFar(model)}
<p class="muted">Unanswered means no. Asked: ${approvers.map((id) => nameOf(model, id)).join(', ') || 'nobody, because the list of approvers is empty'}.</p>
${delivery(model)}
${change.outcome && html`<p class="notice">The change has ended as ${badge(change.outcome.result)} meanwhile. Nothing waits for an answer any more.</p>`}
${forms(model)}</aside>`;
  }
  return html`<aside class="panel" id="decide" aria-labelledby="decide-title"><h2 id="decide-title">Decision</h2>
${state.state === 'decided' && state.decided.approvers.length === 0 && html`<p>${badge(state.decided.answer)} ${state.decided.reason}</p>`}
${saidSoFar(model)}
${state.state === 'decided' ? afterwards(change) : html`<p>This request takes no more answers.</p>`}
${formsAfterwards(model)}</aside>`;
}
