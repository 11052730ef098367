import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { run as tendRequests } from '../../functions/tend-requests.ts';
import { run as verifyMonitoring } from '../../functions/verify-monitoring.ts';
import { decide, listOpenReviews, readRequest } from '../../shared/aws/approvals.ts';
import { listExpiryNotices } from '../../shared/aws/expiry-notices.ts';
import type { Metric } from '../../shared/aws/services.ts';
import { ConfigFile } from '../../shared/config.ts';
import { approver, change, config, findings, given, later, opened, person, REQUEST, requested } from '../builders.ts';
import { awsError, fakeAws, sealed } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';
import { fakeSlack, REFUSALS, SLACK } from '../fake-slack.ts';
import { requestItem } from '../web/web-builders.ts';

const HOUR = 3_600;
const PERSONAL = { asha: { S: 'personal-of-asha' } };
const ESCALATION = { groups: { leads: ['chen'] }, escalation: { afterHours: 6, group: 'leads' } };

/** A request of prod that has been waiting since now, made by mallory. */
function setUp(approvals: Record<string, unknown> = {}, notifications: Record<string, unknown> = {}) {
  const measured: Metric[] = [];
  const slack = fakeSlack();
  const approvers = ['asha', 'ben', 'chen'].map((id) => approver(id));
  const file = ConfigFile.parse({ approvals: { approvers, ...approvals }, notifications });
  const aws = fakeAws({
    config: config({ file }),
    fetchPinned: slack.fetch,
    measure: (metric) => measured.push(metric),
  });
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person('mallory') }, findings(), requested());
  tables.approvals.set(REQUEST, requestItem({ personal: { M: PERSONAL }, token: sealed('token-1', REQUEST) }));
  aws.world.endpoint = undefined;
  const sweepAt = async (hours: number) => {
    aws.clock.now = later(hours * HOUR);
    return (await tendRequests({}, aws.services)).told;
  };
  const mails = () => aws.world.mails.map(({ to, subject }) => `${to.split('@')[0]}: ${subject.split(':')[0]}`);
  return { aws, tables, slack, measured, sweepAt, mails, services: aws.services };
}
afterEach(() => vi.unstubAllEnvs());

describe('who has not answered', () => {
  test('is reminded every four hours, three times, however often it is swept', async () => {
    const { sweepAt, mails } = setUp();
    const told: number[] = [];
    for (let hours = 0.25; hours < 24; hours += 0.25) told.push(await sweepAt(hours));
    expect(told.reduce((a, b) => a + b)).toBe(3);
    expect(mails()).toEqual(Array.from({ length: 3 }, () => ['asha: Still waiting', 'ben: Still waiting']).flat());
  });
  test('is reminded by their own link', async () => {
    const { aws, sweepAt } = setUp();
    await sweepAt(4);
    expect(aws.world.mails[0]?.text).toContain(`/approvals/${REQUEST}?to=personal-of-asha`);
    expect(aws.world.mails[1]?.text).toMatch(new RegExp(`/approvals/${REQUEST}\\s`));
  });
  test('is not reminded after they have answered', async () => {
    const { sweepAt, mails, tables } = setUp({ requiredApprovals: 2 });
    tables.add(given({ decides: false }));
    await sweepAt(4);
    expect(mails()).toEqual(['ben: Still waiting']);
  });
  test('is not made up for with all that was missed, where nothing swept for a while', async () => {
    const { sweepAt, mails } = setUp();
    expect([await sweepAt(13), await sweepAt(13.25)]).toEqual([1, 0]);
    expect(mails()).toHaveLength(2);
  });
  test('hears of it in the channel too, once', async () => {
    vi.stubEnv('PORTCULLIS_SLACK_WEBHOOK_URL', SLACK.webhookUrl);
    const { sweepAt, slack } = setUp();
    await sweepAt(4);
    await sweepAt(4.25);
    expect(slack.posted.map(({ body }) => body.text)).toEqual(['Still waiting: approve fraud-prod (prod)?']);
  });
});

test('each round is mailed or not by itself, where only what Slack does not take is mailed', async () => {
  vi.stubEnv('PORTCULLIS_SLACK_WEBHOOK_URL', SLACK.webhookUrl);
  const { sweepAt, mails, slack } = setUp({ ...ESCALATION, reminderHours: 4 }, { mails: 'unless-slack' });
  expect([await sweepAt(4), slack.posted.length, mails()]).toEqual([1, 1, []]);
  slack.next.push(REFUSALS.noService);
  expect([await sweepAt(6), slack.posted.length, mails()]).toEqual([1, 1, ['chen: Nobody has answered']]);
  expect([await sweepAt(8), slack.posted.length, mails().length]).toEqual([1, 2, 1]);
});

