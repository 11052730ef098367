import { autoScaling } from './auto-scaling.ts';
import { cloudwatch } from './cloudwatch.ts';
import type { FleetEndpoint, Model } from './fleet.ts';
import type { Caller, Loopback } from './loopback.ts';
import { handleS3 } from './s3.ts';
import { type ObjectRow, objectKey } from './s3-buckets.ts';
import { sagemaker } from './sagemaker.ts';
import { endpoints } from './sagemaker-endpoints.ts';
import { monitoringSchedules } from './sagemaker-monitoring.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const bucketOf = (uri: string) => uri.slice('s3://'.length).split('/', 1)[0] ?? '';
const keyIn = (uri: string) => uri.slice(`s3://${bucketOf(uri)}/`.length);

/** What puts one endpoint into the account: the calls that a person would make, in that person's name. */
export type Seeding = {
  loopback: Loopback;
  endpoint: FleetEndpoint;
  caller: Caller;
  call: (operation: string, input: Record<string, unknown>) => void;
};

export function seedingFor(loopback: Loopback, endpoint: FleetEndpoint): Seeding {
  // The fleet has been there for a while: nothing of it is still being deployed.
  const settled = { ...loopback, transitionMs: 0 };
  const createdAt = new Date(loopback.now().getTime() - endpoint.createdDaysAgo * DAY_MS);
  let next = 0;
  const operations = {
    ...sagemaker(settled),
    ...endpoints(settled, () => createdAt),
    ...cloudwatch(settled),
    ...autoScaling(settled),
    ...monitoringSchedules(settled, { createdAt, runs: () => endpoint.monitors[next++]?.runs ?? 'Completed' }),
  };
  const caller = { accessKeyId: endpoint.changedBy, account: loopback.account, region: loopback.region };
  const call: Seeding['call'] = (name, input) => {
    const operation = operations[name];
    if (!operation) throw new Error(`The loopback AWS has no operation ${name}.`);
    operation(input, caller);
  };
  return { loopback, endpoint, caller, call };
}

export const role = ({ loopback }: Seeding, name: string) => `arn:aws:iam::${loopback.account}:role/${name}`;

export function putObject(
  { loopback, caller }: Seeding,
  uri: string,
  encryption: Model['encryption'],
  body: string,
): void {
  const key = objectKey(bucketOf(uri), keyIn(uri));
  if (loopback.store.get('object', key)) return;
  const put = (path: string, headers: Record<string, string>, content = '') =>
    handleS3(
      loopback,
      { method: 'PUT', path, query: new URLSearchParams(), headers, body: Buffer.from(content) },
      caller,
    );
  put(`/${bucketOf(uri)}`, {});
  const algorithm = encryption === 'sse-kms' ? 'aws:kms' : 'AES256';
  put(`/${bucketOf(uri)}/${encodeURI(keyIn(uri))}`, { 'x-amz-server-side-encryption': algorithm }, body);
  const row = loopback.store.get<ObjectRow>('object', key);
  if (row && encryption === 'none') loopback.store.put('object', key, { ...row, encryption: 'none' });
}
