import {
  DescribeScalableTargetsCommand,
  DescribeScheduledActionsCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { DescribeAlarmsCommand, ListAlarmMuteRulesCommand } from '@aws-sdk/client-cloudwatch';
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListEndpointsCommand,
  ListInferenceComponentsCommand,
  ListMonitoringSchedulesCommand,
  SearchCommand,
} from '@aws-sdk/client-sagemaker';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { isMissing } from './endpoint-reader.ts';
import { INSTANCES } from './fleet-scaling.ts';
import type { With } from './services.ts';

type Watching = With<'sagemaker' | 'cloudwatch' | 'scaling' | 'sts'>;

/** The region that the environment or the profile names; undefined where neither does. */
export async function regionOfEnvironment(): Promise<string | undefined> {
  try {
    return await new STSClient({}).config.region();
  } catch {
    return undefined;
  }
}

/** Whose credentials these are. Throws where there are none, or AWS does not take them. */
export async function readIdentity({ sts }: Watching): Promise<{ account: string; arn: string }> {
  const { Account: account, Arn: arn } = await sts.send(new GetCallerIdentityCommand({}));
  if (!account || !arn) throw new Error('AWS did not say whose credentials these are.');
  return { account, arn };
}

/** A thing that AWS must refuse by not finding it, or the name is taken, which will do as well. */
const NOBODY = 'portcullis-looks-whether-it-may-look';

/** What was not answered: the IAM action and what AWS said. */
export type Refusal = { action: string; problem: string };

/**
 * Tries each kind of reading once, as small as it can be. An answer that there is no such thing is an answer. Returns
 * those that were refused. What depends on names (tags, monitors, artifacts in S3) shows when it is read.
 */
export async function probeReads({ sagemaker, cloudwatch, scaling }: Watching): Promise<Refusal[]> {
  const probes: [string, () => Promise<unknown>][] = [
    ['sagemaker:ListEndpoints', () => sagemaker.send(new ListEndpointsCommand({ MaxResults: 1 }))],
    ['sagemaker:Search', () => sagemaker.send(new SearchCommand({ Resource: 'Endpoint', MaxResults: 1 }))],
    ['sagemaker:ListMonitoringSchedules', () => sagemaker.send(new ListMonitoringSchedulesCommand({ MaxResults: 1 }))],
    ['sagemaker:ListInferenceComponents', () => sagemaker.send(new ListInferenceComponentsCommand({ MaxResults: 1 }))],
    ['sagemaker:DescribeEndpoint', () => sagemaker.send(new DescribeEndpointCommand({ EndpointName: NOBODY }))],
    [
      'sagemaker:DescribeEndpointConfig',
      () => sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: NOBODY })),
    ],
    ['sagemaker:DescribeModel', () => sagemaker.send(new DescribeModelCommand({ ModelName: NOBODY }))],
    ['cloudwatch:DescribeAlarms', () => cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [NOBODY] }))],
    ['cloudwatch:ListAlarmMuteRules', () => cloudwatch.send(new ListAlarmMuteRulesCommand({ MaxRecords: 1 }))],
    [
      'application-autoscaling:DescribeScalableTargets',
      () => scaling.send(new DescribeScalableTargetsCommand({ ...INSTANCES, MaxResults: 1 })),
    ],
    [
      'application-autoscaling:DescribeScheduledActions',
      () => scaling.send(new DescribeScheduledActionsCommand({ ...INSTANCES, MaxResults: 1 })),
    ],
  ];
  const refusals = await Promise.all(
    probes.map(async ([action, ask]): Promise<Refusal[]> => {
      try {
        await ask();
        return [];
      } catch (error) {
        if (isMissing(error)) return [];
        const { name, message } = error as Error;
        return [{ action, problem: `${name}: ${message}` }];
      }
    }),
  );
  return refusals.flat();
}
