import type { Actor } from '../shared/model/actor.ts';
import type { Approver } from '../shared/model/approver.ts';
import type { Mail, SlackMessage } from '../shared/model/message.ts';
import { approvalMail } from './approval-mail.ts';
import type { Asked, Occasion } from './asking.ts';
import { slackMessage } from './slack-message.ts';

/** A request, why people are written to about it, and where the console is. */
export type About = {
  change: Asked;
  requesters: readonly Actor[];
  approvers: readonly Approver[];
  occasion: Occasion;
  consoleUrl: string;
};

/** What to say about a request, by mail and in Slack. */
export function tellingOf({ change, requesters, approvers, occasion, consoleUrl }: About): {
  request: string;
  environment: string;
  mail: (to: Approver, link: string) => Mail;
  slack: (buttons: boolean) => SlackMessage;
} {
  const about = { change, requesters, occasion, names: new Map(approvers.map(({ id, name }) => [id, name])) };
  return {
    request: change.request.request,
    environment: change.opened.environment.name,
    mail: (to, link) => approvalMail({ ...about, to: to.name, link }),
    slack: (buttons) => slackMessage({ ...about, consoleUrl, buttons }),
  };
}
