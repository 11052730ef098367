import { wholeSeconds } from './cloudtrail.ts';
import { type Json, present } from './input.ts';
import type { Loopback } from './loopback.ts';
import { keyOf, type ResourceRow, removeResource, SAGEMAKER } from './sagemaker-resources.ts';
import type { LiveVariant } from './sagemaker-variants.ts';

/** What an endpoint runs, or will run: a config and its variants, with what DescribeEndpoint shows of the rest. */
export type Serving = { configName: string; variants: LiveVariant[]; shadowVariants: LiveVariant[]; settings: Json };

export type EndpointRow = ResourceRow & {
  status: 'Creating' | 'Updating' | 'InService' | 'Deleting';
  /** In service now; without variants until the first deployment has ended. */
  serving: Serving;
  /** PendingDeploymentSummary: present while another config is being deployed, not while weights and counts change. */
  pending?: Serving & { startedAt: number };
  /** The status change under way: when it ends, and with what; null where the endpoint will be gone. */
  transition?: { dueAt: number; to: Serving | null };
  lastDeploymentConfig?: Json;
};

/** Every status change has a LastModifiedTime of its own, whatever the clock says. */
export const laterThan = (before: number, loopback: Loopback) => Math.max(loopback.now().getTime(), before + 1);

function eventVariants(variants: LiveVariant[], withStatus: boolean): Json[] {
  return variants.map((variant) =>
    present({
      VariantName: variant.VariantName,
      CurrentWeight: variant.CurrentWeight,
      DesiredWeight: variant.DesiredWeight,
      CurrentInstanceCount: variant.CurrentInstanceCount,
      DesiredInstanceCount: variant.DesiredInstanceCount,
      VariantStatus: withStatus
        ? variant.VariantStatus?.map((status) => ({ ...status, StartTime: Math.round(status.StartTime * 1000) }))
        : undefined,
    }),
  );
}

/** `InService` is `IN_SERVICE` in events. */
const upperSnake = (status: string) => status.replaceAll(/(?<=.)[A-Z]/g, '_$&').toUpperCase();

/** Tells the bus which status the endpoint has now, and during an update how the deployment stands. */
function announce(loopback: Loopback, row: EndpointRow): void {
  const { name, arn, status, serving, pending } = row;
  const shown = status === 'Creating' && pending ? pending : serving;
  const event = (detailType: string, withStatus: boolean, more: Json = {}) =>
    loopback.emit({
      source: SAGEMAKER.source,
      'detail-type': detailType,
      time: wholeSeconds(loopback.now()),
      resources: [arn],
      detail: {
        EndpointName: name,
        EndpointArn: arn,
        EndpointConfigName: serving.configName,
        ProductionVariants: eventVariants(shown.variants, withStatus),
        EndpointStatus: upperSnake(status),
        CreationTime: row.createdAt,
        LastModifiedTime: row.modifiedAt,
        Tags: {},
        ...more,
      },
    });
  event('SageMaker Endpoint State Change', false);
  if (status !== 'Updating') return;
  const summary = pending && {
    EndpointConfigName: pending.configName,
    StartTime: pending.startedAt,
    ProductionVariants: eventVariants(pending.variants, true),
  };
  event('SageMaker Endpoint Deployment State Change', !pending, summary ? { PendingDeploymentSummary: summary } : {});
}

/** Stores and announces an endpoint in a new status, and sees to it that the transition under way comes to its end. */
export function putEndpoint(loopback: Loopback, row: EndpointRow): void {
  loopback.store.put('endpoint', keyOf(row.name), row);
  announce(loopback, row);
  if (!row.transition) return;
  if (loopback.transitionMs <= 0) settle(loopback, row);
  else schedule(loopback, row, loopback.transitionMs);
}

function schedule(loopback: Loopback, row: EndpointRow, ms: number): void {
  loopback.after(ms, () => {
    const now = loopback.store.get<EndpointRow>('endpoint', keyOf(row.name));
    // Not another endpoint of this name, nor another transition.
    if (now?.transition && now.modifiedAt === row.modifiedAt) loopback.store.together(() => settle(loopback, now));
  });
}

function settle(loopback: Loopback, { transition, pending: _over, ...row }: EndpointRow): void {
  if (!transition) return;
  if (transition.to === null) {
    removeEndpoint(loopback, row);
    return;
  }
  putEndpoint(loopback, {
    ...row,
    status: 'InService',
    serving: transition.to,
    modifiedAt: laterThan(row.modifiedAt, loopback),
  });
}

/** DeleteEndpoint deregisters the scalable targets of its variants too. */
function removeEndpoint(loopback: Loopback, row: EndpointRow): void {
  removeResource(loopback, 'endpoint', row);
  const prefix = `sagemaker/endpoint/${row.name}/variant/`.toLowerCase();
  for (const kind of ['scalable-target', 'scheduled-action']) {
    for (const key of loopback.store.keys(kind)) {
      if (key.toLowerCase().startsWith(prefix)) loopback.store.delete(kind, key);
    }
  }
}

/** Goes on with the transitions that were under way when the process stopped. */
export function resumeTransitions(loopback: Loopback): void {
  for (const row of loopback.store.list<EndpointRow>('endpoint')) {
    if (row.transition) schedule(loopback, row, Math.max(0, row.transition.dueAt - loopback.now().getTime()));
  }
}
