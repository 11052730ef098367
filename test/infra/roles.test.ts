import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { FOLDERS } from '../../shared/aws/archive.ts';
import { remediationId } from '../../shared/aws/unfinished-remediations.ts';
import { actionsOf } from './aws-calls.ts';
import { attribute, ofType, type Resource, readTemplate, root, type Template } from './packaged.ts';

let template: Template;
beforeAll(async () => {
  template = await readTemplate('prod');
}, 180_000);

type Statement = {
  Sid?: string;
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
};
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
/** With what is there only under a condition. */
const statementsOf = (role: Resource): Statement[] =>
  role.Properties.Policies.flatMap(
    (policy: { PolicyDocument: { Statement: (Statement & { 'Fn::If'?: [string, Statement, unknown] })[] } }) =>
      policy.PolicyDocument.Statement.map((statement) => statement['Fn::If']?.[1] ?? statement),
  );
const functions = () =>
  ofType(template, 'AWS::Lambda::Function').map(([id, { Properties }]) => ({
    id: id.replace('LambdaFunction', ''),
    name: (Properties.Handler as string).slice('functions/'.length, -'.handler'.length),
    environment: Properties.Environment.Variables as Record<string, unknown>,
    role: template.Resources[Properties.Role['Fn::GetAtt'][0]] as Resource,
  }));
const roleOf = (name: string) => functions().find((each) => each.name === name)?.role as Resource;

const via = (statement: Statement) =>
  statement.Condition?.StringEquals?.['kms:ViaService'] as { 'Fn::Sub': string } | undefined;
/** What comes with the infrastructure and not with the code, and why. */
const INFRASTRUCTURE: Record<string, (statement: Statement) => boolean> = {
  'Lambda writes the log of its function': ({ Action }) =>
    list(Action).every((action) => ['logs:CreateLogStream', 'logs:PutLogEvents'].includes(action)),
  'a service encrypts for its caller, with the caller asking for nothing': (statement) =>
    via(statement) !== undefined && list(statement.Action).every((action) => action.startsWith('kms:')),
  'Lambda hands over what failed': ({ Action }) => Action === 'sqs:SendMessage',
  'Lambda polls the stream with the role of the function': ({ Sid }) => Sid === 'ReadTheStream',
};
const comesWithInfrastructure = (statement: Statement) => Object.values(INFRASTRUCTURE).some((is) => is(statement));

/** Reads whose actions have no resources, or whose resources nobody knows beforehand. */
const READS_OF_ANYTHING: Record<string, string> = {
  'application-autoscaling:DescribeScalableTargets': 'has no resources',
  'cloudwatch:DescribeAlarmHistory': 'that of composite alarms is only told with *',
  'cloudwatch:DescribeAlarms': 'composite alarms are only told with *',
  'cloudwatch:ListAlarmMuteRules': 'has no resources',
  'application-autoscaling:DescribeScheduledActions': 'has no resources',
  'pricing:GetProducts': 'has no resources',
  'sagemaker:ListEndpoints': 'has no resources',
  'sagemaker:Search': 'has no resources',
  'sagemaker:ListInferenceComponents': 'has no resources',
  'sagemaker:ListMonitoringSchedules': 'has no resources',
  's3:GetObject': 'artifacts are where people put them; artifactBuckets narrows it',
  's3:ListBucket': 'as above',
  's3:GetEncryptionConfiguration': 'as above',
};
const READ = /^(\w|-)+:(Describe|List|Get|Query|Search)/;
const SAGEMAKER_WRITES = /^sagemaker:(?!Describe|List|Search)/;

