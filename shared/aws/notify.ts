import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import type { Approver } from '../model/approver.ts';
import type { Mail, SlackMessage } from '../model/message.ts';
import { markNotified } from './approvals.ts';
import { readSecrets } from './secrets.ts';
import type { With } from './services.ts';
import { postToChannel, postToWebhook, SlackError, wayToSlack } from './slack.ts';
import { markTold, readTold, type Told } from './told.ts';

export type Notifying = With<'dynamodb' | 'ses' | 'secrets'>;

/** What is to be said, and to whom: a round of messages about one request. */
export type Telling = {
  request: string;
  /** `asked`, or the name of a later round. Nobody is told the same round twice. */
  round: string;
  environment: string;
  people: readonly Approver[];
  /** The mail to one person, with their own link. */
  mail: (to: Approver, link: string) => Mail;
  /** The message to the channel; with buttons where the settings want them. */
  slack: (buttons: boolean) => SlackMessage;
};

/** Where a message goes: to somebody's mailbox, or to the channel. Undefined where it did, otherwise what went wrong. */
async function attempt(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    // Names and Slack's own words only: what an SDK says about an error may repeat what it was given.
    return error instanceof SlackError ? error.message : (error as Error).name;
  }
}

async function sendMail(services: Notifying, { request, round }: Telling, to: Approver, mail: Mail): Promise<void> {
  await services.ses.send(
    new SendEmailCommand({
      FromEmailAddress: services.config.mailFrom,
      Destination: { ToAddresses: [to.email] },
      Content: {
        Simple: {
          Subject: { Data: mail.subject, Charset: 'UTF-8' },
          Body: {
            Text: { Data: mail.text, Charset: 'UTF-8' },
            Html: { Data: mail.html, Charset: 'UTF-8' },
          },
        },
      },
      // By these the events of a configuration set, bounces among them, can be told apart.
      EmailTags: [
        { Name: 'request', Value: request },
        { Name: 'round', Value: round },
      ],
    }),
  );
}

/** False where Slack is not set up. */
async function postToSlack(services: Notifying, { environment, slack }: Telling): Promise<boolean> {
  const { channel, buttons } = services.config.file.notifications.slack;
  const secrets = await readSecrets(services);
  const way = wayToSlack(secrets, channel);
  if (way === undefined) return false;
  if ('url' in way) {
    await postToWebhook(services, way.url, slack(false));
    return true;
  }
  // Without the secret that clicks are signed with, no click could be taken.
  const pressable = secrets.slackSigningSecret !== undefined && buttons.some((each) => each === environment);
  await postToChannel(services, way.token, way.channel, slack(pressable));
  return true;
}

/**
 * Tells everybody of a round who has not been told yet, and marks them one by one, so that after a crash only the rest
 * is told. With `notifications.mails: unless-slack` a round that Slack took is mailed to nobody; one that it did not take,
 * for whatever reason, to everybody. What does not get through is kept on the request, shown, counted, and never an
 * error of the caller: a message that gets lost must not lose the wait.
 */
export async function notify(services: Notifying, telling: Telling): Promise<void> {
  const { request, round, people } = telling;
  const { told, personal } = await readTold(services, request);
  const isTold = (channel: Told['channel'], to: string) =>
    told.some((each) => each.round === round && each.channel === channel && each.to === to);
  const mark = (channel: Told['channel'], to: string) =>
    markTold(services, request, { round, channel, to, at: services.now() });

  const mailAll = async () => {
    const errors: string[] = [];
    for (const person of people.filter(({ id }) => !isTold('mail', id))) {
      const to = personal.get(person.id);
      const link = `${services.config.consoleUrl}/approvals/${request}${to === undefined ? '' : `?to=${to}`}`;
      const error = await attempt(() => sendMail(services, telling, person, telling.mail(person, link)));
      if (error === undefined) await mark('mail', person.id);
      else errors.push(`${person.id}: ${error}`);
    }
    return errors;
  };
  const tellChannel = async () => {
    if (isTold('slack', 'channel')) return { taken: true, errors: [] };
    let taken = false;
    const error = await attempt(async () => {
      taken = await postToSlack(services, telling);
    });
    if (taken) await mark('slack', 'channel');
    return { taken, errors: error === undefined ? [] : [`slack: ${error}`] };
  };

  const slack = tellChannel();
  const mails =
    services.config.file.notifications.mails === 'unless-slack'
      ? slack.then(({ taken }) => (taken ? [] : mailAll()))
      : mailAll();
  const errors = (await Promise.all([mails, slack.then((channel) => channel.errors)])).flat();
  if (errors.length > 0) services.measure({ name: 'NotificationFailures', unit: 'Count', value: errors.length });
  await markNotified(services, request, errors);
}
