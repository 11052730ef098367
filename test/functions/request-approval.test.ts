import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../functions/request-approval.ts';
import { decide, listOpenRequests, readRequest } from '../../shared/aws/approvals.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { readTold } from '../../shared/aws/told.ts';
import { type Config, ConfigFile } from '../../shared/config.ts';
import {
  approver,
  change,
  config,
  endpoint,
  findings,
  given,
  later,
  opened,
  person,
  type Written,
} from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { fakeSlack, REFUSALS, SLACK } from '../fake-slack.ts';

const ID = 'request0000000000000000001';
const SETTINGS = { approvals: { approvers: [approver('asha'), approver('ben')] } };
const WITH_BUTTONS = {
  ...SETTINGS,
  notifications: { slack: { channel: SLACK.channel, appId: SLACK.appId, buttons: ['prod'] } },
};

function setUp(file: Record<string, unknown> = SETTINGS, ...written: Written[]) {
  const measured: Metric[] = [];
  const slack = fakeSlack();
  const aws = fakeAws({
    config: config({ file: ConfigFile.parse(file) } as Partial<Config>),
    fetchPinned: slack.fetch,
    measure: (metric) => measured.push(metric),
  });
  const tables = fakeTables(aws);
  tables.seed(...(written.length > 0 ? written : [{ body: opened(), actor: person('dana') }, findings()]));
  const ask = (taskToken = 'token-1', seconds = 3600) =>
    run({ change: change(), generation: 1, approvalTimeoutSeconds: seconds, taskToken }, aws.services);
  const yes = () =>
    decide(aws.services, {
      request: ID,
      person: 'ben',
      via: 'page',
      answer: 'approved',
      reason: 'fine',
      digest: opened().digest,
    });
  return { aws, tables, slack, measured, ask, yes, services: aws.services };
}
const linkIn = (text = '') => /https:\S+/.exec(text)?.[0] ?? '';
/** A world where Slack is set up, by whatever these say. */
const slackIs = (secrets: Partial<Record<'WEBHOOK_URL' | 'SIGNING_SECRET' | 'BOT_TOKEN', string>>) => {
  for (const [name, value] of Object.entries(secrets)) vi.stubEnv(`PORTCULLIS_SLACK_${name}`, value);
};
const APP = { BOT_TOKEN: SLACK.botToken, SIGNING_SECRET: SLACK.signingSecret };
afterEach(() => vi.unstubAllEnvs());

describe('request approval', () => {
  test('puts the question on record: what is asked, by which policies, whom, what it takes, until when', async () => {
    const { ask, tables } = setUp();
    expect(await ask()).toEqual({ request: ID });
    expect(tables.records().at(-1)).toMatchObject({
      id: 'request#1',
      actor: { kind: 'gate' },
      body: {
        kind: 'approval-requested',
        generation: 1,
        digest: opened().digest,
        request: ID,
        expiresAt: later(3600),
        approvers: ['asha', 'ben'],
        reasons: ['prod-human-approval'],
        needs: [{ group: null, count: 1 }],
      },
    });
  });

  test('tells every approver, each by a link of their own that holds nothing but ids', async () => {
    const { ask, aws, services } = setUp();
    await ask();
    const { mails } = aws.world;
    expect(mails.map(({ to }) => to)).toEqual(['asha@example.com', 'ben@example.com']);
    const { personal } = await readTold(services, ID);
    expect(mails.map(({ text }) => linkIn(text))).toEqual(
      ['asha', 'ben'].map((id) => `https://gate.example.com/approvals/${ID}?to=${personal.get(id)}`),
    );
    expect(new Set(personal.values()).size).toBe(2);
    for (const { subject, text, html } of mails) {
      expect(subject).toContain('fraud-prod');
      expect(text).toContain('dana');
      expect(html).toContain(linkIn(text));
    }
  });

  test('lists the request as open, and keeps the token sealed', async () => {
    const { ask, services, tables } = setUp();
    await ask();
    expect(await listOpenRequests(services)).toMatchObject([
      { id: ID, endpoint, generation: 1, expiresAt: later(3600), hasToken: true },
    ]);
    expect(JSON.stringify([...tables.approvals.values()])).not.toContain('token-1');
    expect(JSON.stringify(tables.records())).not.toContain('token-1');
  });

  test('whoever made the change is not asked', async () => {
    const { ask, aws } = setUp(SETTINGS, { body: opened(), actor: person('session', 'Asha@example.com') }, findings());
    await ask();
    expect(aws.world.mails.map(({ to }) => to)).toEqual(['ben@example.com']);
  });

  test('an empty list of approvers asks nobody, and the request waits to expire', async () => {
    const { ask, aws, services } = setUp({ approvals: { approvers: [] } });
    expect(await ask()).toEqual({ request: ID });
    expect(aws.world.mails).toEqual([]);
    expect(await readRequest(services, ID)).toMatchObject({ notified: true, hasToken: true });
  });

  test.each(['MessageRejected', 'MailFromDomainNotVerifiedException', 'TooManyRequestsException'])(
    'a mail that SES does not take (%s) is noted, counted, and does not lose the wait',
    async (name) => {
      const { ask, aws, services, measured } = setUp();
      aws.ses.on(SendEmailCommand).rejectsOnce(awsError(name, 'canary: asha@example.com is suppressed')).resolves({});
      expect(await ask()).toEqual({ request: ID });
      expect(await readRequest(services, ID)).toMatchObject({ notified: true, notifyErrors: [`asha: ${name}`] });
      expect(measured).toContainEqual({ name: 'NotificationFailures', unit: 'Count', value: 1 });
    },
  );
  test('where all went out, no failure is counted', async () => {
    const { ask, measured } = setUp();
    await ask();
    expect(measured.map(({ name }) => name)).not.toContain('NotificationFailures');
  });
});

