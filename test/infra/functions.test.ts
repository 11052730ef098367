import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ofType, type Resource, readTemplate, root, type Template } from './packaged.ts';

let dev: Template;
let prod: Template;
beforeAll(async () => {
  [dev, prod] = await Promise.all([readTemplate('dev'), readTemplate('prod')]);
}, 180_000);

const functions = (template: Template): [string, Resource['Properties']][] =>
  ofType(template, 'AWS::Lambda::Function').map(([id, { Properties }]) => [
    id.replace('LambdaFunction', ''),
    Properties,
  ]);
const kebab = (id: string) => id.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

describe('functions', () => {
  test('are the files of functions/, each under its own name', () => {
    const files = readdirSync(join(root, 'functions')).filter((name) => name.endsWith('.ts'));
    const handlers = functions(prod).map(([id, { Handler, FunctionName }]) => {
      expect(Handler).toBe(`functions/${kebab(id)}.handler`);
      expect(FunctionName).toBe(`portcullis-prod-${kebab(id)}`);
      return `${kebab(id)}.ts`;
    });
    expect(handlers.sort()).toEqual(files.sort());
  });
  test('run Node 24 on arm64, with a memory and a timeout of their own choosing', () => {
    for (const [id, { Runtime, Architectures, MemorySize, Timeout }] of functions(prod)) {
      expect({ Runtime, Architectures, MemorySize }, id).toEqual({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        MemorySize: 512,
      });
      expect(Timeout, id).toBeGreaterThan(10);
      expect(Timeout, id).toBeLessThanOrEqual(300);
    }
  });
  test('that are tasks end before their state gives up on them', () => {
    const machine = JSON.parse(readFileSync(join(root, 'statemachines/endpoint-compliance.asl.json'), 'utf8')) as {
      States: Record<string, { Resource?: string; TimeoutSeconds?: number }>;
    };
    const limits = Object.values(machine.States).flatMap(({ Resource = '', TimeoutSeconds }) => {
      const name = /^\$\{(\w+)\}$/.exec(Resource)?.[1];
      // Waking one request takes a moment; the rest of what it does is not this machine's.
      return name && TimeoutSeconds && name !== 'TendRequests' ? [[name, TimeoutSeconds] as const] : [];
    });
    expect(limits.length).toBe(7);
    const timeouts = new Map(functions(prod).map(([id, { Timeout }]) => [id, Timeout]));
    for (const [name, limit] of limits) expect(timeouts.get(name), name).toBeLessThan(limit);
  });
  test('where a flood would hurt have concurrency of their own', () => {
    const reserved = functions(prod).filter(([, { ReservedConcurrentExecutions }]) => ReservedConcurrentExecutions);
    expect(reserved.map(([id, { ReservedConcurrentExecutions }]) => [id, ReservedConcurrentExecutions])).toEqual([
      ['ReceiveEvent', 20],
      ['ShowConsole', 20],
      ['TakeAnswers', 20],
      ['TakePlans', 20],
    ]);
  });
  test('read the settings that are packaged beside them', () => {
    for (const [id, { Environment }] of functions(prod)) {
      expect(Environment.Variables, id).toMatchObject({
        PORTCULLIS_STAGE: 'prod',
        PORTCULLIS_SETTINGS: 'build/prod/portcullis.settings.json',
      });
    }
  });
  test('have no secret in their environment', () => {
    for (const [id, { Environment }] of functions(prod))
      for (const name of Object.keys(Environment.Variables)) expect(name, id).toMatch(/^PORTCULLIS_[A-Z_]+$/);
  });
  test('called by an event give up only after two more tries, into a queue', () => {
    const config = prod.Resources.ReceiveEventLambdaEvConf?.Properties;
    expect(config).toMatchObject({
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['ReceiveEventFailures', 'Arn'] } } },
    });
  });
});

describe('log groups', () => {
  test.each([
    ['dev', 90],
    ['prod', 365],
  ] as const)('of %s keep what they hold for %i days, encrypted with our key', (stage, days) => {
    const template = stage === 'dev' ? dev : prod;
    const groups = ofType(template, 'AWS::Logs::LogGroup');
    for (const [id, { Properties }] of groups) {
      expect(Properties, id).toMatchObject({
        RetentionInDays: days,
        KmsKeyId: { 'Fn::GetAtt': ['DataKey', 'Arn'] },
      });
    }
    expect(groups.map(([, { Properties }]) => Properties.LogGroupName).sort()).toEqual(
      [
        ...functions(template).map(([, { FunctionName }]) => `/aws/lambda/${FunctionName}`),
        `/aws/http-api/portcullis-${stage}`,
        `/aws/vendedlogs/states/portcullis-${stage}-endpoint-compliance`,
      ].sort(),
    );
  });
  test('are those that the key lets CloudWatch Logs use it for', () => {
    const statement = dev.Resources.DataKey?.Properties.KeyPolicy.Statement.find(
      ({ Sid }: { Sid: string }) => Sid === 'LogsOfOurs',
    );
    const pattern: string = statement.Condition.ArnLike['kms:EncryptionContext:aws:logs:arn']['Fn::Sub'];
    expect(pattern.endsWith(':log-group:/*/portcullis-dev*')).toBe(true);
    for (const [, { Properties }] of ofType(dev, 'AWS::Logs::LogGroup'))
      expect(Properties.LogGroupName).toMatch(/^\/.+\/portcullis-dev/);
  });
});
