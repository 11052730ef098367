import { EnableAlarmActionsCommand } from '@aws-sdk/client-cloudwatch';
import {
  StartMonitoringScheduleCommand,
  UpdateEndpointCommand,
  type UpdateEndpointCommandInput,
  UpdateEndpointWeightsAndCapacitiesCommand,
  type UpdateEndpointWeightsAndCapacitiesCommandInput,
} from '@aws-sdk/client-sagemaker';
import type { RemediationCall } from '../model/remediation-call.ts';
import type { With } from './services.ts';

type Writing = With<'sagemaker' | 'cloudwatch'>;

/** The one place where the gate writes to SageMaker and CloudWatch. */
function send({ sagemaker, cloudwatch }: Writing, { api, input }: RemediationCall): Promise<unknown> {
  switch (api) {
    case 'sagemaker:UpdateEndpoint':
      return sagemaker.send(new UpdateEndpointCommand(input as unknown as UpdateEndpointCommandInput));
    case 'sagemaker:UpdateEndpointWeightsAndCapacities':
      return sagemaker.send(
        new UpdateEndpointWeightsAndCapacitiesCommand(
          input as unknown as UpdateEndpointWeightsAndCapacitiesCommandInput,
        ),
      );
    case 'sagemaker:StartMonitoringSchedule':
      return sagemaker.send(
        new StartMonitoringScheduleCommand({ MonitoringScheduleName: String(input.MonitoringScheduleName) }),
      );
    case 'cloudwatch:EnableAlarmActions':
      return cloudwatch.send(
        new EnableAlarmActionsCommand({ AlarmNames: (input.AlarmNames as unknown[]).map(String) }),
      );
    default:
      throw new Error(`The gate does not call ${api}.`);
  }
}

/** AWS said no, and would again: neither throttling nor a fault of its own. */
function isRefusal(error: unknown): error is Error {
  const { name = '', $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  return status >= 400 && status < 500 && status !== 408 && status !== 429 && !/throttl|toomany|timeout/i.test(name);
}

/** Makes calls, one after the other. Returns what AWS said where it refused one; anything else that fails is thrown. */
export async function makeCalls(services: Writing, calls: readonly RemediationCall[]): Promise<string | undefined> {
  for (const call of calls) {
    try {
      await send(services, call);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return `AWS refused ${call.api}: ${error.name}: ${error.message}`.slice(0, 1_000);
    }
  }
  return undefined;
}
