import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigFile } from '../../shared/config.ts';
import { arn, ofType, type Resource, readTemplate, root, type Template } from './packaged.ts';

let template: Template;
let machine: Resource['Properties'];
beforeAll(async () => {
  template = await readTemplate('prod');
  machine = template.Resources.EndpointCompliance?.Properties ?? {};
}, 180_000);
const source = readFileSync(join(root, 'statemachines/endpoint-compliance.asl.json'), 'utf8');
const placeholders = [...new Set([...source.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name))].sort();
const ARN = arn('states', 'stateMachine:portcullis-prod-endpoint-compliance');

describe('the state machine', () => {
  test('is the definition of statemachines/, word for word', () => {
    expect(JSON.parse(machine.DefinitionString)).toEqual(JSON.parse(source));
    expect(ofType(template, 'AWS::StepFunctions::StateMachine').map(([id]) => id)).toEqual([
      'EndpointCompliance',
      'SweepMachine',
    ]);
  });
  test('has every placeholder replaced by the function of that name', () => {
    expect(placeholders.length).toBeGreaterThan(4);
    expect(machine.DefinitionSubstitutions).toEqual(
      Object.fromEntries(placeholders.map((name) => [name, { 'Fn::GetAtt': [`${name}LambdaFunction`, 'Arn'] }])),
    );
  });
  test('is a Standard one, traced, logged without what executions carry, encrypted with our key', () => {
    expect(machine).toMatchObject({
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: {
        Level: 'ALL',
        IncludeExecutionData: false,
        Destinations: [
          { CloudWatchLogsLogGroup: { LogGroupArn: { 'Fn::GetAtt': ['EndpointComplianceLogGroup', 'Arn'] } } },
        ],
      },
      EncryptionConfiguration: { Type: 'CUSTOMER_MANAGED_KMS_KEY', KmsKeyId: { 'Fn::Sub': `\${DataKey.Arn}` } },
    });
  });
  test('has the ARN that is given to functions, rules and keys before it exists', () => {
    expect(machine.StateMachineName).toBe('portcullis-prod-endpoint-compliance');
    const told = ['ReceiveEvent', 'Sweep', 'VerifyMonitoring'].map(
      (name) =>
        template.Resources[`${name}LambdaFunction`]?.Properties.Environment.Variables.PORTCULLIS_STATE_MACHINE_ARN,
    );
    expect(told).toEqual([ARN, ARN, ARN]);
  });
  test('outlives the longest wait for approval that can be set', () => {
    const { TimeoutSeconds } = JSON.parse(source) as { TimeoutSeconds: number };
    const most = 500;
    expect(ConfigFile.safeParse({ approvals: { timeoutHours: most } }).success).toBe(true);
    expect(ConfigFile.safeParse({ approvals: { timeoutHours: most + 1 } }).success).toBe(false);
    // What verifying may wait for besides: a deployment of nine hours and monitors of a day and a quarter.
    expect(TimeoutSeconds).toBeGreaterThan((most + 9 + 30) * 3_600);
  });
});

describe('the role of the state machine', () => {
  const role = () => template.Resources.EndpointComplianceRole?.Properties ?? {};
  const statements = () =>
    Object.fromEntries(
      role().Policies[0].PolicyDocument.Statement.map(({ Sid, ...rest }: { Sid: string }) => [Sid, rest]),
    );

  test('can be taken by this machine only', () => {
    expect(machine.RoleArn).toEqual({ 'Fn::GetAtt': ['EndpointComplianceRole', 'Arn'] });
    expect(role().AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'states.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { ArnEquals: { 'aws:SourceArn': ARN } },
      },
    ]);
  });
  test('may invoke the functions that the definition names, and nothing else', () => {
    const { InvokeTheTasks } = statements();
    expect(InvokeTheTasks.Action).toBe('lambda:InvokeFunction');
    expect(
      InvokeTheTasks.Resource.map((one: { 'Fn::GetAtt': string[] }) => one['Fn::GetAtt'].join('.')).sort(),
    ).toEqual(placeholders.map((name) => `${name}LambdaFunction.Arn`));
    expect(Object.keys(statements()).sort()).toEqual([
      'DeliverLogs',
      'EncryptExecutions',
      'EncryptLogsOnTheirWay',
      'InvokeTheTasks',
      'SendTraces',
    ]);
  });
  test('may use the key for its own executions and for logs', () => {
    expect(statements().EncryptExecutions.Condition).toEqual({
      StringEquals: { 'kms:EncryptionContext:aws:states:stateMachineArn': ARN },
    });
    expect(statements().EncryptLogsOnTheirWay.Condition).toEqual({
      StringEquals: { 'kms:EncryptionContext:SourceArn': arn('logs', '*') },
    });
  });
});