describe('Slack', () => {
  test('is left alone where nobody has set it up', async () => {
    const { ask, slack } = setUp();
    await ask();
    expect(slack.calls).toEqual([]);
  });
  test('gets one message with a link through a webhook, and no buttons, whoever wants them', async () => {
    slackIs({ WEBHOOK_URL: SLACK.webhookUrl, SIGNING_SECRET: SLACK.signingSecret });
    const { ask, slack } = setUp({ ...SETTINGS, notifications: { slack: { ...WITH_BUTTONS.notifications.slack } } });
    await ask();
    expect(slack.posted.map(({ url }) => url)).toEqual([SLACK.webhookUrl]);
    const said = JSON.stringify(slack.posted[0]?.body);
    expect(said).toContain(`https://gate.example.com/approvals/${ID}|`);
    expect(said).not.toContain('"actions"');
  });
  test.each([
    ['where they are wanted', WITH_BUTTONS, APP, true],
    ['not where nobody wants them', { ...SETTINGS, notifications: { slack: { channel: SLACK.channel } } }, APP, false],
    [
      'not in other environments',
      { ...SETTINGS, notifications: { slack: { ...WITH_BUTTONS.notifications.slack, buttons: ['dev', 'staging'] } } },
      APP,
      false,
    ],
    ['not where no click could be verified', WITH_BUTTONS, { BOT_TOKEN: SLACK.botToken }, false],
  ])('as an app has buttons %s', async (_, file, secrets, buttons) => {
    slackIs(secrets);
    const { ask, slack } = setUp(file);
    await ask();
    expect(slack.posted.map(({ body }) => body.channel)).toEqual([SLACK.channel]);
    expect(slack.posted[0]?.body.blocks?.some(({ type }) => type === 'actions')).toBe(buttons);
  });
  test.each([
    ['a webhook that is gone', { WEBHOOK_URL: SLACK.webhookUrl }, REFUSALS.noService, 'slack: no_service'],
    ['a channel that the app is not in', APP, REFUSALS.notInChannel, 'slack: not_in_channel'],
  ])(
    'that says no (%s) is noted, counted, and loses neither the mails nor the wait',
    async (_, secrets, refusal, noted) => {
      slackIs(secrets);
      const { ask, aws, slack, services, measured } = setUp(WITH_BUTTONS);
      slack.next.push(refusal);
      expect(await ask()).toEqual({ request: ID });
      expect(aws.world.mails).toHaveLength(2);
      expect(await readRequest(services, ID)).toMatchObject({ notified: true, notifyErrors: [noted] });
      expect(measured).toContainEqual({ name: 'NotificationFailures', unit: 'Count', value: 1 });
    },
  );
  test('with a malformed secret is noted without a word of it', async () => {
    slackIs({ WEBHOOK_URL: 'https://canary.example/' });
    const { ask, services, tables } = setUp();
    await ask();
    expect((await readRequest(services, ID))?.notifyErrors).toEqual(['slack: MalformedSecretError']);
    expect(JSON.stringify([...tables.approvals.values()])).not.toContain('canary');
  });
});

