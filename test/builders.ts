import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { type Config, ConfigFile } from '../shared/config.ts';
import { type Actor, gateActor } from '../shared/model/actor.ts';
import type { Approver } from '../shared/model/approver.ts';
import { DeploymentPlan } from '../shared/model/deployment-plan.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import type { Artifact, EndpointFacts, Monitor, RollbackAlarm } from '../shared/model/endpoint-facts.ts';
import { type EndpointHistory, historyOf } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { decide, type Finding, type Outcome } from '../shared/model/finding.ts';
import { hourlyCost } from '../shared/model/hourly-cost.ts';
import {
  GENESIS,
  type LedgerRecord,
  type RecordBody,
  type RecordOf,
  recordHash,
} from '../shared/model/ledger-record.ts';
import { factsFromPlan, onTheWay } from '../shared/model/planned-facts.ts';
import { PriceTable } from '../shared/model/price-table.ts';
import type {
  InferenceComponentHostVariant,
  InstancePoolVariant,
  InstanceVariant,
  Model,
  ServerlessVariant,
} from '../shared/model/variant.ts';
import type { Waiver } from '../shared/model/waiver.ts';
import { PolicyLimits, type PolicySettings } from '../shared/policies/settings.ts';

// The perfect thing of every kind; a test breaks one property of it. Clients and mocks are in fake-aws.ts, so that
// tests of pure functions load no SDK.

export const endpoint: EndpointRef = { account: '111122223333', region: 'us-east-1', name: 'fraud-prod' };
export const ARTIFACT = 's3://ml-artifacts-prod/fraud/model.tar.gz';
/** When the perfect facts were read. */
export const NOW = '2026-11-20T10:00:00.000Z';
export const HEX = 'ab'.repeat(32);

/** `NOW` plus some seconds. */
export const later = (seconds: number, from = NOW) => new Date(Date.parse(from) + seconds * 1000).toISOString();

export const model = (overrides: Partial<Model> = {}): Model => ({
  name: 'fraud-2026-11-19',
  containers: [{ image: 'fraud:3.4.1', mode: 'SingleModel', environmentSha256: null, artifactUris: [ARTIFACT] }],
  ...overrides,
});

const range = { desiredInstances: 2, minInstances: 2, maxInstances: 2, scaledBy: 'nothing' as const };

export const instanceVariant = (
  overrides: Partial<z.infer<typeof InstanceVariant>> = {},
): z.infer<typeof InstanceVariant> => ({
  kind: 'instance',
  name: 'AllTraffic',
  shadow: false,
  weight: 1,
  models: [model()],
  ...range,
  instanceType: 'ml.m5.large',
  ...overrides,
});

export const poolVariant = (
  overrides: Partial<z.infer<typeof InstancePoolVariant>> = {},
): z.infer<typeof InstancePoolVariant> => ({
  kind: 'instance-pool',
  name: 'AllTraffic',
  shadow: false,
  weight: 1,
  models: [model()],
  ...range,
  pools: [
    { instanceType: 'ml.m5.large', priority: 1 },
    { instanceType: 'ml.m5.xlarge', priority: 2 },
  ],
  ...overrides,
});

export const serverlessVariant = (overrides: Partial<ServerlessVariant> = {}): ServerlessVariant => ({
  kind: 'serverless',
  name: 'AllTraffic',
  shadow: false,
  weight: 1,
  models: [model()],
  memorySizeMb: 2048,
  maxConcurrency: 20,
  provisionedConcurrency: null,
  ...overrides,
});

export const componentHost = (
  overrides: Partial<z.infer<typeof InferenceComponentHostVariant>> = {},
): z.infer<typeof InferenceComponentHostVariant> => ({
  kind: 'inference-component-host',
  name: 'AllTraffic',
  shadow: false,
  weight: 1,
  models: [],
  ...range,
  instanceTypes: ['ml.m5.large'],
  components: [{ name: 'fraud-a', copies: 2, model: model(), baseComponent: null }],
  ...overrides,
});

