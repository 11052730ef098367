import type { Actor } from '../shared/model/actor.ts';
import type { Mail } from '../shared/model/message.ts';
import { type Asked, type Asking, answersOf, askingOf, type Occasion } from './asking.ts';
import { html } from './html.ts';
import { moment } from './time.ts';

/** A request, to whom it is written about, and why now. */
export type ApprovalMail = {
  change: Asked;
  requesters: readonly Actor[];
  names: ReadonlyMap<string, string>;
  /** The name of who gets it. */
  to: string;
  occasion: Occasion;
  /** Their personal link. It says whose mail it was; it lets nobody decide. */
  link: string;
};

const SUBJECTS: Record<Occasion, (about: string) => string> = {
  asked: (about) => `Approve ${about}?`,
  reminder: (about) => `Still waiting: approve ${about}?`,
  escalation: (about) => `Nobody has answered: approve ${about}?`,
  expired: (about) => `Expired: ${about}`,
  'break-glass': (about) => `Approved in an emergency: ${about}`,
};

function lead(occasion: Occasion, { name, environment, who, planned, expiresAt }: Asking): string {
  const made = planned
    ? `${who} plans to change the ${environment} endpoint ${name}`
    : `${who} changed the ${environment} endpoint ${name}`;
  switch (occasion) {
    case 'asked':
      return `${made}, and the policies below ask for a person's decision.`;
    case 'reminder':
      return `${made}. You were asked to decide and have not answered yet.`;
    case 'escalation':
      return `${made}. Those who were asked first have not decided, so you are asked too.`;
    case 'expired':
      return `${made}. Nobody decided until ${moment(expiresAt)}, and unanswered means no. It can be asked again on the page.`;
    case 'break-glass':
      return `${made}. One person approved it alone, as somebody may in an emergency. Somebody else has to review that, and it stays open until then.`;
  }
}

const isQuestion = (occasion: Occasion) => occasion !== 'expired' && occasion !== 'break-glass';
const FOOTER = 'This link is yours and opens a page; opening it decides nothing. You log in there before you decide.';

type Part = { head: string; lines: string[] };
function partsOf({ change, names, occasion }: ApprovalMail, asking: Asking): Part[] {
  const { what, cost, reasons, why, place, expiresAt } = asking;
  const answers = answersOf(change, names);
  return [
    ...(why === undefined ? [] : [{ head: 'Why', lines: [why] }]),
    { head: 'What changes', lines: what },
    { head: 'Policies that ask', lines: reasons },
    { head: 'Cost', lines: [cost] },
    { head: 'Account and region', lines: [place] },
    { head: 'Answers so far', lines: answers },
    ...(isQuestion(occasion)
      ? [{ head: 'Without an answer', lines: [`it is rejected at ${moment(expiresAt)}.`] }]
      : []),
  ].filter(({ lines }) => lines.length > 0);
}

function textOf(mail: ApprovalMail, asking: Asking, parts: Part[]): string {
  return [
    `Hello ${mail.to},`,
    '',
    lead(mail.occasion, asking),
    '',
    isQuestion(mail.occasion) ? 'See what approving does, and decide:' : 'See all of it:',
    `  ${mail.link}`,
    '',
    ...parts.flatMap(({ head, lines }) =>
      lines.length === 1 ? [`${head}: ${lines[0]}`, ''] : [`${head}:`, ...lines.map((line) => `  - ${line}`), ''],
    ),
    FOOTER,
  ].join('\n');
}

// Mail programs drop style sheets and scripts and show tables with inline styles. No colours but the link's own, so that
// light and dark both work; nothing is loaded from anywhere.
function htmlOf(subject: string, mail: ApprovalMail, asking: Asking, parts: Part[]): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${subject}</title></head>
<body style="margin:0;padding:16px;font-family:sans-serif;font-size:16px;line-height:1.5">
<table role="presentation" width="100%" style="max-width:640px;margin:0 auto;border-collapse:collapse"><tr><td>
<h1 style="font-size:20px;margin:0 0 12px">${subject}</h1>
<p>Hello ${mail.to},</p>
<p>${lead(mail.occasion, asking)}</p>
<p style="margin:20px 0"><a href="${mail.link}" style="display:inline-block;padding:12px 20px;border:2px solid;border-radius:6px;font-weight:bold;text-decoration:none">${isQuestion(mail.occasion) ? 'See what approving does, and decide' : 'See all of it'}</a></p>
${parts.map(
  ({ head, lines }) => html`<h2 style="font-size:16px;margin:16px 0 4px">${head}</h2>
${
  lines.length === 1
    ? html`<p style="margin:0;overflow-wrap:anywhere">${lines[0]}</p>`
    : html`<ul style="margin:0;padding-left:20px">${lines.map((line) => html`<li style="overflow-wrap:anywhere">${line}</li>`)}</ul>`
}
`,
)}<p style="margin-top:20px;font-size:14px">${FOOTER}</p>
</td></tr></table>
</body></html>
`.toString();
}

/** The mail to one approver: what changes, who asked, why, what it costs, until when, and their link. */
export function approvalMail(mail: ApprovalMail): Mail {
  const asking = askingOf(mail.change, mail.requesters);
  const subject = SUBJECTS[mail.occasion](
    `${asking.planned ? 'the plan for ' : ''}${asking.name} (${asking.environment})`,
  );
  const parts = partsOf(mail, asking);
  return { subject, text: textOf(mail, asking, parts), html: htmlOf(subject, mail, asking, parts) };
}