describe('mails, where only what Slack does not take is to be mailed,', () => {
  const SLACK_FIRST = {
    ...SETTINGS,
    notifications: { mails: 'unless-slack', slack: { channel: SLACK.channel } },
  };
  test.each([
    ['a webhook', { WEBHOOK_URL: SLACK.webhookUrl }],
    ['the app', APP],
  ])('are sent to nobody where %s took the message; people still have links of their own', async (_, secrets) => {
    slackIs(secrets);
    const { ask, aws, slack, services, measured } = setUp(SLACK_FIRST);
    expect(await ask()).toEqual({ request: ID });
    expect(slack.posted).toHaveLength(1);
    expect(aws.world.mails).toEqual([]);
    expect(await readRequest(services, ID)).toMatchObject({ notified: true, notifyErrors: [] });
    expect([...(await readTold(services, ID)).personal.keys()]).toEqual(['asha', 'ben']);
    expect(measured.map(({ name }) => name)).not.toContain('NotificationFailures');
  });
  test.each<[string, Parameters<typeof slackIs>[0], (() => Response)[], string[]]>([
    ['is not set up', {}, [], []],
    ['has an app without the secret that it posts with', { SIGNING_SECRET: SLACK.signingSecret }, [], []],
    ['refuses', APP, [REFUSALS.notInChannel], ['slack: not_in_channel']],
    ['has lost its webhook', { WEBHOOK_URL: SLACK.webhookUrl }, [REFUSALS.noService], ['slack: no_service']],
    ['cannot be reached', APP, Array(3).fill(REFUSALS.unreachable), ['slack: not reachable']],
    ['does not answer', APP, Array(3).fill(REFUSALS.timeout), ['slack: no answer in time']],
    ['has a malformed secret', { WEBHOOK_URL: 'https://canary.example/' }, [], ['slack: MalformedSecretError']],
  ])('are sent to everybody where Slack %s', async (_, secrets, refusals, noted) => {
    slackIs(secrets);
    const { ask, aws, slack, services } = setUp(SLACK_FIRST);
    slack.next.push(...refusals);
    expect(await ask()).toEqual({ request: ID });
    expect(aws.world.mails.map(({ to }) => to)).toEqual(['asha@example.com', 'ben@example.com']);
    expect(slack.posted).toEqual([]);
    expect(await readRequest(services, ID)).toMatchObject({ notified: true, notifyErrors: noted });
  });
  test('are not sent later either, where it died after the channel was told', async () => {
    slackIs(APP);
    const { ask, aws, slack } = setUp(SLACK_FIRST);
    aws.world.before = (command, input) => {
      if (command === 'UpdateItem' && JSON.stringify(input).includes('notified'))
        throw awsError('Died', 'died here', 500);
    };
    await expect(ask()).rejects.toThrow('died here');
    aws.world.before = () => undefined;
    slack.next.push(REFUSALS.notInChannel);
    await ask('token-2');
    expect([slack.posted.length, aws.world.mails.length]).toEqual([1, 0]);
  });
});

test('a task token and the secrets are found nowhere: no mail, no message, no record, no item, no line in the log', async () => {
  slackIs({ ...APP, WEBHOOK_URL: SLACK.webhookUrl });
  const logged: unknown[] = [];
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation((...line) => void logged.push(line));
  }
  const { ask, aws, slack, tables } = setUp(WITH_BUTTONS);
  slack.next.push(REFUSALS.htmlPage);
  await ask('canary-task-token');
  vi.restoreAllMocks();
  expect(aws.world.mails).toHaveLength(2);
  expect(slack.posted).toHaveLength(1);
  const items = [...tables.approvals.values()].map((item) => JSON.stringify({ ...item, token: undefined }));
  const written = JSON.stringify([
    aws.world.mails,
    slack.posted.map(({ body }) => body),
    tables.records(),
    items,
    logged,
  ]);
  for (const form of ['canary', Buffer.from('canary-task-token').toString('base64')]) {
    expect(written).not.toContain(form);
  }
});

