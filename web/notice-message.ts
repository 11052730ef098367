import type { Mail, SlackMessage } from '../shared/model/message.ts';
import { html } from './html.ts';

/** A notice: lines under headings, and one link. */
export type Notice = {
  subject: string;
  link: string;
  todo: string;
  parts: readonly { head: string; lines: string[] }[];
};

const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`);
/** Text that Slack shows as it is: what others wrote is never read as marks. */
const plain = (text: string, most = 2_900) => ({ type: 'plain_text', text: cut(text, most), emoji: false });

/** A notice as a mail to somebody, and as a message to the channel. */
export function noticeMessage({ subject, link, todo, parts }: Notice) {
  return {
    mail: (to: { name: string }): Mail => ({
      subject,
      text: [
        `Hello ${to.name},`,
        '',
        `${todo}:`,
        `  ${link}`,
        '',
        ...parts.flatMap(({ head, lines }) => [`${head}:`, ...lines.map((line) => `  - ${line}`), '']),
      ].join('\n'),
      html: html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${subject}</title></head>
<body style="margin:0;padding:16px;font-family:sans-serif;font-size:16px;line-height:1.5">
<h1 style="font-size:20px;margin:0 0 12px">${subject}</h1>
<p>Hello ${to.name},</p>
<p><a href="${link}">${todo}</a></p>
${parts.map(
  ({ head, lines }) => html`<h2 style="font-size:16px;margin:16px 0 4px">${head}</h2>
<ul style="margin:0;padding-left:20px">${lines.map((line) => html`<li style="overflow-wrap:anywhere">${line}</li>`)}</ul>
`,
)}</body></html>
`.toString(),
    }),
    slack: (): SlackMessage => ({
      text: subject.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
      blocks: [
        { type: 'header', text: plain(subject, 150) },
        ...parts.map(({ head, lines }) => ({
          type: 'section',
          text: plain([head, ...lines.map((line) => `\u2022 ${line}`)].join('\n')),
        })),
        { type: 'section', text: { type: 'mrkdwn', text: `<${link}|${todo}>`, verbatim: true } },
      ],
    }),
  };
}
