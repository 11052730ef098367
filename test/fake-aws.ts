import {
  DescribeScalableTargetsCommand,
  DescribeScheduledActionsCommand,
  type ScalableTarget,
  type ScheduledAction,
} from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeAlarmHistoryCommand,
  type DescribeAlarmHistoryCommandInput,
  DescribeAlarmsCommand,
  type DescribeAlarmsCommandInput,
  type DescribeAlarmsOutput,
  GetAlarmMuteRuleCommand,
  ListAlarmMuteRulesCommand,
} from '@aws-sdk/client-cloudwatch';
import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import {
  GetBucketEncryptionCommand,
  type GetBucketEncryptionCommandOutput,
  HeadObjectCommand,
  type HeadObjectOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import {
  DescribeDataQualityJobDefinitionCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  type DescribeEndpointConfigOutput,
  type DescribeEndpointOutput,
  DescribeInferenceComponentCommand,
  type DescribeInferenceComponentOutput,
  DescribeModelBiasJobDefinitionCommand,
  DescribeModelCommand,
  DescribeModelExplainabilityJobDefinitionCommand,
  type DescribeModelOutput,
  DescribeModelPackageCommand,
  type DescribeModelPackageOutput,
  DescribeModelQualityJobDefinitionCommand,
  DescribeMonitoringScheduleCommand,
  type DescribeMonitoringScheduleCommandOutput,
  type EndpointSummary,
  ListEndpointsCommand,
  ListInferenceComponentsCommand,
  ListMonitoringSchedulesCommand,
  ListTagsCommand,
  type MonitoringScheduleSummary,
  SearchCommand,
} from '@aws-sdk/client-sagemaker';
import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import { DescribeExecutionCommand, SendTaskSuccessCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { createServices } from '../shared/aws/all-services.ts';
import type { Services } from '../shared/aws/services.ts';
import { config, later, NOW } from './builders.ts';

/** An error as the SDK throws it. */
export function awsError(name: string, message = name, status = 400): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
}

/** A task token as the approvals table keeps it, as the fake KMS below encrypts it. */
export const sealed = (token: string, request: string) => ({
  B: new Uint8Array(Buffer.from(JSON.stringify([Buffer.from(token).toString('base64'), { request }]))),
});

function counter(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return String(count);
  };
}

/** Real clients (to be mocked), a clock that stands still, and ids that count. */
export function services(overrides: Partial<Services> = {}): Services {
  const [id, code] = [counter(), counter()];
  return createServices(overrides.config ?? config(), {
    now: () => NOW,
    wait: async () => undefined,
    newId: () => `request${id().padStart(19, '0')}`,
    newCode: () => `C0DE0-${code().padStart(5, '0')}`,
    ...overrides,
  });
}

/** What is in AWS; tests change it before they read. The perfect one holds the endpoint of builders.ts. */
export type World = {
  endpoint: Partial<DescribeEndpointOutput> | undefined;
  /** Endpoints in the list; without it the one above. Every one of them is described as that one is. */
  listed?: Partial<EndpointSummary>[];
  /** Endpoints as Search shows them, where it is behind; without it those in the list. */
  searched?: Partial<EndpointSummary>[];
  configs: Record<string, Partial<DescribeEndpointConfigOutput>>;
  models: Record<string, Partial<DescribeModelOutput>>;
  packages: Record<string, Partial<DescribeModelPackageOutput>>;
  components: Record<string, Partial<DescribeInferenceComponentOutput>>;
  tags: { Key: string; Value: string }[];
  schedules: Partial<MonitoringScheduleSummary>[];
  /** What DescribeMonitoringSchedule says of them, by name. */
  described: Record<string, Partial<DescribeMonitoringScheduleCommandOutput>>;
  /** Job definitions by name, in any of the four shapes. */
  definitions: Record<string, object>;
  alarms: Pick<DescribeAlarmsOutput, 'MetricAlarms' | 'CompositeAlarms' | 'LogAlarms'>;
  /** Changes of state by the alarm's name, oldest first; an Error where they cannot be read. */
  histories: Record<string, { at: string; from: string; to: string }[] | Error>;
  /** Names of alarms that a mute rule silences now, by the rule's name. */
  mutes: Record<string, string[]>;
  targets: ScalableTarget[];
  scheduledActions: Partial<ScheduledAction>[];
  /** By `bucket/key`; a number is the HTTP status that S3 refuses with. */
  objects: Record<string, Partial<HeadObjectOutput> | number>;
  buckets: Record<string, Partial<GetBucketEncryptionCommandOutput> | number>;
  /** Items on one page of every list. */
  pageSize: number;
  executions: Map<string, { input: string; status: string; startDate?: Date; error?: string; cause?: string }>;
  /** Task tokens that were resumed. */
  resumed: string[];
  mails: { to: string; subject: string; text: string; html: string }[];
  /** Runs before every answer: to count, to wait, to fail. */
  before: (command: string, input: unknown) => Promise<void> | void;
};

