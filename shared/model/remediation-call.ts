import * as z from 'zod';
import { JsonValue } from './json-value.ts';

/** APIs that the gate calls itself to put something back: the only ones with which it writes to SageMaker and CloudWatch. */
export const GateApi = z.enum([
  'sagemaker:UpdateEndpoint',
  'sagemaker:UpdateEndpointWeightsAndCapacities',
  'sagemaker:StartMonitoringSchedule',
  'cloudwatch:EnableAlarmActions',
]);
export type GateApi = z.infer<typeof GateApi>;

/** One AWS call with everything that is sent: what a dry run prints, a record keeps, and the gate makes. */
export const RemediationCall = z.strictObject({
  /** Service and operation, such as `sagemaker:UpdateEndpoint`. */
  api: GateApi.or(z.literal('cloudwatch:DeleteAlarmMuteRule')),
  /** The input as the API names it. */
  input: z.record(z.string(), JsonValue),
});
export type RemediationCall = z.infer<typeof RemediationCall>;
