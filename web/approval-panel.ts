import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { ApprovalPage } from './approval-page.ts';
import { type Html, html, type Value } from './html.ts';
import { badge } from './labels.ts';
import { approvalPath } from './links.ts';
import { duration, time } from './time.ts';

/** Why an answer did not count, and the reason the person had typed, so that they need not type it again. */
export type Refusal = { reason: string; typedReason: string };

const nameOf = ({ names }: ApprovalPage, id: string) => names.get(id) ?? id;

function answersSoFar(model: ApprovalPage): Value {
  const answers = model.change.records.flatMap(({ body, at }) =>
    body.kind === 'approval-given' ? [{ ...body, at }] : [],
  );
  if (answers.length === 0) return html`<p class="muted">Nobody has answered.</p>`;
  return html`<ul class="answered">${answers.map(
    ({ approver, answer, reason, at }) =>
      html`<li>${badge(answer)} by <strong>${nameOf(model, approver)}</strong>, ${time(at)}<br><q>${reason}</q></li>
`,
  )}</ul>`;
}

function delivery({ notified, notifyErrors }: ApprovalPage): Value {
  if (!notified) return html`<p class="notice">The messages with the personal codes have not been sent yet.</p>`;
  if (notifyErrors.length === 0) return undefined;
  return html`<div class="notice"><p><strong>Some messages could not be sent</strong>, so these people have no code:</p>
<ul>${notifyErrors.map((error) => html`<li>${error}</li>`)}</ul></div>`;
}

// The first submit button of a form is what Enter presses. It is a dead one here: a decision is pressed, not slipped into.
const form = ({
  change: { request },
  refusal,
}: ApprovalPage) => html`<form class="decide" method="post" action="${approvalPath(request.request)}" autocomplete="off">
<button disabled hidden aria-hidden="true"></button>
<input type="hidden" name="digest" value="${request.digest}">
<label for="code">Your personal code</label>
<p class="hint" id="code-hint">It is in the message you got about this request. Whoever enters it decides in your name.</p>
<input id="code" name="code" required maxlength="64" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" aria-describedby="code-hint">
<label for="reason">Reason</label>
<p class="hint" id="reason-hint">It goes into the audit record.</p>
<textarea id="reason" name="reason" required maxlength="2000" rows="3" aria-describedby="reason-hint">
${refusal?.typedReason}</textarea>
<div class="buttons"><button class="primary" name="answer" value="approved">Approve</button>
<button name="answer" value="rejected">Reject</button></div>
</form>`;

const afterwards = ({ outcome, generation }: ChangeHistory) =>
  outcome
    ? html`<p>Change ${generation} ended: ${badge(outcome.result)}</p><p>${outcome.reason}</p>`
    : html`<p>Change ${generation} has not ended yet; its monitors and alarms are being verified.</p>`;

/** The answer so far and, while it is wanted, the form. */
export function approvalPanel(model: ApprovalPage): Html {
  const { state, change, now } = model;
  const { expiresAt, approvers } = change.request;
  if (state.state === 'waiting') {
    const { approvalsGiven, approvalsNeeded } = state;
    const more = approvalsNeeded > 1 && model.requesters.length === 0;
    return html`<aside class="panel" id="decide" tabindex="-1" aria-labelledby="decide-title"><h2 id="decide-title">Decision</h2>
<p><strong>${approvalsGiven} of ${approvalsNeeded}</strong> ${approvalsNeeded === 1 ? 'approval' : 'approvals'} given.${more && ' More than usual, because CloudTrail has not named who made the change.'}</p>
${answersSoFar(model)}
<p>Expires in <strong>${duration(now, expiresAt)}</strong>, at ${time(expiresAt)}. Unanswered means no.</p>
<p class="muted">Asked: ${approvers.map((id) => nameOf(model, id)).join(', ') || 'nobody, because the list of approvers is empty'}.</p>
${delivery(model)}
${change.outcome && html`<p class="notice">The change has ended as ${badge(change.outcome.result)} meanwhile. An answer is recorded, but nothing waits for it any more.</p>`}
${form(model)}</aside>`;
  }
  return html`<aside class="panel" id="decide" aria-labelledby="decide-title"><h2 id="decide-title">Decision</h2>
${state.state === 'decided' && state.decided.approvers.length === 0 && html`<p>${badge(state.decided.answer)} ${state.decided.reason}</p>`}
${answersSoFar(model)}
${state.state === 'decided' ? afterwards(change) : html`<p>This request takes no more answers.</p>`}</aside>`;
}