describe('the second group', () => {
  test('is told once, when its time has come, and it is put on record whom that was', async () => {
    const { sweepAt, mails, tables } = setUp({ ...ESCALATION, reminderHours: 0 });
    expect([await sweepAt(5.75), await sweepAt(6), await sweepAt(6.25), await sweepAt(20)]).toEqual([0, 1, 0, 0]);
    expect(mails()).toEqual(['chen: Nobody has answered']);
    expect(tables.records().at(-1)).toMatchObject({
      id: `escalated#${REQUEST}`,
      actor: { kind: 'gate' },
      body: {
        kind: 'commented',
        person: 'portcullis',
        text: 'Nobody has decided for 6 hours, so leads is told too: chen.',
      },
    });
  });
  test('may then decide', async () => {
    const { sweepAt, services } = setUp(ESCALATION);
    await sweepAt(6);
    const answer = { request: REQUEST, person: 'chen', via: 'page', answer: 'approved', reason: 'ok' } as const;
    expect(await decide(services, { ...answer, digest: opened().digest })).toMatchObject({
      reply: 'recorded',
      final: { approvers: ['chen'] },
    });
  });
});

describe('of several sweeps at once', () => {
  test('one tells, and nobody gets anything twice', async () => {
    const { aws, mails, services, tables } = setUp(ESCALATION);
    aws.clock.now = later(6 * HOUR);
    await Promise.all(Array.from({ length: 5 }, () => tendRequests({}, services)));
    expect(mails().sort()).toEqual(['asha: Still waiting', 'ben: Still waiting', 'chen: Nobody has answered']);
    expect(tables.kinds().filter((kind) => kind.startsWith('commented'))).toHaveLength(1);
  });
  test('one that died in the middle is made up for a quarter of an hour later, with the rest only', async () => {
    const { aws, sweepAt, mails } = setUp();
    aws.world.before = (command) => {
      if (command !== 'SendEmail' || aws.world.mails.length === 0) return;
      // What kills a process leaves no trace: no error is noted, and nothing comes after it.
      aws.world.before = () => {
        throw awsError('Died', 'died here', 500);
      };
      throw awsError('Died', 'died here', 500);
    };
    await expect(sweepAt(4)).rejects.toThrow('could not be looked at');
    expect(mails()).toEqual(['asha: Still waiting']);
    aws.world.before = () => undefined;
    expect(await sweepAt(4.1)).toBe(0);
    expect(await sweepAt(4.25)).toBe(1);
    expect(mails()).toEqual(['asha: Still waiting', 'ben: Still waiting']);
  });
});

test('a reminder that does not get through is noted, counted and not tried again; the wait goes on', async () => {
  vi.stubEnv('PORTCULLIS_SLACK_WEBHOOK_URL', SLACK.webhookUrl);
  const { aws, slack, sweepAt, services, measured } = setUp();
  aws.ses.on(SendEmailCommand).rejects(awsError('MessageRejected'));
  slack.next.push(REFUSALS.noService);
  expect([await sweepAt(4), await sweepAt(4.25)]).toEqual([1, 0]);
  expect(await readRequest(services, REQUEST)).toMatchObject({
    notifyErrors: ['asha: MessageRejected', 'ben: MessageRejected', 'slack: no_service'],
    hasToken: true,
  });
  expect(measured).toContainEqual({ name: 'NotificationFailures', unit: 'Count', value: 3 });
});

test('a request that expires is told of to those who were asked, once', async () => {
  const { aws, sweepAt, mails, services } = setUp({ reminderHours: 0 });
  aws.clock.now = later(24 * HOUR);
  await verifyMonitoring(
    { change: change(), generation: 1, approvalTimeoutSeconds: 24 * HOUR, timedOut: {} },
    services,
  );
  expect(await listExpiryNotices(services)).toHaveLength(1);
  expect([await sweepAt(24.25), await sweepAt(24.5)]).toEqual([1, 0]);
  expect(mails()).toEqual(['asha: Expired', 'ben: Expired']);
  expect(await listExpiryNotices(services)).toEqual([]);
});

test('an approval by broken glass is told of to every approver, once, and stays listed until it is reviewed', async () => {
  const { sweepAt, mails, services } = setUp({ groups: { oncall: ['ben'] }, breakGlassGroup: 'oncall' });
  const answer = { request: REQUEST, person: 'ben', via: 'cli', answer: 'approved', reason: 'prod is down' } as const;
  expect(await decide(services, { ...answer, digest: opened().digest, breakGlass: true })).toMatchObject({
    final: { approvers: ['ben'] },
  });
  expect([await sweepAt(0.25), await sweepAt(0.5)]).toEqual([1, 0]);
  expect(mails()).toEqual(['asha', 'ben', 'chen'].map((id) => `${id}: Approved in an emergency`));
  expect(await listOpenReviews(services)).toHaveLength(1);
});
