import { CODE_MINUTES } from '../shared/model/code-message.ts';
import { type Html, html, type Value } from './html.ts';
import { page } from './layout.ts';
import { time } from './time.ts';

/** How people log in here: with the provider of that name, or with a code that is mailed to them. */
export type LoginWay = { way: 'provider'; name: string } | { way: 'code'; personal: boolean };

export type LoginPage = LoginWay & {
  /** Where they want to go. */
  next: string;
  /** Who has logged in already, with what the form to log out carries. */
  visitor?: { name: string; until: string; token: string } | undefined;
};

const nextField = (next: string) => html`<input type="hidden" name="next" value="${next}">`;

const alert = (text: string | undefined) => text && html`<div class="alert" role="alert"><p>${text}</p></div>`;

/** The form that asks for a code: for whom, if the link does not say. */
export const codeRequestForm = (
  next: string,
  personal: boolean,
) => html`<form class="decide" method="post" action="/login/code">
${nextField(next)}
${
  personal
    ? html`<p>A code goes to the mailbox that your link came to.</p>`
    : html`<label for="email">Your mail address</label>
<p class="hint" id="email-hint">The one that you are asked for approvals at.</p>
<input id="email" name="email" type="email" required maxlength="254" autocomplete="email" aria-describedby="email-hint">`
}
<button class="primary">Mail me a code</button>
</form>`;

/** The form that goes to the provider. */
export const providerForm = (
  next: string,
  name: string,
) => html`<form class="decide" method="post" action="/login/provider">
${nextField(next)}
<button class="primary">Log in with ${name}</button>
</form>`;

const wayIn = (model: LoginPage): Value =>
  model.way === 'provider'
    ? providerForm(model.next, model.name)
    : html`${codeRequestForm(model.next, model.personal)}
${model.personal && html`<details><summary>Use another address</summary>${codeRequestForm('/approvals', false)}</details>`}`;

/** Where people log in, or see that they have. */
export function loginPage(model: LoginPage): Html {
  const { visitor, next } = model;
  if (visitor) {
    return page({
      title: 'Logged in',
      section: 'login',
      body: html`<div class="slim"><h1>You are logged in</h1>
<p class="lead">as <strong>${visitor.name}</strong>, until ${time(visitor.until)}.</p>
<p><a class="button" href="${next}">Continue</a></p>
<form class="decide" method="post" action="/logout"><input type="hidden" name="token" value="${visitor.token}">
<button>Log out</button></form></div>`,
    });
  }
  return page({
    title: 'Log in',
    section: 'login',
    body: html`<div class="slim"><h1>Log in</h1>
<p class="lead">Approvers log in before they decide, so that the record says who it was.</p>
<div class="panel">${wayIn(model)}</div>
<p class="muted">Logged in already? <a href="${next}">Continue</a>.</p></div>`,
  });
}

/** Where the code is typed that was mailed. The same page for everybody, whether a mail went out or not. */
export function codePage({ next, refused, again }: { next: string; refused?: string; again: string }): Html {
  return page({
    title: refused ? 'Not logged in: enter your code' : 'Enter your code',
    section: 'login',
    body: html`<div class="slim">${alert(refused)}<h1>Enter your code</h1>
<p class="lead">If the address is an approver's, a mail with a code is on its way.</p>
<div class="panel"><form class="decide" method="post" action="/login/verify" autocomplete="off">
${nextField(next)}
<label for="code">Code from the mail</label>
<p class="hint" id="code-hint">Ten characters. It works in this browser only, once, for ${CODE_MINUTES} minutes.</p>
<input id="code" name="code" required maxlength="64" autocomplete="one-time-code" autocapitalize="characters" autocorrect="off" spellcheck="false" aria-describedby="code-hint">
<button class="primary">Log in</button>
</form></div>
<p class="muted">No mail after a minute? Look among the unwanted ones, or <a href="${again}">ask for another</a>; there are five an hour.</p></div>`,
  });
}

/** On the way to the provider. A form may not be redirected to another site, so this page goes there. */
export const toProviderPage = (url: string, name: string): Html =>
  page({
    title: `On to ${name}`,
    refresh: url,
    body: html`<div class="slim"><h1>On to ${name}</h1>
<p class="lead">You log in there and come back here.</p>
<p><a class="button" href="${url}">Go on to ${name}</a></p></div>`,
  });

/** Back from the provider: that navigation came from its site, so our cookie is missing until this form is sent. */
export const backFromProviderPage = ({
  code,
  state,
  iss,
}: {
  code: string;
  state: string;
  iss?: string | undefined;
}): Html =>
  page({
    title: 'Almost there',
    section: 'login',
    body: html`<div class="slim"><h1>Almost there</h1>
<p class="lead">Your provider has sent you back. Continue if it was you who asked to log in.</p>
<div class="panel"><form class="decide" method="post" action="/login/callback">
<input type="hidden" name="code" value="${code}"><input type="hidden" name="state" value="${state}">
${iss !== undefined && html`<input type="hidden" name="iss" value="${iss}">`}
<button class="primary">Continue</button>
</form></div></div>`,
  });
