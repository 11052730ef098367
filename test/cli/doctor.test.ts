import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListEventBusesCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import { GetEmailIdentityCommand } from '@aws-sdk/client-sesv2';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { checksTable, exitCodeOf } from '../../cli/checks.ts';
import { archiveBucketOf, servicesFor, stackOf } from '../../cli/context.ts';
import { diagnose, RULES } from '../../cli/doctor.ts';
import { config, settings } from '../builders.ts';
import { certificate } from '../certificates.ts';
import { awsError, type FakeAws, fakeAws } from '../fake-aws.ts';
import { root } from './portcullis.ts';

const [sts, cloudtrail, events, sqs] = [
  mockClient(STSClient),
  mockClient(CloudTrailClient),
  mockClient(EventBridgeClient),
  mockClient(SQSClient),
];
const QUEUE = 'https://sqs/1/portcullis-dev-letters';
const named = (...names: string[]) =>
  names.map((name) => ({ Name: `portcullis-dev-${name}`, State: 'ENABLED' as const }));

let aws: FakeAws;
beforeEach(() => {
  aws = fakeAws({
    config: config({ policySettings: settings({ prices: { ...settings().prices, asOf: '2026-11-01' } }) }),
  });
  aws.dynamodb.on(DescribeTableCommand).resolves({ Table: { TableStatus: 'ACTIVE' } as never });
  aws.sagemaker.on(ListEndpointsCommand).resolves({ Endpoints: [] });
  aws.ses.on(GetEmailIdentityCommand).resolves({ VerifiedForSendingStatus: true });
  for (const mock of [sts, cloudtrail, events, sqs]) mock.reset();
  sts.on(GetCallerIdentityCommand).resolves({ Account: '111122223333' });
  cloudtrail
    .on(DescribeTrailsCommand)
    .resolves({ trailList: [{ Name: 'org', TrailARN: 'arn:org', IsMultiRegionTrail: true }] });
  cloudtrail.on(GetTrailStatusCommand).resolves({ IsLogging: true });
  cloudtrail.on(GetEventSelectorsCommand).resolves({ EventSelectors: [{ IncludeManagementEvents: true }] });
  events.on(ListEventBusesCommand).resolves({ EventBuses: [] });
  events.on(ListRulesCommand).resolves({ Rules: named(...RULES) });
  sqs.on(ListQueuesCommand).resolves({ QueueUrls: [QUEUE] });
  holding('0');
});
afterAll(() => {
  for (const mock of [sts, cloudtrail, events, sqs]) mock.restore();
});
const holding = (count: string) =>
  sqs.on(GetQueueAttributesCommand).resolves({
    Attributes: { ApproximateNumberOfMessages: count, ApproximateNumberOfMessagesNotVisible: '0' },
  });

const looked = async (options = {}, env = {}) => {
  const checks = await diagnose(aws.services, options, env);
  const of = (name: string) => checks.find(({ check }) => check === name);
  return { checks, of, code: exitCodeOf(checks) };
};

