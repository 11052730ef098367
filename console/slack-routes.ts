import { approvalRules, decide, readRequest } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import { readSecrets } from '../shared/aws/secrets.ts';
import { respondToClick } from '../shared/aws/slack.ts';
import { isFirstWithSignature } from '../shared/aws/slack-nonce.ts';
import { askedChange, type RefusalCode } from '../shared/model/approval.ts';
import { type Approver, personInSlack } from '../shared/model/approver.ts';
import { requestersOf } from '../shared/model/endpoint-history.ts';
import { readSlackClick, type SlackClick } from '../shared/model/slack-click.ts';
import { slackForgery } from '../shared/model/slack-signature.ts';
import type { Asked } from '../web/asking.ts';
import { approvalPath } from '../web/links.ts';
import { type Problem, type Reply, textReply } from '../web/reply.ts';
import { tellingOf } from '../web/telling.ts';
import type { Answering, Route, Visit } from './visit.ts';

const MAX_BYTES = 256 * 1024;
/** Slack shows the person who clicked an error for anything else, and nothing of a body. */
const HEARD: Reply = textReply('');

/** Refusals after which nobody's answer is taken any more, so that the buttons may go. */
const OVER: readonly RefusalCode[] = ['ended', 'expired', 'superseded'];
const STRANGER = 'You are not on the list of approvers, so this was not counted.';

/** Whoever sent it learns that it was refused; what was wrong with it is for the log. */
function refusedClick(why: string, status: 401 | 403 | 409 | 413): Problem {
  console.error(JSON.stringify({ level: 'WARN', message: 'slack click refused', why }));
  return {
    status,
    happened: 'Not accepted',
    why: 'This address takes clicks that Slack has signed, each once and at once.',
    todo: 'Press the button in Slack, or decide on the page of the request.',
  };
}

type Request = { change: Asked; telling: ReturnType<typeof tellingOf>; pressable: boolean };

/** The request as it is on record now, and how Slack shows it. */
async function readAsked(services: Answering, id: string): Promise<Request | undefined> {
  const stored = await readRequest(services, id);
  if (!stored) return undefined;
  const { history } = await readStream(services, stored.endpoint, stored.generation);
  const asked = askedChange(history, stored.generation, id);
  if (!asked?.opened) return undefined;
  const change = { ...asked, opened: asked.opened };
  const { approvers } = approvalRules(services);
  const requesters = requestersOf(history, stored.generation);
  const { config } = services;
  return {
    change,
    telling: tellingOf({ change, requesters, approvers, occasion: 'asked', consoleUrl: config.consoleUrl }),
    pressable: config.file.notifications.slack.buttons.some((each) => each === change.opened.environment.name),
  };
}

/** Says something to whoever clicked, or shows everybody how the request stands. Slack not listening changes nothing. */
async function respond(services: Answering, click: SlackClick, answer: Parameters<typeof respondToClick>[2]) {
  if (click.responseUrl === undefined) return;
  try {
    await respondToClick(services, click.responseUrl, answer);
  } catch (error) {
    const why = (error as Error).message;
    console.error(JSON.stringify({ level: 'WARN', message: 'slack not told', request: click.request, why }));
  }
}

/** What is said to Slack after a click: both at once, since it waits three seconds for us. */
type Said = { tell?: string; show?: Request };

/** Decides in the name of `person`, whom Slack's signature vouches for. */
async function answerAs(services: Answering, person: Approver, click: SlackClick): Promise<Said> {
  const before = await readAsked(services, click.request);
  if (!before) return { tell: 'There is no such request.' };
  const page = `${services.config.consoleUrl}${approvalPath(click.request)}`;
  if (!before.pressable) return { tell: `Requests of this environment are decided on their page: ${page}` };
  const { request, answer, reason, digest } = click;
  const reply = await decide(services, { request, person: person.id, via: 'slack', answer, reason, digest });
  if (reply.reply === 'refused') {
    const over = OVER.includes(reply.code);
    return { tell: `${reply.reason} ${page}`, ...(over && { show: { ...before, pressable: false } }) };
  }
  const after = await readAsked(services, click.request);
  return {
    ...(after && { show: after }),
    ...(reply.reply === 'already-decided' && {
      tell: `The request was ${reply.final.answer} before your answer came.`,
    }),
  };
}

/**
 * Called by Slack when somebody presses a button in our message. The signature says that Slack sent it and who pressed;
 * whether they may is a question for the list of approvers as it is now, and then for `decide`.
 */
async function takeClick({ event, services }: Visit): Promise<Reply | Problem> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (body.length > MAX_BYTES) return refusedClick('too large', 413);
  const { slackSigningSecret } = await readSecrets(services);
  const { appId } = services.config.file.notifications.slack;
  if (slackSigningSecret === undefined || appId === undefined) return refusedClick('not set up', 403);
  const { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature } = event.headers;
  const forgery = slackForgery({ timestamp, signature, body }, slackSigningSecret, services.now());
  if (forgery || signature === undefined) return refusedClick(forgery ?? 'no signature', 401);

  const click = readSlackClick(body.toString('utf8'));
  // Something else was pressed, a link for instance; Slack tells us of everything.
  if (!click) return HEARD;
  if (click.appId !== appId) return refusedClick('another app', 403);
  if (!(await isFirstWithSignature(services, signature))) return refusedClick('sent again', 409);

  const person = personInSlack(approvalRules(services).approvers, click);
  const { show, tell }: Said = person ? await answerAs(services, person, click) : { tell: STRANGER };
  await Promise.all([
    show && respond(services, click, { replaceWith: show.telling.slack(show.pressable) }),
    tell !== undefined && respond(services, click, { tell }),
  ]);
  return HEARD;
}

export const slackRoutes: readonly Route[] = [{ method: 'POST', path: '/slack/interactions', answer: takeClick }];
