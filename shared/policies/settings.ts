import * as z from 'zod';
import type { PriceTable } from '../model/price-table.ts';

const InstanceType = z.string().regex(/^ml\.[a-z0-9-]+\.[a-z0-9-]+$/, 'must be an instance type such as ml.m5.large');
const Usd = z.number().positive();
const Count = z.int().positive();

/** How much an environment makes of plans. */
const planned = {
  requirePlan: z.boolean().default(false).describe('A change that carries out no approved plan is a violation here.'),
  outOfBand: z
    .enum(['ask', 'block'])
    .default('ask')
    .describe('What becomes of a change that is another than the approved plan for its endpoint.'),
};

/** What becomes of a change that was refused. */
const putBack = {
  remediation: z
    .enum(['off', 'propose', 'enforce'])
    .default('propose')
    .describe(
      'What the gate does about a change that was blocked or rejected: nothing, propose the way back to what was accepted last, or go it.',
    ),
};

/** The numbers and lists that the policies' sentences mention. The defaults are the AgentOps policy document. */
export const PolicyLimits = z.strictObject({
  dev: z
    .strictObject({
      instanceTypes: z.array(InstanceType).min(1).default(['ml.m5.large']).describe('The only instance types allowed.'),
      defaultInstances: Count.default(1).describe('More instances than this is advice.'),
      ...planned,
      ...putBack,
    })
    .prefault({}),
  staging: z
    .strictObject({
      instanceTypes: z.array(InstanceType).min(1).default(['ml.m5.large', 'ml.m5.xlarge']),
      defaultInstances: Count.default(1).describe('More instances than this is advice.'),
      approvalFromInstances: Count.default(3).describe('This many instances or more need approval.'),
      maxHourlyCostUsd: Usd.default(15),
      ...planned,
      ...putBack,
    })
    .prefault({}),
  prod: z
    .strictObject({
      minInstances: Count.default(2),
      maxHourlyCostUsd: Usd.default(50),
      approvalAboveHourlyCostUsd: Usd.default(30),
      instanceTypes: z
        .union([z.literal('any'), z.array(InstanceType).min(1)])
        .default('any')
        .describe('"any" means every type that the price table knows.'),
      ...planned,
      ...putBack,
    })
    .prefault({}),
  requiredAlarms: z
    .array(z.string().min(1).max(255))
    .min(1)
    .default(['ModelMonitorAlarm', 'DataDriftAlarm'])
    .describe('Roles that rollback alarms must fill.'),
  alarmNamePatterns: z
    .array(z.string().includes('{role}', { error: 'must contain {role}' }))
    .min(1)
    .default(['{role}', '{endpoint}-{role}'])
    .describe(
      'How an alarm that fills a role may be named; {role} and {endpoint} are filled in, * stands for anything.',
    ),
  monitoringGraceMinutes: z
    .int()
    .nonnegative()
    .default(120)
    .describe('So long after its creation an endpoint may be without its monitors.'),
  requiredMonitorTypes: z
    .array(z.enum(['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability']))
    .default([])
    .describe('Production needs a good monitor of each of these types; where none is named, one of any type.'),
  alarmSilentHours: z
    .number()
    .nonnegative()
    .default(24)
    .describe('So long a rollback alarm may be in INSUFFICIENT_DATA before it counts as blind.'),
  budgetCounts: z
    .enum(['steady', 'ceiling', 'peak'])
    .default('ceiling')
    .describe(
      'Which cost is held against a budget: as it stands, at the ceilings of auto scaling, or while a deployment replaces another.',
    ),
  encryption: z
    .array(z.enum(['SSE-S3', 'SSE-KMS']))
    .min(1)
    .default(['SSE-S3', 'SSE-KMS'])
    .describe('Encryption that counts; SSE-KMS includes DSSE-KMS.'),
  waiverMaxDays: z.int().positive().max(366).default(90).describe('A waiver of a policy is for at most so long.'),
  planValidHours: z
    .number()
    .positive()
    .max(8_760)
    .default(168)
    .describe('So long after its submission a plan may be carried out, if it does not say sooner.'),
});
export type PolicyLimits = z.infer<typeof PolicyLimits>;

/** Everything a check may use besides the facts. */
export type PolicySettings = PolicyLimits & {
  prices: PriceTable;
  /** Regions whose prices the owner accepts to be judged by the table's. */
  pricesAlsoFor: readonly string[];
};