export const artifact = (overrides: Partial<Artifact> = {}): Artifact => ({
  uri: ARTIFACT,
  version: 'etag:1',
  encryption: { status: 'encrypted', algorithm: 'SSE-S3', keyId: null },
  bucket: { name: 'ml-artifacts-prod', encryption: { status: 'encrypted', algorithm: 'SSE-S3', keyId: null } },
  ...overrides,
});

export const monitor = (overrides: Partial<Monitor> = {}): Monitor => ({
  name: 'fraud-prod-data-quality',
  type: 'DataQuality',
  status: 'Scheduled',
  baselineUris: ['s3://ml-artifacts-prod/fraud/constraints.json'],
  unseenBaselines: [],
  jobDefinition: 'fraud-prod-data-quality-job',
  expression: 'cron(0 * ? * * *)',
  createdAt: '2026-11-01T01:00:00.000Z',
  modifiedAt: '2026-11-01T01:00:00.000Z',
  lastRun: { status: 'Completed', scheduledAt: '2026-11-20T09:00:00.000Z', failureReason: null },
  runsOn: { instanceType: 'ml.m5.large', instances: 1 },
  ...overrides,
});

type ExistingAlarm = Extract<RollbackAlarm, { exists: true }>;
export const alarm = (name: string, overrides: Partial<ExistingAlarm> = {}): ExistingAlarm => ({
  name,
  exists: true,
  type: 'metric',
  state: 'OK',
  stateSince: '2026-11-01T02:00:00.000Z',
  actionsEnabled: true,
  watchesEndpoint: true,
  mutedBy: [],
  suppressedBy: null,
  dependsOn: [],
  variants: [],
  schedules: [],
  tripsAfterSeconds: null,
  ...overrides,
});