describe('doctor against an account', () => {
  test('finds nothing in the way of a stack that works', async () => {
    aws.services.config.file.approvals.requiredApprovalsIfRequesterUnknown = 1;
    const { checks, code } = await looked();
    expect(code).toBe(0);
    expect(checks.map(({ check, result }) => `${check}: ${result}`)).toEqual([
      'node: ok',
      'configuration: ok',
      'approvers: ok',
      'prices: ok',
      'credentials: ok',
      'sagemaker: ok',
      'table ledger: ok',
      'table approvals: ok',
      'table work: ok',
      'trail: ok',
      'rules: ok',
      'dead letters: ok',
      'mail: ok',
    ]);
    expect(checksTable(checks)).toMatch(/^trail +ok +org is logging management events$/m);
  });

  test.each<[string, string, () => unknown, RegExp]>([
    ['trail', 'no trail', () => cloudtrail.on(DescribeTrailsCommand).resolves({}), /^there is none\. Without a trail/],
    ['trail', 'a stopped trail', () => cloudtrail.on(GetTrailStatusCommand).resolves({}), /^org is not logging\./],
    ['rules', 'no rules', () => events.on(ListRulesCommand).resolves({}), /^missing: portcullis-dev-endpoint-states, /],
    [
      'rules',
      'a disabled rule',
      () => events.on(ListRulesCommand).resolves({ Rules: [...named(...RULES), { Name: 'x', State: 'DISABLED' }] }),
      /^disabled: x \(/,
    ],
    ['dead letters', 'dead letters', () => holding('3'), /^3 in portcullis-dev-letters: .*events redrive/],
    ['dead letters', 'no queue', () => sqs.on(ListQueuesCommand).resolves({}), /^there is none/],
    ['mail', 'no identity', () => aws.ses.on(GetEmailIdentityCommand).resolves({}), /^SES may not send from gate@/],
    [
      'table ledger',
      'no table',
      () =>
        aws.dynamodb.on(DescribeTableCommand, { TableName: 'ledger' }).rejects(awsError('ResourceNotFoundException')),
      /^ledger is not there\./,
    ],
    [
      'table work',
      'a table being deleted',
      () =>
        aws.dynamodb
          .on(DescribeTableCommand, { TableName: 'work' })
          .resolves({ Table: { TableStatus: 'DELETING' } as never }),
      /^work is DELETING$/,
    ],
    ['approvers', 'no approvers', () => aws.services.config.file.approvals.approvers.splice(0), /^nobody is listed/],
  ])('%s: %s is a problem, says what to do and ends with 1', async (name, _what, arrange, detail) => {
    arrange();
    const { of, code } = await looked();
    expect(of(name)).toEqual({ check: name, result: 'problem', detail: expect.stringMatching(detail) });
    expect(code).toBe(1);
  });

  const denied = awsError('AccessDeniedException', 'not you');
  test.each<[string, () => unknown, string]>([
    ['credentials', () => sts.on(GetCallerIdentityCommand).rejects(denied), 'credentials'],
    ['sagemaker', () => aws.sagemaker.on(ListEndpointsCommand).rejects(denied), 'sagemaker:ListEndpoints'],
    [
      'table ledger',
      () => aws.dynamodb.on(DescribeTableCommand, { TableName: 'ledger' }).rejects(denied),
      'dynamodb:DescribeTable',
    ],
    ['trail', () => cloudtrail.on(GetEventSelectorsCommand).rejects(denied), 'cloudtrail:GetEventSelectors'],
    ['rules', () => events.on(ListRulesCommand).rejects(denied), 'events:ListRules'],
    ['dead letters', () => sqs.on(GetQueueAttributesCommand).rejects(denied), 'sqs:GetQueueAttributes'],
    ['mail', () => aws.ses.on(GetEmailIdentityCommand).rejects(denied), 'ses:GetEmailIdentity'],
  ])('%s that AWS refuses to show could not be checked, and ends with 2', async (name, arrange, needed) => {
    arrange();
    const { of, code } = await looked();
    expect(of(name)).toEqual({
      check: name,
      result: 'could not check',
      detail: expect.stringMatching(new RegExp(`^AWS refused: AccessDeniedException: not you \\(allow .*${needed}`)),
    });
    expect(code).toBe(2);
  });

  test('a problem counts for more than what could not be checked', async () => {
    sqs.on(ListQueuesCommand).rejects(denied);
    events.on(ListRulesCommand).resolves({});
    expect((await looked()).code).toBe(1);
  });

  test('a queue that does not say how much is in it is not empty', async () => {
    sqs.on(GetQueueAttributesCommand).resolves({ Attributes: {} });
    expect((await looked()).of('dead letters')?.result).toBe('could not check');
  });

  test('a sender that is not set here could not be checked', async () => {
    aws.services.config.mailFrom = 'portcullis@localhost.localdomain';
    expect((await looked()).of('mail')).toMatchObject({
      result: 'could not check',
      detail: expect.stringMatching(/PORTCULLIS_MAIL_FROM/),
    });
  });

  test('prices are old after 90 days', async () => {
    expect((await looked()).of('prices')?.result).toBe('ok');
    aws.services.config.policySettings.prices.asOf = '2026-08-21';
    expect((await looked()).of('prices')).toMatchObject({
      result: 'warning',
      detail: expect.stringMatching(/91 days old/),
    });
  });

  test('against this machine looks at nothing that only an account has', async () => {
    const { checks } = await looked({ local: true });
    expect(checks.map(({ check }) => check)).not.toContain('trail');
    expect(cloudtrail.calls()).toHaveLength(0);
  });

  test.each([
    ['has months left', '2027-02-01T00:00:00Z', 'ok', /cert\.pem ends at 2027-02-01T00:00:00\.000Z, in \d\d days$/],
    ['ends in thirteen days', '2026-12-04T01:00:00Z', 'warning', /in 13 days: renew it \(deployment\/runbooks/],
    ['has ended', '2026-01-01T00:00:00Z', 'problem', /cert\.pem has expired on 2026-01-01/],
  ])(
    'the certificate of the console, where it is given one, is looked at: it %s',
    async (_what, to, result, detail) => {
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-doctor-'));
      const path = join(folder, 'cert.pem');
      writeFileSync(path, certificate({ to }).cert);
      const { of } = await looked({ local: true }, { PORTCULLIS_TLS_CERT_FILE: path });
      rmSync(folder, { recursive: true });
      expect(of('certificate')).toMatchObject({ result, detail: expect.stringMatching(detail) });
      expect((await looked({ local: true })).of('certificate')).toBeUndefined();
    },
  );

  const WEBHOOK = { PORTCULLIS_SLACK_WEBHOOK_URL: 'https://hooks.slack.com/x' };
  const TOKEN = { PORTCULLIS_SLACK_BOT_TOKEN_FILE: '/run/token' };
  test.each<[string, Record<string, string>, string | undefined, string]>([
    ['nothing of Slack', {}, 'C0CHANNEL', 'warning'],
    ['a token and no channel', TOKEN, undefined, 'warning'],
    ['a token in a file, and a channel', TOKEN, 'C0CHANNEL', 'ok'],
    ['a webhook', WEBHOOK, undefined, 'ok'],
  ])(
    'where mails wait for Slack, it is looked whether that is set up on this machine: %s',
    async (_what, env, channel, result) => {
      aws.services.config.file.notifications = { mails: 'unless-slack', slack: { channel, buttons: [] } };
      expect((await looked({ local: true }, env)).of('slack')?.result).toBe(result);
      expect((await looked({ stage: 'prod' }, env)).of('slack')).toBeUndefined();
      aws.services.config.file.notifications.mails = 'always';
      expect((await looked({ local: true }, env)).of('slack')).toBeUndefined();
    },
  );

  test('the stage says whose rules and queues they are', async () => {
    await looked({ stage: 'prod' });
    expect(events.commandCalls(ListRulesCommand)[0]?.args[0].input.NamePrefix).toBe('portcullis-prod-');
    expect(() => stackOf({ stage: 'Prod; x' })).toThrow('--stage is Prod; x');
  });
});

test('a stage names its tables and its archive, unless the environment does', () => {
  for (const name of ['LEDGER_TABLE', 'APPROVALS_TABLE', 'ARCHIVE_BUCKET']) vi.stubEnv(`PORTCULLIS_${name}`, undefined);
  vi.stubEnv('PORTCULLIS_WORK_TABLE', 'elsewhere');
  expect(servicesFor({ stage: 'prod' }).config.tables).toEqual({
    ledger: 'portcullis-prod-ledger',
    approvals: 'portcullis-prod-approvals',
    work: 'elsewhere',
  });
  const place = { account: '111122223333', region: 'eu-west-1' };
  expect(archiveBucketOf('portcullis-prod', place)).toBe('portcullis-prod-ledger-archive-111122223333-eu-west-1');
  vi.stubEnv('PORTCULLIS_ARCHIVE_BUCKET', 'other');
  expect(archiveBucketOf('portcullis-prod', place)).toBe('other');
  vi.unstubAllEnvs();
});

test('the rules that must be there are the rules that are deployed', () => {
  const deployed = readFileSync(`${root}/infra/events.yml`, 'utf8').matchAll(
    /Name: \$\{self:custom\.name\}-([\w-]+)$/gm,
  );
  expect([...deployed].map(([, name]) => name).toSorted()).toEqual(RULES.toSorted());
});