describe('the state machine of the sweep', () => {
  const text = readFileSync(join(root, 'statemachines/sweep.asl.json'), 'utf8');
  const sweep = JSON.parse(text) as { States: Record<string, Record<string, unknown>>; TimeoutSeconds: number };
  const places = sweep.States.SweepPlaces as {
    Type: string;
    MaxConcurrency: number;
    ItemProcessor: { ProcessorConfig: object; States: Record<string, { TimeoutSeconds: number; Parameters: object }> };
  };
  const MACHINE = arn('states', 'stateMachine:portcullis-prod-sweep');

  test('is the definition of statemachines/, word for word, and calls the two functions that sweep', () => {
    const { DefinitionString, DefinitionSubstitutions, StateMachineName, StateMachineType } =
      template.Resources.SweepMachine?.Properties ?? {};
    expect(JSON.parse(DefinitionString)).toEqual(sweep);
    expect([...new Set(text.match(/\$\{\w+\}/g))]).toEqual([`\${Sweep}`, `\${TendRequests}`]);
    expect(DefinitionSubstitutions).toEqual({
      Sweep: { 'Fn::GetAtt': ['SweepLambdaFunction', 'Arn'] },
      TendRequests: { 'Fn::GetAtt': ['TendRequestsLambdaFunction', 'Arn'] },
    });
    expect({ StateMachineName, StateMachineType }).toEqual({
      StateMachineName: 'portcullis-prod-sweep',
      StateMachineType: 'STANDARD',
    });
  });
  test('sweeps places side by side in a distributed map, and goes on where one of them fails', () => {
    expect(places).toMatchObject({
      Type: 'Map',
      ItemsPath: '$.places',
      ToleratedFailurePercentage: 100,
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
      Next: 'FinishWhatIsLeft',
    });
  });
  test('gives the functions longer than they may take', () => {
    const timeoutOf = (name: string) => template.Resources[`${name}LambdaFunction`]?.Properties.Timeout as number;
    const { SweepPlace } = places.ItemProcessor.States;
    expect(Number(SweepPlace?.TimeoutSeconds)).toBeGreaterThan(timeoutOf('Sweep'));
    expect(Number(sweep.States.FinishWhatIsLeft?.TimeoutSeconds)).toBeGreaterThan(timeoutOf('TendRequests'));
    expect(sweep.TimeoutSeconds).toBeGreaterThan(timeoutOf('Sweep') * 2 + timeoutOf('TendRequests'));
  });
  test('may call the functions that sweep and start its own items, and nothing else', () => {
    const { AssumeRolePolicyDocument, Policies } = template.Resources.SweepMachineRole?.Properties ?? {};
    expect(AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'states.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { ArnEquals: { 'aws:SourceArn': MACHINE } },
      },
    ]);
    expect(
      Policies[0].PolicyDocument.Statement.map(({ Action, Resource }: Resource['Properties']) => ({
        Action,
        Resource,
      })),
    ).toEqual([
      {
        Action: 'lambda:InvokeFunction',
        Resource: ['Sweep', 'TendRequests'].map((name) => ({ 'Fn::GetAtt': [`${name}LambdaFunction`, 'Arn'] })),
      },
      { Action: 'states:StartExecution', Resource: MACHINE },
      {
        Action: ['states:DescribeExecution', 'states:StopExecution'],
        Resource: arn('states', 'execution:portcullis-prod-sweep/*'),
      },
    ]);
  });
});