export const facts = (overrides: Partial<EndpointFacts> = {}): EndpointFacts => ({
  schema: 1,
  endpoint,
  environment: { name: 'prod', source: 'tag', evidence: 'tag environment=prod' },
  status: 'InService',
  configName: 'fraud-prod-cfg-18',
  underWay: false,
  createdAt: '2026-11-01T00:00:00.000Z',
  lastModifiedAt: '2026-11-20T09:00:00.000Z',
  readAt: NOW,
  reusedSince: null,
  variants: [instanceVariant()],
  volumeKmsKeyId: null,
  dataCapture: {
    enabled: true,
    samplingPercentage: 20,
    destinationS3Uri: 's3://ml-capture-prod/fraud',
    kmsKeyId: null,
    directions: ['Input', 'Output'],
    live: { status: 'Started', samplingPercentage: 20 },
  },
  deployment: {
    known: true,
    strategy: 'blue-green',
    rollbackAlarms: [
      alarm('fraud-prod-ModelMonitorAlarm'),
      alarm('fraud-prod-DataDriftAlarm'),
      alarm('fraud-prod-5xx', { tripsAfterSeconds: 180 }),
    ],
    bakeSeconds: 600,
    deploymentConfig: {
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
  },
  componentAlarms: [],
  monitors: [monitor()],
  artifacts: [artifact()],
  ...overrides,
});

export const inDev = { name: 'dev', source: 'tag', evidence: 'tag environment=dev' } as const;
export const inStaging = { name: 'staging', source: 'tag', evidence: 'tag environment=staging' } as const;

export const prices = PriceTable.parse(
  JSON.parse(readFileSync(new URL('../shared/prices/sagemaker-hosting-us-east-1.json', import.meta.url), 'utf8')),
);

export const settings = (overrides: Partial<PolicySettings> = {}): PolicySettings => ({
  ...PolicyLimits.parse({}),
  prices,
  pricesAlsoFor: [],
  ...overrides,
});

export const approver = (id: string, overrides: Partial<Approver> = {}): Approver => ({
  id,
  name: id[0]?.toUpperCase() + id.slice(1),
  email: `${id}@example.com`,
  awsIdentities: [],
  ...overrides,
});

export const config = (overrides: Partial<Config> = {}): Config => ({
  file: ConfigFile.parse({ approvals: { approvers: [approver('asha'), approver('ben')] } }),
  policySettings: settings(),
  region: 'us-east-1',
  tables: { ledger: 'ledger', approvals: 'approvals', work: 'work' },
  stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:portcullis',
  tokenKeyId: 'alias/portcullis',
  consoleUrl: 'https://gate.example.com',
  mailFrom: 'gate@example.com',
  archiveBucket: 'portcullis-archive',
  checkpointKeyId: 'alias/portcullis-checkpoints',
  secretId: '',
  putsBack: true,
  off: [],
  ...overrides,
});

export const change = (overrides: Partial<EndpointChange> = {}): EndpointChange => ({
  endpoint,
  kind: 'endpoint',
  cause: 'UpdateEndpoint',
  eventId: 'event-1',
  at: '2026-11-20T09:59:00.000Z',
  sighting: {},
  ...overrides,
});

export const person = (name: string, ...aliases: string[]): Actor => ({
  kind: 'person',
  person: name,
  names: [name, ...aliases],
  arn: null,
  via: 'session-name',
});

export const plannedEndpoint: EndpointRef = { ...endpoint, planned: true };

/** The plan of the perfect endpoint. */
export const plan = (overrides: Partial<z.input<typeof DeploymentPlan>> = {}): DeploymentPlan =>
  DeploymentPlan.parse({
    kind: 'DeploymentPlan',
    endpoint: endpoint.name,
    account: endpoint.account,
    region: endpoint.region,
    environment: 'prod',
    reason: 'fewer false alarms',
    variants: [{ instanceType: 'ml.m5.large', instances: 2, model: { image: 'fraud:3.4.1', artifacts: [ARTIFACT] } }],
    dataCapture: { samplingPercentage: 20, destinationS3Uri: 's3://ml-capture-prod/fraud' },
    deploymentConfig: {
      strategy: 'blue-green',
      rollbackAlarms: ['fraud-prod-ModelMonitorAlarm', 'fraud-prod-DataDriftAlarm', 'fraud-prod-5xx'],
    },
    monitors: [{ type: 'DataQuality', baseline: 's3://ml-artifacts-prod/fraud/constraints.json' }],
    ...overrides,
  });

/** The facts of a plan as they are gathered: its artifacts are there. */
export const plannedFacts = (document: DeploymentPlan = plan()): EndpointFacts =>
  factsFromPlan(document, NOW, { models: new Map(), artifacts: new Map([[ARTIFACT, artifact()]]) });

export const finding = (policy: string, outcome: Outcome, ...messages: string[]): Finding => ({
  policy,
  statement: `What ${policy} says.`,
  outcome,
  messages,
});

// What is recorded about a change. Each starts from the perfect prod endpoint, whose only open question is approval.

export const opened = (
  generation = 1,
  read: EndpointFacts = facts(),
  overrides: Partial<RecordOf<'change-opened'>> = {},
): RecordOf<'change-opened'> => ({
  kind: 'change-opened',
  generation,
  cause: 'UpdateEndpoint',
  eventId: `event-${generation}`,
  changedAt: later(-60, read.readAt),
  digest: changeDigest(effectiveDeployment(read)),
  deployment: effectiveDeployment(read),
  environment: read.environment,
  facts: read,
  baseline: null,
  ...overrides,
});

/** What is recorded about a plan, in its stream. It may be carried out for a week. */
export const openedPlan = (
  generation = 1,
  document: DeploymentPlan = plan(),
  overrides: Partial<NonNullable<RecordOf<'change-opened'>['plan']>> = {},
): RecordOf<'change-opened'> => {
  const read = plannedFacts(document);
  const submitted = { document, validUntil: later(7 * 86_400), onTheWay: onTheWay(read), ...overrides };
  return opened(generation, read, { cause: 'Deployment Plan Submitted', plan: submitted });
};

export const findings = (
  generation = 1,
  list: Finding[] = [finding('prod-human-approval', 'needs-approval')],
  overrides: Partial<RecordOf<'findings'>> = {},
): RecordOf<'findings'> => ({
  kind: 'findings',
  generation,
  digest: opened().digest,
  findings: list,
  decision: decide(list),
  unchanged: false,
  cost: hourlyCost(facts(), prices),
  policyDigest: HEX,
  priceDigest: HEX,
  ...overrides,
});

export const REQUEST = 'r'.repeat(26);
export const requested = (
  generation = 1,
  overrides: Partial<RecordOf<'approval-requested'>> = {},
): RecordOf<'approval-requested'> => ({
  kind: 'approval-requested',
  generation,
  digest: opened().digest,
  request: REQUEST,
  expiresAt: later(86_400),
  approvers: ['asha', 'ben'],
  reasons: ['prod-human-approval'],
  ...overrides,
});

export const given = (overrides: Partial<RecordOf<'approval-given'>> = {}): RecordOf<'approval-given'> => ({
  kind: 'approval-given',
  generation: 1,
  digest: opened().digest,
  request: REQUEST,
  approver: 'asha',
  answer: 'approved',
  reason: 'looks right',
  decides: true,
  ...overrides,
});

export const verified = (
  generation = 1,
  list: Finding[] = [finding('in-service', 'pass')],
  overrides: Partial<RecordOf<'monitoring-verified'>> = {},
): RecordOf<'monitoring-verified'> => ({
  kind: 'monitoring-verified',
  generation,
  digest: opened().digest,
  findings: list,
  decision: decide(list),
  facts: null,
  ...overrides,
});

export const outcome = (
  generation = 1,
  result: RecordOf<'outcome'>['result'] = 'approved',
  overrides: Partial<RecordOf<'outcome'>> = {},
): RecordOf<'outcome'> => ({
  kind: 'outcome',
  generation,
  digest: opened().digest,
  environment: 'prod',
  result,
  decision: 'compliant',
  reason: 'because',
  violations: [],
  cause: 'UpdateEndpoint',
  changedAt: NOW,
  requesters: [],
  ...overrides,
});

/** asha excuses the endpoint from having a monitor, for a week. */
export const waiver = (overrides: Partial<Waiver> = {}): Waiver => ({
  id: 'w1',
  policy: 'prod-model-monitor',
  environment: 'prod',
  from: NOW,
  until: later(7 * 86_400),
  reason: 'it is being rebuilt',
  approver: 'asha',
  names: ['asha', 'asha@example.com'],
  ...overrides,
});
export const granted = (overrides: Partial<Waiver> = {}, generation = 1): RecordOf<'waiver-granted'> => ({
  kind: 'waiver-granted',
  generation,
  waiver: waiver(overrides),
});
export const revoked = (
  overrides: Partial<RecordOf<'waiver-revoked'>> = {},
  generation = 1,
): RecordOf<'waiver-revoked'> => ({
  kind: 'waiver-revoked',
  generation,
  waiver: 'w1',
  policy: 'prod-model-monitor',
  until: waiver().until,
  approver: 'ben',
  reason: 'it is back',
  ...overrides,
});

export type Written = RecordBody | { body: RecordBody; actor?: Actor; at?: string; id?: string };

/** A stream of records, chained as the ledger chains them. */
export function records(...written: Written[]): LedgerRecord[] {
  const list: LedgerRecord[] = [];
  for (const each of written) {
    const { body, actor = gateActor, at = NOW, id } = 'body' in each ? each : { body: each };
    const last = list.at(-1);
    list.push({
      schema: 1,
      endpoint,
      sequence: list.length + 1,
      previous: last ? recordHash(last) : GENESIS,
      id: id ?? `${body.kind}#${body.generation}#${list.length}`,
      at,
      actor,
      body,
    });
  }
  return list;
}

export const history = (...written: Written[]): EndpointHistory => historyOf(records(...written));

/** The same from records that are there already. */
export const historyFrom = historyOf;
