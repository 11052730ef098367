import { PutScheduledActionCommand } from '@aws-sdk/client-application-auto-scaling';
import { DeleteAlarmsCommand, DisableAlarmActionsCommand } from '@aws-sdk/client-cloudwatch';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  AddTagsCommand,
  DeleteEndpointCommand,
  DescribeEndpointCommand,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { describe, expect, test } from 'vitest';
import { createServices } from '../../shared/aws/all-services.ts';
import { servicesAt } from '../../shared/aws/member-accounts.ts';
import { READS } from '../../shared/aws/read-only.ts';
import { config, endpoint } from '../builders.ts';

/** Where nothing listens, so that what is not refused before it is sent fails otherwise. */
const ownServices = { endpoint: 'http://127.0.0.1:9', accessKeyId: 'gate' };
const watching = () => createServices(config({ ownServices, region: 'us-east-1' }));
const name = { EndpointName: 'fraud-prod' };
type Sending = { send: (command: object) => Promise<unknown> };
const sent = (client: object, command: object) => (client as Sending).send(command);

describe('where an account is only watched', () => {
  const { sagemaker, cloudwatch, scaling, s3, sts } = watching();
  const elsewhere = servicesAt(watching(), { ...endpoint, region: 'eu-west-1' });

  test.each<[string, object, object]>([
    ['UpdateEndpoint', sagemaker, new UpdateEndpointCommand({ ...name, EndpointConfigName: 'cfg' })],
    ['DeleteEndpoint', sagemaker, new DeleteEndpointCommand(name)],
    ['DeleteEndpoint', elsewhere.sagemaker, new DeleteEndpointCommand(name)],
    ['AddTags', sagemaker, new AddTagsCommand({ ResourceArn: 'arn', Tags: [] })],
    ['DeleteAlarms', cloudwatch, new DeleteAlarmsCommand({ AlarmNames: ['a'] })],
    ['DisableAlarmActions', elsewhere.cloudwatch, new DisableAlarmActionsCommand({ AlarmNames: ['a'] })],
    ['PutScheduledAction', scaling, new PutScheduledActionCommand({} as never)],
    ['PutObject', s3, new PutObjectCommand({ Bucket: 'b', Key: 'k' })],
    ['DeleteObject', elsewhere.s3, new DeleteObjectCommand({ Bucket: 'b', Key: 'k' })],
    // Nor are artifacts read: what is in them is nobody's business here.
    ['GetObject', s3, new GetObjectCommand({ Bucket: 'b', Key: 'k' })],
    ['AssumeRole', sts, new AssumeRoleCommand({ RoleArn: 'arn', RoleSessionName: 's' })],
  ])('%s is refused before it is sent', async (command, client, call) => {
    await expect(sent(client, call)).rejects.toMatchObject({
      name: 'NotAReadError',
      message: expect.stringContaining(`${command} was not sent`),
    });
  });

  test('every read that is let through is one by its name', () => {
    expect(READS.size).toBeGreaterThan(20);
    for (const read of READS)
      expect(read).toMatch(
        /^(Describe|List|Head|Search)|^Get(AlarmMuteRule|BucketEncryption|CallerIdentity|Products)$/,
      );
  });
  test('a read goes out', async () => {
    const services = createServices(config({ ownServices, region: 'us-east-1' }));
    const client = services.sagemaker as unknown as { config: { requestHandler: { handle: () => Promise<never> } } };
    client.config.requestHandler.handle = () =>
      Promise.reject(Object.assign(new Error('on the wire'), { name: 'Wire' }));
    const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 'b' });
    (services.sagemaker.config as { credentials: unknown }).credentials = credentials;
    await expect(services.sagemaker.send(new DescribeEndpointCommand(name))).rejects.toThrow('on the wire');
  });

  test("the gate's own services are asked on this machine, with no credentials of the account", async () => {
    const { dynamodb, sfn, kms, ses, secrets } = watching();
    for (const client of [dynamodb, sfn, kms, ses, secrets]) {
      const where = await (client.config as { endpoint?: () => Promise<{ hostname: string }> }).endpoint?.();
      expect(where?.hostname).toBe('127.0.0.1');
      expect((await client.config.credentials()).accessKeyId).toBe('gate');
    }
  });
});

test('otherwise clients are as they are', () => {
  const { sagemaker } = createServices(config());
  expect(sagemaker.middlewareStack.identify().join()).not.toContain('portcullisReadOnly');
  expect(watching().sagemaker.middlewareStack.identify().join()).toContain('portcullisReadOnly');
});