describe('every function has a role of its own', () => {
  test('that only Lambda can take and that no other function has', () => {
    const roles = functions().map(({ role }) => role.Properties.RoleName);
    expect(roles.length).toBe(16);
    expect(new Set(roles).size).toBe(16);
    for (const { name, role } of functions()) {
      expect(role.Properties.RoleName).toBe(`portcullis-prod-${name}`);
      expect(role.Properties.AssumeRolePolicyDocument.Statement).toEqual([
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ]);
      expect(role.Properties.ManagedPolicyArns).toBeUndefined();
    }
  });
  test('and there is no role besides those of the functions, the two state machines and the two schedules', () => {
    const known = [
      ...functions().map(({ id }) => `${id}Role`),
      'EndpointComplianceRole',
      'SweepScheduleRole',
      'SweepMachineRole',
      'PricesScheduleRole',
    ];
    expect(
      ofType(template, 'AWS::IAM::Role')
        .map(([id]) => id)
        .sort(),
    ).toEqual(known.sort());
    expect(ofType(template, 'AWS::IAM::Policy')).toEqual([]);
    expect(ofType(template, 'AWS::IAM::ManagedPolicy')).toEqual([]);
  });
  test.each([
    'archive-records',
    'check-policies',
    'gather-facts',
    'receive-event',
    'record-outcome',
    'refresh-prices',
    'remediate',
    'request-approval',
    'show-console',
    'sign-checkpoints',
    'sweep',
    'take-answers',
    'take-plans',
    'tell-approvers',
    'tend-requests',
    'verify-monitoring',
  ])('%s may call what its code calls, and nothing else', async (name) => {
    const granted = statementsOf(roleOf(name))
      .filter((statement) => !comesWithInfrastructure(statement))
      .flatMap(({ Action }) => list(Action));
    expect([...new Set(granted)].sort()).toEqual(await actionsOf(name));
  });
  test('the one PartiQL statement there is inserts', () => {
    const ledger = readFileSync(join(root, 'shared/aws/ledger.ts'), 'utf8');
    expect([...ledger.matchAll(/Statement: `(\w+ \w+)/g)].map(([, verb]) => verb)).toEqual(['INSERT INTO']);
  });
  test('what comes with the infrastructure is there where it is needed', () => {
    for (const { id, role } of functions()) {
      expect(statementsOf(role).filter(({ Sid }) => Sid === 'WriteLogs')).toEqual([
        expect.objectContaining({ Resource: { 'Fn::GetAtt': [`${id}LogGroup`, 'Arn'] } }),
      ]);
      const usesTables = statementsOf(role).some(({ Resource }) => JSON.stringify(Resource).includes('Table'));
      const decrypts = statementsOf(role).some((statement) => via(statement)?.['Fn::Sub'].startsWith('dynamodb.'));
      expect(decrypts, id).toBe(usesTables);
    }
    const handing = functions().filter(({ role }) =>
      statementsOf(role).some(({ Action }) => Action === 'sqs:SendMessage'),
    );
    expect(handing.map(({ name }) => name).sort()).toEqual(['archive-records', 'receive-event']);
  });
  test('and is told the names of exactly those tables, keys and machines that it may use', () => {
    for (const { name, environment, role } of functions()) {
      const resources = JSON.stringify(statementsOf(role));
      const actions = statementsOf(role).flatMap(({ Action }) => list(Action));
      const uses: Record<string, boolean> = {
        PORTCULLIS_LEDGER_TABLE: /"LedgerTable","Arn"/.test(resources),
        PORTCULLIS_APPROVALS_TABLE: resources.includes('"ApprovalsTable"'),
        PORTCULLIS_WORK_TABLE: resources.includes('"WorkTable"'),
        // It also tells which account the gate's own streams of the ledger are named for.
        PORTCULLIS_STATE_MACHINE_ARN:
          actions.includes('states:StartExecution') ||
          actions.includes('sts:AssumeRole') ||
          ['check-policies', 'record-outcome', 'refresh-prices', 'show-console'].includes(name),
        PORTCULLIS_TOKEN_KEY_ID: actions.includes('kms:Encrypt') && resources.includes('StoreTaskTokens'),
        PORTCULLIS_MAIL_FROM: actions.includes('ses:SendEmail'),
        PORTCULLIS_SECRET_ID: actions.includes('secretsmanager:GetSecretValue'),
        PORTCULLIS_ARCHIVE_BUCKET: actions.includes('s3:PutObject'),
        PORTCULLIS_CHECKPOINT_KEY_ID: actions.includes('kms:Sign'),
      };
      for (const [variable, used] of Object.entries(uses))
        expect(variable in environment, `${name} ${variable}`).toBe(used);
    }
  });
});

describe('no role', () => {
  const all = () =>
    ofType(template, 'AWS::IAM::Role').flatMap(([id, role]) =>
      statementsOf(role).map((statement) => ({ id, ...statement })),
    );
  // What AWS documents as having no resources.
  const WITHOUT_RESOURCES = ['DeliverLogs', 'SendTraces'];

  test('has a wildcard among its actions', () => {
    expect(all().length).toBeGreaterThan(40);
    expect(
      all()
        .flatMap(({ Action }) => list(Action))
        .filter((action) => action.includes('*')),
    ).toEqual([]);
  });
  test('may write to *; what may be read anywhere is listed with its reason', () => {
    for (const { id, Sid = '', Action, Resource } of all()) {
      const anywhere = list(Resource).some((one) => one === '*' || /:s3:::\*/.test(JSON.stringify(one)));
      if (!anywhere) continue;
      if (id === 'EndpointComplianceRole' && WITHOUT_RESOURCES.includes(Sid)) continue;
      for (const action of list(Action)) expect(Object.keys(READS_OF_ANYTHING), `${id} ${Sid}`).toContain(action);
    }
  });
  test('may write to a pattern of resources, except objects of our own bucket, mail from our own address, and what may have to be put back', () => {
    const wide = all().filter(
      ({ Action, Resource }) =>
        list(Action).some((action) => !READ.test(action)) &&
        list(Resource).some((one) => /\*/.test(JSON.stringify(one))),
    );
    expect(wide.map(({ id, Sid }) => `${id} ${Sid}`).sort()).toEqual([
      'ArchiveRecordsRole PutIntoArchive',
      'EndpointComplianceRole DeliverLogs',
      'EndpointComplianceRole SendTraces',
      'RemediateRole EnableAlarms',
      'RemediateRole PutBackEndpoints',
      'RemediateRole StartMonitors',
      'RequestApprovalRole AskByMail',
      'ShowConsoleRole AskByMail',
      'SignCheckpointsRole PutCheckpoints',
      'SweepMachineRole FollowItems',
      'TakeAnswersRole AskByMail',
      'TellApproversRole AskByMail',
      'TendRequestsRole AskByMail',
    ]);
    const inArchive = (folder: string) => ({ 'Fn::Sub': `\${ArchiveBucket.Arn}/${folder}/*` });
    expect(wide.find(({ Sid }) => Sid === 'PutIntoArchive')?.Resource).toEqual(
      [...Object.values(FOLDERS), 'tampering'].map(inArchive),
    );
    expect(wide.find(({ Sid }) => Sid === 'PutCheckpoints')?.Resource).toEqual(inArchive('checkpoints'));
    const mailing = wide.filter(({ Sid }) => Sid === 'AskByMail');
    expect(mailing.length).toBeGreaterThan(0);
    for (const { Condition } of mailing)
      expect(Condition).toEqual({ StringEquals: { 'ses:FromAddress': 'portcullis@example.com' } });
  });
  test('may put, update or delete items of the ledger', () => {
    const onLedger = all().filter(({ Resource }) => JSON.stringify(Resource).includes('LedgerTable'));
    expect(onLedger.length).toBeGreaterThan(7);
    for (const { Action, Sid } of onLedger) {
      const allowed = Sid === 'ReadTheStream' ? [/Stream|Records|ShardIterator/] : [/:Query$/, /:PartiQLInsert$/];
      for (const action of list(Action))
        expect(
          allowed.some((one) => one.test(action)),
          action,
        ).toBe(true);
    }
  });
  test('but that of remediate may change anything in SageMaker or CloudWatch, and it only puts back what is there', () => {
    const writing = all().filter(({ Action }) =>
      list(Action).some((action) => SAGEMAKER_WRITES.test(action) || /^cloudwatch:(?!Describe|List|Get)/.test(action)),
    );
    expect([...new Set(writing.map(({ id }) => id))]).toEqual(['RemediateRole']);
    expect(writing.flatMap(({ Action }) => list(Action)).sort()).toEqual([
      'cloudwatch:EnableAlarmActions',
      'sagemaker:StartMonitoringSchedule',
      'sagemaker:UpdateEndpoint',
      'sagemaker:UpdateEndpointWeightsAndCapacities',
    ]);
  });
  test('that may change anything in SageMaker or CloudWatch may write to people or read a secret', () => {
    const actions = all()
      .filter(({ id }) => id === 'RemediateRole')
      .flatMap(({ Action }) => list(Action));
    expect(actions).toContain('sagemaker:DescribeEndpoint');
    expect(actions.filter((action) => /^(ses|secretsmanager|states|kms:(?!Decrypt$)):?/.test(action))).toEqual([]);
  });
  test('of who puts back or tells of it reaches sessions, codes and requests: they have the items about putting back alone', () => {
    const onApprovals = all().filter(
      ({ id, Resource }) =>
        ['RemediateRole', 'TellApproversRole'].includes(id) && JSON.stringify(Resource).includes('ApprovalsTable'),
    );
    expect(onApprovals.map(({ Sid, Condition }) => [Sid, Condition])).toEqual(
      ['NoteUnfinished', 'WhoWasTold'].map((Sid) => [
        Sid,
        { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['remediation-*'] } },
      ]),
    );
    const ref = { account: '111122223333', region: 'us-east-1', name: 'fraud-prod' };
    expect(remediationId(ref, 2)).toMatch(/^remediation-/);
  });
  test('may do even that in a stage that has remediation switched off', () => {
    const statements = template.Resources.RemediateRole?.Properties.Policies[0].PolicyDocument.Statement as {
      'Fn::If'?: [string, Statement];
    }[];
    const conditional = statements.flatMap((each) =>
      each['Fn::If']?.[0] === 'PutsBack' ? [each['Fn::If'][1].Sid] : [],
    );
    expect(conditional).toEqual(['PutBackEndpoints', 'StartMonitors', 'EnableAlarms']);
    expect(template.Conditions.PutsBack).toEqual({ 'Fn::Equals': ['on', 'off'] });
    const { Environment } = template.Resources.RemediateLambdaFunction?.Properties ?? {};
    expect(Environment.Variables.PORTCULLIS_REMEDIATION).toBe('off');
  });
  test('but that of sign-checkpoints may sign, and the key lets nobody else, whatever their role says', () => {
    const signers = all().filter(({ Action }) => list(Action).includes('kms:Sign'));
    expect(signers.map(({ id }) => id)).toEqual(['SignCheckpointsRole']);
    const { KeySpec, KeyUsage, KeyPolicy } = template.Resources.CheckpointKey?.Properties ?? {};
    expect({ KeySpec, KeyUsage }).toEqual({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    expect(KeyPolicy.Statement.find(({ Effect }: Statement) => Effect === 'Deny')).toEqual({
      Sid: 'NobodyElseSigns',
      Effect: 'Deny',
      Principal: '*',
      Action: 'kms:Sign',
      Resource: '*',
      Condition: {
        ArnNotEquals: {
          'aws:PrincipalArn': {
            'Fn::Sub': `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/portcullis-prod-sign-checkpoints`,
          },
        },
      },
    });
  });
  test('but those of who decides and who makes up for it may send a callback, and none may fail a task', () => {
    const senders = all().filter(({ Action }) => list(Action).some((action) => action.startsWith('states:SendTask')));
    expect(senders.map(({ id }) => id).sort()).toEqual(['TakeAnswersRole', 'TendRequestsRole']);
    for (const { Action } of senders) expect(Action).toBe('states:SendTaskSuccess');
  });
  test('but those of tasks, of who starts executions and of who takes answers or plans may append to the ledger: pages are shown by one that cannot', () => {
    const appending = all().filter(({ Action }) => list(Action).includes('dynamodb:PartiQLInsert'));
    expect(appending.length).toBeGreaterThan(5);
    expect(appending.map(({ id }) => id)).not.toContain('ShowConsoleRole');
    const shows = all().filter(({ id }) => id === 'ShowConsoleRole');
    expect(shows.flatMap(({ Action }) => list(Action)).filter((action) => /^states:/.test(action))).toEqual([]);
  });
  test('may both store and read task tokens', () => {
    const onTokens = all().filter(({ Resource }) => attribute(Resource as never) === 'TokenKey.Arn');
    expect(Object.fromEntries(onTokens.map(({ id, Action }) => [id, Action]))).toEqual({
      TakeAnswersRole: 'kms:Decrypt',
      TendRequestsRole: 'kms:Decrypt',
      RequestApprovalRole: 'kms:Encrypt',
    });
  });
});

describe('the role for reading a member account', () => {
  const text = readFileSync(join(root, 'infra/member-account.yml'), 'utf8');
  const tag = (name: string, long: string) => ({ tag: `!${name}`, resolve: (value: string) => ({ [long]: value }) });
  const member = parse(text, {
    logLevel: 'silent',
    customTags: [tag('Sub', 'Fn::Sub'), tag('Ref', 'Ref'), tag('GetAtt', 'Fn::GetAtt')],
  }) as Template;
  const reads = () => statementsOf(member.Resources.ReadRole as Resource).flatMap(({ Action }) => list(Action));

  const readers = () =>
    functions().filter(({ role }) => statementsOf(role).some(({ Action }) => Action === 'sts:AssumeRole'));

  test('holds what those functions that take it read in their own account', () => {
    const own = readers()
      .flatMap(({ role }) => statementsOf(role))
      .flatMap(({ Action }) => list(Action))
      .filter((action) => /^(sagemaker|cloudwatch|application-autoscaling|s3):/.test(action) && READ.test(action));
    expect(reads().sort()).toEqual([...new Set(own)].sort());
    for (const action of reads()) expect(action).toMatch(READ);
  });
  test('can be taken by these functions, and by nobody else', () => {
    const [statement] = member.Resources.ReadRole?.Properties.AssumeRolePolicyDocument.Statement ?? [];
    const names = JSON.stringify(statement.Condition.ArnEquals).match(/role\/\$\{GateName\}-[\w-]+/g) ?? [];
    expect(names.map((name) => name.split('}-')[1]).sort()).toEqual(
      readers()
        .map(({ name }) => name)
        .sort(),
    );
    expect(names.length).toBe(5);
  });
});
