import type * as z from 'zod';
import { autoScaling } from '../../local/aws/auto-scaling.ts';
import { cloudwatch } from '../../local/aws/cloudwatch.ts';
import { Fleet } from '../../local/aws/fleet.ts';
import { handleS3 } from '../../local/aws/s3.ts';
import { type ObjectRow, objectKey } from '../../local/aws/s3-buckets.ts';
import { sagemaker } from '../../local/aws/sagemaker.ts';
import { keyOf } from '../../local/aws/sagemaker-resources.ts';
import { seedFleet } from '../../local/aws/seed.ts';
import type { Outcome } from '../../shared/model/finding.ts';
import type { PolicySettings } from '../../shared/policies/settings.ts';
import { caller, type TestLoopback } from '../local/in-memory-loopback.ts';

export type FleetInput = z.input<typeof Fleet>['endpoints'][number];
type Json = Record<string, unknown>;

/** A production endpoint with nothing wrong, in the words of examples/fleet.yaml. A row changes one thing about it. */
export const goodEndpoint = (name: string): FleetInput => ({
  name,
  ends: 'waiting',
  because: ['prod-human-approval'],
  tags: { environment: 'prod' },
  changedBy: 'ml-engineer',
  variants: [goodVariant],
  dataCapture: { samplingPercentage: 20 },
  rollbackAlarms: [
    `${name}-ModelMonitorAlarm`,
    `${name}-DataDriftAlarm`,
    { name: `${name}-5xx`, metric: 'Invocation5XXErrors' },
  ],
  bakeSeconds: 600,
  alarms: 'create',
  monitors: [{ type: 'DataQuality' }],
});
export const goodModel = { image: 'fraud:3.4.1', artifact: 's3://example-models/fraud/model.tar.gz' };
export const goodVariant = { instanceType: 'ml.m5.large', count: 2, model: goodModel };

/** What the gate finds about the good endpoint under the default settings; a row says where its own differs. */
export const goodFindings: Record<string, Outcome> = {
  'dev-instance-type': 'not-applicable',
  'staging-instance-type': 'not-applicable',
  'prod-min-instances': 'pass',
  'staging-budget': 'not-applicable',
  'prod-budget': 'pass',
  'prod-human-approval': 'needs-approval',
  'rollback-alarms': 'pass',
  'prod-model-monitor': 'pass',
  'minimal-instance-counts': 'not-applicable',
  'approved-instance-types': 'pass',
  'encrypted-artifacts': 'pass',
};

/** The account after the good endpoint was put into it, for whatever people do next. */
export type Account = {
  /** The endpoint of the row; it has a name of its own in an account that all rows share. */
  name: string;
  /** Any call of the loopback AWS, as the API spells it; deployments end at once. */
  call: (operation: string, input: Json) => void;
  /** The same, and a deployment that it starts goes on for ever. */
  slowly: (operation: string, input: Json) => void;
  /** What no call can do: edits what the loopback AWS keeps, by kind (`endpoint`, `alarm`) and name. */
  edit: <Row extends Json>(kind: string, name: string, change: (row: Row) => Json) => void;
  /** Puts an object, or takes one away; `none` is one from before 2023, without encryption. */
  putObject: (uri: string, encryption?: 'AES256' | 'aws:kms' | 'none') => void;
  deleteObject: (uri: string) => void;
  now: () => Date;
};

/** A real-life fleet: an endpoint as somebody has it, and what the gate must find. */
export type Row = {
  /** A sentence. */
  name: string;
  /** The members of the good endpoint that are otherwise. */
  endpoint?: Partial<FleetInput> | ((name: string) => Partial<FleetInput>);
  /** What happens after it was made. */
  after?: (account: Account) => void;
  settings?: Partial<PolicySettings>;
  /** Where the findings differ from those of the good endpoint: the outcome, and what a message must say. */
  finds?: Record<string, Outcome | [Outcome, RegExp]>;
  /** Where it cannot be read: what the error must say. */
  fails?: RegExp;
};

export function accountOf(loopback: TestLoopback, name: string): Account {
  const tables = (transitionMs: number) => {
    const own = { ...loopback, transitionMs };
    return { ...sagemaker(own), ...cloudwatch(own), ...autoScaling(own) };
  };
  const callIn = (transitionMs: number) => (operation: string, input: Json) => {
    const run = tables(transitionMs)[operation];
    if (!run) throw new Error(`There is no operation ${operation}.`);
    run(input, caller);
  };
  const s3 = (method: string, uri: string, headers: Record<string, string> = {}) => {
    const path = `/${uri.slice('s3://'.length)}`;
    const [, bucket = ''] = path.split('/');
    const request = (to: string, how: string, more: Record<string, string>) =>
      handleS3(
        loopback,
        { method: how, path: to, query: new URLSearchParams(), headers: more, body: Buffer.from('x') },
        caller,
      );
    if (method === 'PUT') request(`/${bucket}`, 'PUT', {});
    request(path, method, headers);
    return objectKey(bucket, path.slice(bucket.length + 2));
  };
  const edit: Account['edit'] = (kind, key, change) => {
    const row = loopback.store.get<never>(kind, kind === 'alarm' || kind === 'object' ? key : keyOf(key));
    if (!row) throw new Error(`There is no ${kind} ${key}.`);
    loopback.store.put(kind, kind === 'alarm' || kind === 'object' ? key : keyOf(key), change(row));
  };
  return {
    name,
    call: callIn(0),
    slowly: callIn(3_600_000),
    edit,
    putObject: (uri, encryption = 'AES256') => {
      const key = s3('PUT', uri, { 'x-amz-server-side-encryption': encryption === 'none' ? 'AES256' : encryption });
      if (encryption === 'none') edit<ObjectRow & Json>('object', key, (row) => ({ ...row, encryption: 'none' }));
    },
    deleteObject: (uri) => void s3('DELETE', uri),
    now: loopback.now,
  };
}

/** Puts the endpoint of a row into the account, and lets happen what happens after. */
export function putRow(loopback: TestLoopback, row: Row, name: string): void {
  const otherwise = typeof row.endpoint === 'function' ? row.endpoint(name) : row.endpoint;
  seedFleet(loopback, Fleet.parse({ endpoints: [{ ...goodEndpoint(name), ...otherwise }] }));
  row.after?.(accountOf(loopback, name));
}