const metricAlarm = (
  name: string,
  metric: { Namespace: string; MetricName: string; Period: number },
  dimension: string,
) => ({
  AlarmName: name,
  StateValue: 'OK' as const,
  StateTransitionedTimestamp: new Date('2026-11-01T02:00:00.000Z'),
  ActionsEnabled: true,
  ...metric,
  EvaluationPeriods: metric.Period < 3600 ? 3 : 1,
  Dimensions: [{ Name: dimension, Value: 'fraud-prod' }],
});
/** Model Monitor's, as the SageMaker SDK writes them, and one of the endpoint's own traffic. */
const driftAlarm = (name: string) =>
  metricAlarm(
    name,
    { Namespace: 'aws/sagemaker/Endpoints/data-metrics', MetricName: 'feature_baseline_drift_amount', Period: 3600 },
    'Endpoint',
  );
const errorAlarm = (name: string) =>
  metricAlarm(name, { Namespace: 'AWS/SageMaker', MetricName: 'Invocation5XXErrors', Period: 60 }, 'EndpointName');

export const perfectWorld = (): World => ({
  endpoint: {
    EndpointName: 'fraud-prod',
    EndpointStatus: 'InService',
    EndpointConfigName: 'fraud-prod-cfg-18',
    ProductionVariants: [
      {
        VariantName: 'AllTraffic',
        CurrentInstanceCount: 2,
        DesiredInstanceCount: 2,
        CurrentWeight: 1,
        DesiredWeight: 1,
      },
    ],
    LastDeploymentConfig: {
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: {
          Type: 'CANARY',
          WaitIntervalInSeconds: 300,
          CanarySize: { Type: 'CAPACITY_PERCENT', Value: 50 },
        },
        TerminationWaitInSeconds: 300,
      },
      AutoRollbackConfiguration: {
        Alarms: [
          { AlarmName: 'fraud-prod-ModelMonitorAlarm' },
          { AlarmName: 'fraud-prod-DataDriftAlarm' },
          { AlarmName: 'fraud-prod-5xx' },
        ],
      },
    },
    DataCaptureConfig: {
      EnableCapture: true,
      CaptureStatus: 'Started',
      CurrentSamplingPercentage: 20,
      DestinationS3Uri: 's3://ml-capture-prod/fraud',
      KmsKeyId: undefined,
    },
    CreationTime: new Date('2026-11-01T00:00:00.000Z'),
    LastModifiedTime: new Date('2026-11-20T09:00:00.000Z'),
  },
  configs: {
    'fraud-prod-cfg-18': {
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'fraud-2026-11-19',
          InstanceType: 'ml.m5.large',
          InitialInstanceCount: 2,
          InitialVariantWeight: 1,
        },
      ],
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 20,
        DestinationS3Uri: 's3://ml-capture-prod/fraud',
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
      },
    },
  },
  models: {
    'fraud-2026-11-19': {
      PrimaryContainer: { Image: 'fraud:3.4.1', ModelDataUrl: 's3://ml-artifacts-prod/fraud/model.tar.gz' },
    },
  },
  packages: {},
  components: {},
  tags: [
    { Key: 'team', Value: 'risk' },
    { Key: 'environment', Value: 'prod' },
  ],
  schedules: [
    {
      MonitoringScheduleName: 'fraud-prod-data-quality',
      MonitoringScheduleStatus: 'Scheduled',
      MonitoringType: 'DataQuality',
      MonitoringJobDefinitionName: 'fraud-prod-data-quality-job',
      CreationTime: new Date('2026-11-01T01:00:00.000Z'),
    },
  ],
  described: {
    'fraud-prod-data-quality': {
      MonitoringScheduleConfig: { ScheduleConfig: { ScheduleExpression: 'cron(0 * ? * * *)' } },
      LastModifiedTime: new Date('2026-11-01T01:00:00.000Z'),
      LastMonitoringExecutionSummary: {
        MonitoringScheduleName: 'fraud-prod-data-quality',
        ScheduledTime: new Date('2026-11-20T09:00:00.000Z'),
        CreationTime: new Date('2026-11-20T09:12:00.000Z'),
        LastModifiedTime: new Date('2026-11-20T09:21:00.000Z'),
        MonitoringExecutionStatus: 'Completed',
      },
    },
  },
  definitions: {
    'fraud-prod-data-quality-job': {
      DataQualityBaselineConfig: { ConstraintsResource: { S3Uri: 's3://ml-artifacts-prod/fraud/constraints.json' } },
      JobResources: { ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 20 } },
    },
  },
  alarms: {
    MetricAlarms: [
      driftAlarm('fraud-prod-ModelMonitorAlarm'),
      driftAlarm('fraud-prod-DataDriftAlarm'),
      errorAlarm('fraud-prod-5xx'),
    ],
  },
  histories: {},
  mutes: {},
  targets: [],
  scheduledActions: [],
  objects: {
    'ml-artifacts-prod/fraud/model.tar.gz': { ETag: '"1"', ServerSideEncryption: 'AES256' },
    'ml-artifacts-prod/fraud/constraints.json': { ETag: '"2"', ServerSideEncryption: 'AES256' },
  },
  buckets: {
    'ml-artifacts-prod': {
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    },
  },
  pageSize: 100,
  executions: new Map(),
  resumed: [],
  mails: [],
  before: () => undefined,
});