describe('run again', () => {
  test('it asks nobody twice, keeps the record and its deadline, and exchanges the token', async () => {
    slackIs({ WEBHOOK_URL: SLACK.webhookUrl });
    const { ask, aws, slack, tables, yes } = setUp();
    await ask('token-1');
    const records = tables.records();
    aws.clock.advance(600);
    expect(await ask('token-2')).toEqual({ request: ID });
    expect(tables.records()).toEqual(records);
    expect(aws.world.mails).toHaveLength(2);
    expect(slack.posted).toHaveLength(1);
    await yes();
    expect(aws.world.resumed).toEqual(['token-2']);
  });

  test.each([
    ['before anybody was told', 'SendEmail', 1, ['asha', 'ben']],
    ['after the first was told and noted', 'SendEmail', 2, ['asha', 'ben']],
    [
      'before the first was noted, whom nobody can know to have been told',
      'UpdateItem:told',
      1,
      ['asha', 'asha', 'ben'],
    ],
    ['after all were told', 'UpdateItem:notified', 1, ['asha', 'ben']],
  ])('where it died %s, it tells only the rest, with the same links', async (_, where, at, told) => {
    const { ask, aws } = setUp();
    let seen = 0;
    aws.world.before = (command, input) => {
      const name = JSON.stringify(input).includes(where.split(':')[1] ?? '') ? where.split(':')[0] : undefined;
      if (command === name) seen += 1;
      // What kills a process leaves no trace: neither an error that is noted, nor anything after it.
      if (command === name && seen === at && aws.world.mails.length < 9) {
        aws.world.before = () => {
          throw awsError('Died', 'died here', 500);
        };
        throw awsError('Died', 'died here', 500);
      }
    };
    await expect(ask()).rejects.toThrow('died here');
    aws.world.before = () => undefined;
    await ask('token-2');
    expect(aws.world.mails.map(({ to }) => to.split('@')[0]).sort()).toEqual(told);
    expect(new Set(aws.world.mails.map(({ to, text }) => `${to} ${linkIn(text)}`)).size).toBe(2);
  });

  test('where it died after the channel was told, the channel is not told again', async () => {
    slackIs({ WEBHOOK_URL: SLACK.webhookUrl });
    const { ask, aws, slack } = setUp();
    aws.world.before = (command, input) => {
      if (command === 'UpdateItem' && JSON.stringify(input).includes('notified'))
        throw awsError('Died', 'died here', 500);
    };
    await expect(ask()).rejects.toThrow('died here');
    aws.world.before = () => undefined;
    await ask('token-2');
    expect(slack.posted).toHaveLength(1);
  });

  test('after it was decided, nobody will use the new token, so it says that there is nothing to wait for', async () => {
    const { ask, aws, tables } = setUp();
    await ask('token-1');
    tables.add(given({ request: ID }));
    await expect(ask('token-2')).rejects.toMatchObject({ name: 'AlreadyDecidedError' });
    expect(aws.world.resumed).toEqual([]);
  });

  test('two runs at once make one request', async () => {
    const { ask, tables } = setUp();
    const [one, two] = await Promise.all([ask('a'), ask('b')]);
    expect(one).toEqual(two);
    expect(tables.kinds().filter((kind) => kind.startsWith('approval-requested'))).toHaveLength(1);
  });
});

test('without findings there is nothing to ask about', async () => {
  await expect(setUp(SETTINGS, opened()).ask()).rejects.toThrow('no findings');
});
test('without a token there is nobody to wake', async () => {
  await expect(
    run({ change: change(), generation: 1, approvalTimeoutSeconds: 60 }, setUp().services),
  ).rejects.toMatchObject({
    name: 'InvalidInputError',
    message: expect.stringContaining('taskToken'),
  });
});
