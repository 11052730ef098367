import type { Actor } from '../shared/model/actor.ts';
import type { ApprovalAnswer } from '../shared/model/ledger-record.ts';
import type { SlackMessage } from '../shared/model/message.ts';
import { type ButtonValue, SLACK_ACTIONS, SLACK_REASON } from '../shared/model/slack-click.ts';
import { type Asked, answersOf, askingOf, type Occasion } from './asking.ts';
import { approvalPath } from './links.ts';
import { moment } from './time.ts';

export type AskingInSlack = {
  change: Asked;
  requesters: readonly Actor[];
  names: ReadonlyMap<string, string>;
  occasion: Occasion;
  consoleUrl: string;
  /** Whether it can be answered in Slack; not where the request has ended. */
  buttons: boolean;
};

/** Slack's own marks are `&`, `<` and `>`; without them nothing becomes a link, a mention or a command. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`);
/** Text that is shown as it is: what others wrote is never read as marks. */
const plain = (text: string, most = 2_900) => ({ type: 'plain_text', text: cut(text, most), emoji: false });

const HEADS: Record<Occasion, (about: string) => string> = {
  asked: (about) => `Approve ${about}?`,
  reminder: (about) => `Still waiting: approve ${about}?`,
  escalation: (about) => `Nobody has answered: approve ${about}?`,
  expired: (about) => `Expired: ${about}`,
  'break-glass': (about) => `Approved in an emergency, to be reviewed: ${about}`,
};
const ENDS = {
  approved: 'Approved',
  rejected: 'Rejected',
  expired: 'Expired',
  superseded: 'Superseded',
  withdrawn: 'Withdrawn',
} as const;

function headOf({ change, occasion }: AskingInSlack, about: string): string {
  const { decided, breakGlass } = change;
  return decided && !(breakGlass && occasion === 'break-glass')
    ? `${ENDS[decided.answer]}: ${about}`
    : HEADS[occasion](about);
}

function button({ change }: AskingInSlack, answer: ApprovalAnswer, label: string, asks: string): object {
  const { request, digest } = change.request;
  const value: ButtonValue = { request, digest, answer };
  return {
    type: 'button',
    action_id: SLACK_ACTIONS[answer],
    text: plain(label),
    style: answer === 'approved' ? 'primary' : 'danger',
    value: JSON.stringify(value),
    confirm: { title: plain(`${label}?`, 100), text: plain(asks, 300), confirm: plain(label), deny: plain('Not yet') },
  };
}

/** A reason and two buttons. An input in a message is not sent by itself: it comes along with the press of a button. */
function decisionBlocks(asking: AskingInSlack, name: string): object[] {
  return [
    {
      type: 'input',
      block_id: SLACK_REASON.block,
      label: plain('Reason'),
      hint: plain('It goes into the audit record. Everybody here sees it once you have decided.', 150),
      element: { type: 'plain_text_input', action_id: SLACK_REASON.action, multiline: false, max_length: 2_000 },
    },
    {
      type: 'actions',
      block_id: 'decision',
      elements: [
        button(
          asking,
          'approved',
          'Approve',
          `Approve exactly this deployment of ${name}? It is recorded in your name.`,
        ),
        button(asking, 'rejected', 'Reject', `Reject this change of ${name}? One rejection is enough.`),
      ],
    },
  ];
}

/**
 * A request as a message in a channel, from how it stands on record: a link to its page, and buttons where it may be
 * answered here. It holds no secret; that somebody reads it lets them decide nothing.
 */
export function slackMessage(asking: AskingInSlack): SlackMessage {
  const { change, requesters, names, consoleUrl } = asking;
  const about = askingOf(change, requesters);
  const { decided } = change;
  const head = headOf(asking, `${about.planned ? 'the plan for ' : ''}${about.name} (${about.environment})`);
  const field = (label: string, text: string) => plain(`${label}\n${text}`, 1_900);
  const link = `<${consoleUrl}${approvalPath(change.request.request)}|${decided ? 'See all of it' : 'See what approving does, and decide'}>`;
  const answers = answersOf(change, names);
  const lines = (title: string, list: readonly string[]) =>
    list.length === 0
      ? []
      : [{ type: 'section', text: plain([title, ...list.map((line) => `\u2022 ${line}`)].join('\n')) }];
  return {
    text: escaped(head),
    blocks: [
      { type: 'header', text: plain(head, 150) },
      {
        type: 'section',
        fields: [
          field(about.planned ? 'Planned by' : 'Changed by', about.who),
          field('Cost', about.cost),
          field('Account and region', about.place),
          field(decided ? 'Asked until' : 'Expires; unanswered means no', moment(about.expiresAt)),
        ],
      },
      ...lines('Why', about.why === undefined ? [] : [about.why]),
      ...lines('What changes', about.what),
      ...lines('Policies that ask', about.reasons),
      ...lines('Answers', answers),
      ...(decided && answers.length === 0 ? lines(ENDS[decided.answer], [decided.reason]) : []),
      { type: 'section', text: { type: 'mrkdwn', text: link, verbatim: true } },
      ...(asking.buttons && !decided && !change.outcome ? decisionBlocks(asking, about.name) : []),
      { type: 'context', elements: [plain(`Digest ${change.request.digest}`)] },
    ],
  };
}