/** Services whose every client answers from a world. DynamoDB is in fake-ledger.ts. */
export function fakeAws(overrides: Partial<Services> = {}) {
  const clock = { now: NOW, advance: (seconds: number) => (clock.now = later(seconds, clock.now)) };
  const built = services({ now: () => clock.now, ...overrides });
  const world = perfectWorld();
  const calls: string[] = [];
  const mocks = {
    sagemaker: mockClient(built.sagemaker),
    cloudwatch: mockClient(built.cloudwatch),
    scaling: mockClient(built.scaling),
    s3: mockClient(built.s3),
    dynamodb: mockClient(built.dynamodb),
    sfn: mockClient(built.sfn),
    kms: mockClient(built.kms),
    ses: mockClient(built.ses),
  };
  /** Answers a command from the world, after it was counted. */
  const answers = new Map<unknown, (input: never) => Promise<unknown>>();
  const answer = (mock: object, command: { name: string }, from: (input: never) => unknown) => {
    const run = async (input: never) => {
      calls.push(command.name.replace(/Command$/, ''));
      await world.before(command.name.replace(/Command$/, ''), input);
      return from(input);
    };
    answers.set(command, run);
    (mock as { on: (command: object) => { callsFake: (run: (input: never) => unknown) => void } })
      .on(command)
      .callsFake(run);
  };
  const named = <T>(list: Record<string, T>, name: string | undefined, what: string): T => {
    const found = list[name ?? ''];
    if (found === undefined) throw awsError('ValidationException', `Could not find ${what} "${name}".`);
    return found;
  };
  const page = <T>(list: T[], token: string | undefined) => {
    const start = Number(token ?? 0);
    const end = start + world.pageSize;
    return { items: list.slice(start, end), NextToken: end < list.length ? String(end) : undefined };
  };
  type In = Record<string, string | undefined>;

  const { sagemaker, cloudwatch, scaling, s3, sfn, kms, ses } = mocks;
  answer(sagemaker, DescribeEndpointCommand, ({ EndpointName }: In) =>
    named(world.endpoint ? { [EndpointName ?? '']: world.endpoint } : {}, EndpointName, 'endpoint'),
  );
  const listed = (): Partial<EndpointSummary>[] => world.listed ?? (world.endpoint ? [world.endpoint] : []);
  type ListInput = { NextToken?: string; LastModifiedTimeAfter?: Date };
  answer(sagemaker, ListEndpointsCommand, ({ NextToken, LastModifiedTimeAfter: after }: ListInput) => {
    const recent = listed().filter(({ LastModifiedTime: at }) => !after || !at || at > after);
    const { items, ...rest } = page(recent, NextToken);
    return { Endpoints: items, ...rest };
  });
  answer(sagemaker, SearchCommand, ({ NextToken }: In) => {
    const { items, ...rest } = page(world.searched ?? listed(), NextToken);
    const MonitoringSchedules = world.schedules.map((schedule) => ({
      ...schedule,
      ...world.described[schedule.MonitoringScheduleName ?? ''],
    }));
    return {
      Results: items.map((each) => ({
        Endpoint: { ...world.endpoint, ...each, Tags: world.tags, MonitoringSchedules },
      })),
      ...rest,
    };
  });
  answer(sagemaker, DescribeEndpointConfigCommand, ({ EndpointConfigName }: In) =>
    named(world.configs, EndpointConfigName, 'endpoint configuration'),
  );
  answer(sagemaker, DescribeModelCommand, ({ ModelName }: In) => named(world.models, ModelName, 'model'));
  answer(sagemaker, DescribeModelPackageCommand, ({ ModelPackageName }: In) =>
    named(world.packages, ModelPackageName, 'package'),
  );
  answer(sagemaker, DescribeInferenceComponentCommand, ({ InferenceComponentName }: In) =>
    named(world.components, InferenceComponentName, 'inference component'),
  );
  answer(sagemaker, ListInferenceComponentsCommand, ({ VariantNameEquals, NextToken }: In) => {
    const names = Object.entries(world.components).filter(
      ([, { VariantName }]) => VariantNameEquals === undefined || VariantName === VariantNameEquals,
    );
    const { items, ...rest } = page(names, NextToken);
    const summaries = items.map(([InferenceComponentName, { EndpointName, LastModifiedTime }]) => ({
      ...{ InferenceComponentName, EndpointName, LastModifiedTime },
    }));
    return { InferenceComponents: summaries, ...rest };
  });
  answer(sagemaker, ListTagsCommand, ({ NextToken }: In) => {
    const { items, ...rest } = page(world.tags, NextToken);
    return { Tags: items, ...rest };
  });
  answer(sagemaker, ListMonitoringSchedulesCommand, ({ NextToken }: In) => {
    const { items, ...rest } = page(world.schedules, NextToken);
    return { MonitoringScheduleSummaries: items, ...rest };
  });
  answer(sagemaker, DescribeMonitoringScheduleCommand, ({ MonitoringScheduleName }: In) => {
    const found = world.described[MonitoringScheduleName ?? ''];
    if (!found) throw awsError('ResourceNotFound', `Could not find schedule "${MonitoringScheduleName}".`);
    return found;
  });
  for (const command of [
    DescribeDataQualityJobDefinitionCommand,
    DescribeModelQualityJobDefinitionCommand,
    DescribeModelBiasJobDefinitionCommand,
    DescribeModelExplainabilityJobDefinitionCommand,
  ]) {
    answer(sagemaker, command, ({ JobDefinitionName = '' }: In) => {
      const found = world.definitions[JobDefinitionName];
      if (!found) throw awsError('ResourceNotFound', `Could not find job definition "${JobDefinitionName}".`);
      return found;
    });
  }
  answer(
    cloudwatch,
    DescribeAlarmHistoryCommand,
    ({ AlarmName = '', StartDate, NextToken }: DescribeAlarmHistoryCommandInput) => {
      const history = world.histories[AlarmName] ?? [];
      if (history instanceof Error) throw history;
      const { items, ...rest } = page(
        history.filter(({ at }) => new Date(at) >= (StartDate ?? new Date(0))),
        NextToken,
      );
      return {
        AlarmHistoryItems: items.map(({ at, from, to }) => ({
          ...{ AlarmName, Timestamp: new Date(at), HistoryItemType: 'StateUpdate' },
          HistoryData: JSON.stringify({ oldState: { stateValue: from }, newState: { stateValue: to } }),
        })),
        ...rest,
      };
    },
  );
  answer(
    cloudwatch,
    DescribeAlarmsCommand,
    ({ AlarmNames = [], AlarmTypes = ['MetricAlarm'], NextToken }: DescribeAlarmsCommandInput) => {
      const kinds = ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'] as const;
      const all = kinds.flatMap((kind) =>
        AlarmTypes.includes(kind)
          ? (world.alarms[`${kind}s`] ?? []).map((alarm: { AlarmName?: string | undefined }) => ({ kind, alarm }))
          : [],
      );
      const { items, ...rest } = page(
        all.filter(({ alarm }) => AlarmNames.includes(alarm.AlarmName ?? '')),
        NextToken,
      );
      const of = (wanted: string) => items.filter(({ kind }) => kind === wanted).map(({ alarm }) => alarm);
      return {
        MetricAlarms: of('MetricAlarm'),
        CompositeAlarms: of('CompositeAlarm'),
        LogAlarms: of('LogAlarm'),
        ...rest,
      };
    },
  );
  answer(cloudwatch, ListAlarmMuteRulesCommand, ({ NextToken }: In) => {
    const { items, ...rest } = page(Object.keys(world.mutes), NextToken);
    const arn = (name: string) => `arn:aws:cloudwatch:us-east-1:111122223333:alarm-mute-rule:${name}`;
    return {
      AlarmMuteRuleSummaries: items.map((name) => ({ AlarmMuteRuleArn: arn(name), Status: 'ACTIVE' })),
      ...rest,
    };
  });
  answer(cloudwatch, GetAlarmMuteRuleCommand, ({ AlarmMuteRuleName = '' }: In) => {
    const AlarmNames = world.mutes[AlarmMuteRuleName];
    if (!AlarmNames) throw awsError('ResourceNotFoundException');
    return { Name: AlarmMuteRuleName, MuteTargets: { AlarmNames } };
  });
  answer(
    scaling,
    DescribeScalableTargetsCommand,
    ({ ResourceIds, NextToken }: { ResourceIds?: string[]; NextToken?: string }) => {
      const { items, ...rest } = page(
        world.targets.filter(({ ResourceId = '' }) => !ResourceIds || ResourceIds.includes(ResourceId)),
        NextToken,
      );
      return { ScalableTargets: items, ...rest };
    },
  );
  answer(scaling, DescribeScheduledActionsCommand, ({ ResourceId: wanted, NextToken }: In) => {
    const { items, ...rest } = page(
      world.scheduledActions.filter(({ ResourceId }) => !wanted || ResourceId === wanted),
      NextToken,
    );
    return { ScheduledActions: items, ...rest };
  });

  const s3Answer = <T>(found: T | number | undefined): T => {
    if (found === undefined) throw awsError('NotFound', 'UnknownError', 404);
    if (typeof found === 'number') throw awsError(String(found), 'UnknownError', found);
    return found;
  };
  answer(s3, HeadObjectCommand, ({ Bucket, Key }: In) => s3Answer(world.objects[`${Bucket}/${Key}`]));
  answer(s3, GetBucketEncryptionCommand, ({ Bucket }: In) => s3Answer(world.buckets[Bucket ?? '']));
  answer(s3, ListObjectsV2Command, ({ Bucket, Prefix, ContinuationToken }: In) => {
    const keys = Object.keys(world.objects).filter((path) => path.startsWith(`${Bucket}/${Prefix}`));
    const { items, NextToken } = page(keys, ContinuationToken);
    return {
      Contents: items.map((path) => ({ Key: path.slice(`${Bucket}/`.length) })),
      NextContinuationToken: NextToken,
      IsTruncated: NextToken !== undefined,
    };
  });

  // StartExecution is idempotent while an execution of the same name and input runs; a closed name stays taken.
  answer(sfn, StartExecutionCommand, ({ name = '', input = '' }: In) => {
    const known = world.executions.get(name);
    if (known && (known.status !== 'RUNNING' || known.input !== input)) throw awsError('ExecutionAlreadyExists');
    const started = known ?? { input, status: 'RUNNING', startDate: new Date(clock.now) };
    world.executions.set(name, started);
    return { startDate: started.startDate };
  });
  answer(sfn, DescribeExecutionCommand, ({ executionArn }: In) => {
    const found = world.executions.get(executionArn?.split(':').at(-1) ?? '');
    if (!found) throw awsError('ExecutionDoesNotExist');
    return found;
  });
  answer(sfn, SendTaskSuccessCommand, ({ taskToken = '' }: In) => {
    world.resumed.push(taskToken);
    return {};
  });
  // A ciphertext opens only in the context that it was made in.
  answer(
    kms,
    EncryptCommand,
    ({ Plaintext, EncryptionContext }: { Plaintext: Uint8Array; EncryptionContext: object }) => ({
      CiphertextBlob: Buffer.from(JSON.stringify([Buffer.from(Plaintext).toString('base64'), EncryptionContext])),
    }),
  );
  answer(
    kms,
    DecryptCommand,
    ({ CiphertextBlob, EncryptionContext }: { CiphertextBlob: Uint8Array; EncryptionContext: object }) => {
      const [plain, context] = JSON.parse(Buffer.from(CiphertextBlob).toString()) as [string, object];
      if (JSON.stringify(context) !== JSON.stringify(EncryptionContext)) throw awsError('InvalidCiphertextException');
      return { Plaintext: Buffer.from(plain, 'base64') };
    },
  );
  answer(
    ses,
    SendEmailCommand,
    (input: {
      Destination: { ToAddresses: string[] };
      Content: { Simple: { Subject: { Data: string }; Body: { Text: { Data: string }; Html?: { Data: string } } } };
    }) => {
      const { Subject, Body } = input.Content.Simple;
      for (const to of input.Destination.ToAddresses)
        world.mails.push({ to, subject: Subject.Data, text: Body.Text.Data, html: Body.Html?.Data ?? '' });
      return {};
    },
  );
  /** Takes the mocks, which remember and compare every call, out of the way: for tests of many thousands of calls. */
  const answerDirectly = () => {
    for (const name of ['sagemaker', 'cloudwatch', 'scaling', 's3', 'sfn', 'kms', 'ses'] as const) {
      const client = built[name] as unknown as { send: (command: { constructor: unknown; input: never }) => unknown };
      client.send = async (command) => {
        const run = answers.get(command.constructor);
        if (!run) throw new Error(`Nobody answers ${(command.constructor as { name: string }).name}.`);
        return run(command.input);
      };
    }
  };
  return { services: built, world, clock, calls, answer, answerDirectly, ...mocks };
}
export type FakeAws = ReturnType<typeof fakeAws>;

/** Lets calls through in waves: all that are waiting go at once, as far apart as the depth of a reading. */
export function countWaves(aws: FakeAws) {
  const seen = { waves: 0, most: 0 };
  let waiting: (() => void)[] = [];
  aws.world.before = () =>
    new Promise((resolve) => {
      if (waiting.length === 0) {
        setTimeout(() => {
          seen.waves += 1;
          seen.most = Math.max(seen.most, waiting.length);
          const all = waiting;
          waiting = [];
          for (const go of all) go();
        }, 2);
      }
      waiting.push(resolve);
    });
  return seen;
}
