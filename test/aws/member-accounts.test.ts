import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { placesOf, sagemakerAt, servicesAt, UnknownAccountError } from '../../shared/aws/member-accounts.ts';
import { ConfigFile } from '../../shared/config.ts';
import { config } from '../builders.ts';
import { services as make } from '../fake-aws.ts';

const HOME = '111122223333';
const MEMBER = '444455556666';
const sts = mockClient(STSClient);
// Files share a process, and a mocked class would stay mocked.
afterAll(() => {
  sts.restore();
});

const services = (members: object = { accounts: [MEMBER] }) => {
  const given = config();
  return make({ config: { ...given, file: { ...given.file, members: ConfigFile.parse({ members }).members } } });
};

beforeEach(() => {
  sts.reset();
  sts.on(AssumeRoleCommand).resolves({
    Credentials: {
      AccessKeyId: 'member-key',
      SecretAccessKey: 'member-secret',
      SessionToken: 'member-session',
      Expiration: new Date('2026-11-20T11:00:00Z'),
    },
  });
});

describe('services to read an endpoint with', () => {
  test('in the own account and region are the own ones', () => {
    const own = services();
    expect(servicesAt(own, { account: HOME, region: 'us-east-1' })).toBe(own);
  });

  test('in another region of the own account go there, and assume no role', async () => {
    const there = servicesAt(services(), { account: HOME, region: 'eu-west-1' });
    for (const client of [there.sagemaker, there.cloudwatch, there.scaling, there.s3])
      expect(await client.config.region()).toBe('eu-west-1');
    expect(sts.calls()).toHaveLength(0);
  });

  test("in a member account have its read role's credentials, and share nothing that was read at home", async () => {
    const own = services({ accounts: [MEMBER], readRole: 'gate-read', externalId: 'our-gate' });
    const there = servicesAt(own, { account: MEMBER, region: 'us-east-1' });
    expect(await there.sagemaker.config.credentials()).toMatchObject({
      accessKeyId: 'member-key',
      secretAccessKey: 'member-secret',
      sessionToken: 'member-session',
    });
    expect(sts.commandCalls(AssumeRoleCommand)[0]?.args[0].input).toEqual({
      RoleArn: `arn:aws:iam::${MEMBER}:role/gate-read`,
      RoleSessionName: 'portcullis-read',
      ExternalId: 'our-gate',
    });
    expect(there.cache).not.toBe(own.cache);
    expect(there.config).toBe(own.config);
  });

  test('are made once for each account and region', () => {
    const own = services();
    const there = servicesAt(own, { account: MEMBER, region: 'us-east-1' });
    expect(servicesAt(own, { account: MEMBER, region: 'us-east-1' })).toBe(there);
    expect(servicesAt(own, { account: MEMBER, region: 'eu-west-1' })).not.toBe(there);
  });

  test('in an account that is not a member are refused by name', () => {
    expect(() => servicesAt(services(), { account: '777788889999', region: 'us-east-1' })).toThrow(UnknownAccountError);
    expect(() => servicesAt(services(), { account: '777788889999', region: 'us-east-1' })).toThrow(
      'Account 777788889999 is not in members.accounts',
    );
  });

  test('of nothing that is deployed are the own ones, whatever the account', () => {
    const own = make({ config: config({ stateMachineArn: '' }) });
    expect(servicesAt(own, { account: MEMBER, region: 'us-east-1' })).toBe(own);
  });
});

test('to ask only SageMaker about a member takes one client, with the same role', async () => {
  const own = services();
  expect(sagemakerAt(own, { account: HOME, region: 'us-east-1' })).toBe(own);
  const there = sagemakerAt(own, { account: MEMBER, region: 'us-east-1' });
  expect(await there.sagemaker.config.credentials()).toMatchObject({ accessKeyId: 'member-key' });
  expect(there).toMatchObject({ cloudwatch: own.cloudwatch });
});

test('the gate looks after every region of every account, its own first and once', () => {
  expect(placesOf(services({ accounts: [MEMBER], regions: ['us-east-1', 'eu-west-1'] }))).toEqual([
    { account: HOME, region: 'us-east-1' },
    { account: HOME, region: 'eu-west-1' },
    { account: MEMBER, region: 'us-east-1' },
    { account: MEMBER, region: 'eu-west-1' },
  ]);
});
