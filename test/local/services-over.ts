import { Readable } from 'node:stream';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { autoScaling } from '../../local/aws/auto-scaling.ts';
import { cloudwatch } from '../../local/aws/cloudwatch.ts';
import { AwsError, type ServiceTable } from '../../local/aws/loopback.ts';
import { handleS3 } from '../../local/aws/s3.ts';
import { sagemaker } from '../../local/aws/sagemaker.ts';
import { createServices } from '../../shared/aws/all-services.ts';
import type { Services } from '../../shared/aws/services.ts';
import { loadConfig } from '../../shared/config-yaml.ts';
import { caller, type TestLoopback } from './in-memory-loopback.ts';

type Request = {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body?: string | Uint8Array;
};

/** The gate's own clients, whose requests end in the tables instead of on the network. */
export function servicesOver(loopback: TestLoopback): Services {
  const client = (
    answer: (request: Request) => { status: number; headers: Record<string, string>; body: string | Buffer },
  ) => ({
    region: loopback.region,
    credentials: { accessKeyId: 'gate', secretAccessKey: 'none' },
    requestHandler: {
      handle: async (request: unknown) => {
        const { status, headers, body } = answer(request as Request);
        return { response: { statusCode: status, headers, body: Readable.from([Buffer.from(body)]) } };
      },
    },
  });
  const json = (table: ServiceTable) =>
    client(({ headers, body }) => {
      const operation = table[headers['x-amz-target']?.split('.')[1] ?? ''];
      const answer = (status: number, value: unknown) => ({ status, headers: {}, body: JSON.stringify(value) });
      try {
        return answer(
          200,
          operation?.(
            JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) as Record<string, unknown>,
            caller,
          ),
        );
      } catch (error) {
        if (error instanceof AwsError) return answer(error.status, { __type: error.code, message: error.message });
        throw error;
      }
    });
  const s3 = client(({ method, path, query, headers, body }) =>
    handleS3(
      loopback,
      { method, path, query: new URLSearchParams(query), headers, body: Buffer.from(body ?? '') },
      caller,
    ),
  );
  return createServices(loadConfig({ ...process.env, PORTCULLIS_CONFIG: undefined }), {
    sagemaker: new SageMakerClient(json(sagemaker(loopback))),
    cloudwatch: new CloudWatchClient(json(cloudwatch(loopback))),
    scaling: new ApplicationAutoScalingClient(json(autoScaling(loopback))),
    s3: new S3Client({ ...s3, forcePathStyle: true }),
    now: () => loopback.now().toISOString(),
  });
}
