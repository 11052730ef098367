import type { Typed } from '../shared/model/answer-form.ts';
import { MAX_REASON } from '../shared/model/approval.ts';
import type { ApprovalPage } from './approval-page.ts';
import type { Visitor } from './approval-visitor.ts';
import { type Html, html, type Value } from './html.ts';
import { actionPath, type RequestAction } from './links.ts';
import { codeRequestForm, providerForm } from './login-page.ts';

type Approver = Extract<Visitor, { kind: 'approver' }>;

/** What was typed into this form before it was refused. */
const typedIn = ({ refusal }: ApprovalPage, action: RequestAction): Typed =>
  refusal?.action === action ? refusal.typed : {};

/**
 * A form of this page. The first submit button of a form is what Enter presses, and here it is a dead one: a decision
 * is pressed, not slipped into.
 */
const requestForm = (model: ApprovalPage, { tokens }: Approver, action: RequestAction, fields: Value): Html => {
  const { request, digest } = model.change.request;
  return html`<form class="decide" method="post" action="${actionPath(request, action)}" autocomplete="off">
<button disabled hidden aria-hidden="true"></button>
<input type="hidden" name="digest" value="${digest}"><input type="hidden" name="token" value="${tokens[action]}">
${fields}
</form>`;
};

const textField = (action: RequestAction, label: string, hint: string, typed: string | undefined) => {
  const id = `${action}-text`;
  return html`<label for="${id}">${label}</label>
<p class="hint" id="${id}-hint">${hint}</p>
<textarea id="${id}" name="${action === 'comment' ? 'text' : 'reason'}" required maxlength="${MAX_REASON}" rows="3" aria-describedby="${id}-hint">
${typed}</textarea>`;
};

const nameField = (action: RequestAction, name: string, hint: Value, typed: string | undefined) => {
  const id = `${action}-name`;
  return html`<label for="${id}">Type <span class="name">${name}</span></label>
<p class="hint" id="${id}-hint">${hint}</p>
<input id="${id}" name="name" maxlength="256" value="${typed}" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" aria-describedby="${id}-hint">`;
};

const nameOf = ({ change }: ApprovalPage) => change.opened.facts.endpoint.name;

/** Approve or reject. In prod the endpoint's name is typed, so that nobody approves the wrong one in passing. */
export function answerForm(model: ApprovalPage, visitor: Approver): Html {
  const typed = typedIn(model, 'answer');
  return requestForm(
    model,
    visitor,
    'answer',
    html`<p>You are <strong>${visitor.name}</strong>.</p>
${textField('answer', 'Reason', 'It goes into the audit record.', typed.reason)}
${model.change.opened.environment.name === 'prod' && nameField('answer', nameOf(model), 'To approve in prod; not needed to reject.', typed.name)}
<div class="buttons"><button class="primary" name="answer" value="approved">Approve</button>
<button name="answer" value="rejected">Reject</button></div>`,
  );
}

/** Anything else that can be said, folded away. It is open where something was wrong with what was sent. */
const folded = (model: ApprovalPage, action: RequestAction, title: string, content: Html) =>
  html`<details class="more"${model.refusal?.action === action && html` open`}><summary>${title}</summary>${content}</details>`;

export function commentForm(model: ApprovalPage, visitor: Approver): Html {
  const field = textField(
    'comment',
    'Comment',
    'Everybody who sees this page sees it, and it stays.',
    typedIn(model, 'comment').text,
  );
  const form = requestForm(model, visitor, 'comment', html`${field}<button>Comment</button>`);
  return folded(model, 'comment', 'Comment without deciding', form);
}

export function withdrawForm(model: ApprovalPage, visitor: Approver): Html {
  const field = textField(
    'withdraw',
    'Reason',
    'The change ends as withdrawn. Portcullis does not take the endpoint back.',
    typedIn(model, 'withdraw').reason,
  );
  const form = requestForm(model, visitor, 'withdraw', html`${field}<button>Withdraw the request</button>`);
  return folded(model, 'withdraw', 'Withdraw', form);
}

/** Approving alone. It asks for more than any other form, and says what follows. */
export function breakGlassForm(model: ApprovalPage, visitor: Approver): Html {
  const typed = typedIn(model, 'break-glass');
  const form = requestForm(
    model,
    visitor,
    'break-glass',
    html`<p>For emergencies. You approve alone, past everybody else who is asked. An alarm is raised, and it stays open until a second person has reviewed it.</p>
${textField('break-glass', 'What is the emergency?', 'It goes into the audit record.', typed.reason)}
${nameField('break-glass', nameOf(model), 'To confirm that it is this endpoint.', typed.name)}
<label class="tick"><input type="checkbox" name="alone" value="yes" required> I approve alone, and somebody else will review it.</label>
<button>Break the glass and approve</button>`,
  );
  return folded(model, 'break-glass', 'Approve alone in an emergency', form);
}

export function reviewForm(model: ApprovalPage, visitor: Approver): Html {
  const field = textField(
    'review',
    'What did you find?',
    'It goes into the audit record and closes the review.',
    typedIn(model, 'review').reason,
  );
  return requestForm(
    model,
    visitor,
    'review',
    html`${field}
<div class="buttons"><button name="finding" value="justified">It was justified</button>
<button name="finding" value="not-justified">It was not</button></div>`,
  );
}

export const askAgainForm = (model: ApprovalPage, visitor: Approver): Html =>
  requestForm(
    model,
    visitor,
    'ask-again',
    html`<p>Asks everybody anew, about what the endpoint is now.</p><button class="primary">Ask again</button>`,
  );

/** For whoever has not logged in: how to. */
export function loginFirst({ login, next, addressee }: Extract<Visitor, { kind: 'nobody' }>): Html {
  return html`<p class="login-first">${addressee ? html`This link was sent to <strong>${addressee}</strong>. Log in to decide.` : 'Log in to decide, or to comment.'}</p>
${login.way === 'provider' ? providerForm(next, login.name) : codeRequestForm(next, login.personal)}`;
}
