import * as z from 'zod';
import type { ConfigFile } from '../shared/config.ts';

// CloudWatch Logs takes these numbers of days and no others.
const LogDays = z.literal([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 3653,
]);
const Concurrency = z.int().min(1).max(1_000);

/** Stages are part of names, the longest of which (a bucket's) leaves them nine characters. */
export const Stage = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,8}$/, 'must be up to nine lower-case letters, digits and hyphens');
export const Region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, like us-east-1');

/** What a stage of the gate itself is deployed with: `infra/stages.yml`. */
export const Deployment = z.strictObject({
  mailFrom: z.email().describe('Sender of messages to approvers; an identity verified in SES.'),
  alarmMail: z.email().describe('Who hears of alarms.'),
  consoleUrl: z
    .url()
    .optional()
    .describe('Address of the console, where it has one of its own; otherwise that of the HTTP API.'),
  trail: z
    .enum(['own', 'existing'])
    .default('own')
    .describe('`existing`: the account has a trail of management events and of writes of the ledger.'),
  archive: z
    .discriminatedUnion('mode', [
      z.strictObject({ mode: z.literal('COMPLIANCE'), years: z.int().min(1).max(100) }),
      z.strictObject({ mode: z.literal('GOVERNANCE'), days: z.int().min(1).max(36_500) }),
    ])
    .default({ mode: 'GOVERNANCE', days: 1 })
    .describe('Object Lock of the copies of records and of the trail.'),
  artifactBuckets: z
    .array(z.string().regex(/^[a-z0-9.*-]+$/, 'must be the name of a bucket, or a pattern with *'))
    .min(1)
    .default(['*'])
    .describe('Buckets that model artifacts are in: the only ones that the gate may look into.'),
  remediation: z
    .enum(['on', 'off'])
    .default('off')
    .describe('`on`: the gate gets the right to put back what was refused, for `policies.<environment>.remediation`.'),
  sweepMinutes: z.int().min(5).max(1_440).default(15).describe('How often the gate looks for what no event told of.'),
  logRetentionDays: LogDays.default(90),
  memoryMb: z.int().min(128).max(10_240).default(512).describe('Of every function.'),
  receiveConcurrency: Concurrency.default(20).describe('Events that are received at once; the rest wait.'),
  httpConcurrency: Concurrency.default(20).describe(
    'Requests that each of the functions behind the HTTP API answers at once.',
  ),
  httpBurst: z.int().min(1).max(5_000).default(50).describe('Requests that the HTTP API takes at once.'),
  httpRate: z.int().min(1).max(10_000).default(20).describe('Requests a second, in the long run.'),
});
export type Deployment = z.infer<typeof Deployment>;

/** What a stage was not given although `portcullis.yaml` counts on it. */
export function problemsWithRemediation({ remediation }: Deployment, { policies }: ConfigFile): string[] {
  if (remediation === 'on') return [];
  return (['dev', 'staging', 'prod'] as const)
    .filter((environment) => policies[environment].remediation === 'enforce')
    .map(
      (environment) =>
        `portcullis.yaml: policies.${environment}.remediation: "enforce": the stage has not the right to put anything back; set remediation: on for it in infra/stages.yml, or "propose" here`,
    );
}

/**
 * What the templates read: the settings of a stage, and what follows from them and from `portcullis.yaml` that
 * CloudFormation cannot work out itself.
 */
export function stageValues(deployment: Deployment, { approvals, members }: ConfigFile) {
  const { archive, artifactBuckets, consoleUrl, sweepMinutes, ...rest } = deployment;
  const bucketArn = (bucket: string) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${bucket}` });
  const approvalSeconds = Math.round(approvals.timeoutHours * 3_600);
  return {
    ...rest,
    consoleUrl: consoleUrl ?? { 'Fn::Sub': `https://\${HttpApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}` },
    objectLock:
      archive.mode === 'COMPLIANCE'
        ? { Mode: archive.mode, Years: archive.years }
        : { Mode: archive.mode, Days: archive.days },
    artifactBucketArns: artifactBuckets.map(bucketArn),
    artifactObjectArns: artifactBuckets.map((bucket) => bucketArn(`${bucket}/*`)),
    memberAccounts: members.accounts.join(','),
    memberRoleArns: members.accounts.map((account) => `arn:aws:iam::${account}:role/${members.readRole}`),
    sweepMinutes,
    sweepSeconds: sweepMinutes * 60,
    approvalLateSeconds: Math.round(approvalSeconds * 0.75),
    approvalStuckSeconds: approvalSeconds + 3_600,
  };
}
