import * as z from 'zod';
import { actorFrom, UserIdentity } from './actor.ts';
import { EndpointChange, type Sighting } from './endpoint-change.ts';
import { EndpointRef, refFromArn } from './endpoint-ref.ts';
import { endpointsInDimensions, guardCalls, guardsOfCall } from './guard-call.ts';
import type { GuardKey } from './guard-key.ts';
import { SMOKE_CAUSE, SMOKE_PREFIX, SMOKE_SOURCE } from './smoke-event.ts';
import { changeFromPlan, mistakeLine, PLAN_SOURCE, readPlan } from './submitted-plan.ts';

/** A change of an endpoint that the event does not name. */
export type PlacedChange = Omit<EndpointChange, 'endpoint'> & Pick<EndpointRef, 'account' | 'region'>;

/**
 * What an event means to the gate:
 * - `change`: an endpoint may have changed;
 * - `guard`: what guards endpoints may have changed: those that it names, and those that the index knows it guards;
 * - `lookup`: an endpoint may have changed, but the event names only an inference component, to be looked up;
 * - `execution-ended`: an execution of a state machine ended otherwise than by its own last state;
 * - `dropped`: it is about nothing we gate (the reason is counted);
 * - `poison`: it is not what its type promises (it is quarantined, never dropped).
 */
export type EventReading =
  | { as: 'change'; change: EndpointChange }
  | { as: 'guard'; keys: GuardKey[]; endpoints: EndpointRef[]; change: PlacedChange }
  | { as: 'lookup'; what: 'inference-component'; name: string; change: PlacedChange }
  | { as: 'execution-ended'; stateMachineArn: string; executionArn: string; status: string }
  | { as: 'dropped'; reason: string }
  | { as: 'poison'; reason: string };

const Envelope = z.object({
  id: z.string().min(1).max(256),
  'detail-type': z.string().min(1),
  source: z.string().min(1),
  account: EndpointRef.shape.account,
  region: EndpointRef.shape.region,
  // ISO in all but one of AWS's samples, which has epoch milliseconds in a string.
  time: z.string().transform((text, context) => {
    const date = new Date(/^\d{12,}$/.test(text) ? Number(text) : text);
    if (!Number.isNaN(date.getTime())) return date.toISOString();
    context.issues.push({ code: 'custom', message: 'is no time', input: text });
    return z.NEVER;
  }),
  detail: z.record(z.string(), z.unknown()),
});
type Envelope = z.infer<typeof Envelope>;

const EpochMs = z
  .number()
  .min(0)
  .max(8_640_000_000_000_000)
  .transform((ms) => new Date(ms).toISOString());
const VariantSummary = z.object({
  VariantName: z.string().optional(),
  DesiredInstanceCount: z.number().optional(),
  DesiredWeight: z.number().optional(),
});
const StateChange = z.object({
  EndpointName: EndpointRef.shape.name,
  EndpointStatus: z.string(),
  EndpointConfigName: z.string().optional(),
  LastModifiedTime: EpochMs.optional(),
  ProductionVariants: z.array(VariantSummary).optional(),
  PendingDeploymentSummary: z
    .object({ EndpointConfigName: z.string().optional(), ProductionVariants: z.array(VariantSummary).optional() })
    .nullish(),
});
const ApiCall = z.object({
  eventSource: z.string(),
  eventName: z.string(),
  eventID: z.string().optional(),
  eventTime: z.iso.datetime({ offset: true }),
  userIdentity: UserIdentity,
  errorCode: z.string().optional(),
  requestParameters: z.record(z.string(), z.unknown()).nullish(),
  additionalEventData: z.object({ service: z.string().optional() }).nullish(),
});
type ApiCall = z.infer<typeof ApiCall>;
const AlarmConfigurationChange = z.object({
  alarmName: z.string().min(1),
  operation: z.string(),
  configuration: z.looseObject({}),
  previousConfiguration: z.looseObject({}).nullish(),
});

const Smoke = z.object({ EndpointName: z.string().startsWith(SMOKE_PREFIX) });
const ExecutionStatusChange = z.object({
  stateMachineArn: z.string(),
  executionArn: z.string(),
  status: z.string(),
});

const dropped = (reason: string): EventReading => ({ as: 'dropped', reason });
const poison = (reason: string): EventReading => ({ as: 'poison', reason });

/** `detail.EndpointName: must be an endpoint name ...`, all issues in one line. */
function explain(error: z.ZodError, prefix = ''): string {
  return error.issues
    .map(({ path, message }) => `${[prefix, ...path.map(String)].filter(Boolean).join('.') || 'event'}: ${message}`)
    .join('; ');
}

function desired(variants: z.infer<typeof VariantSummary>[] | undefined): Sighting['desired'] {
  if (!variants) return undefined;
  return Object.fromEntries(
    variants.map(({ VariantName = '', DesiredInstanceCount, DesiredWeight }) => [
      VariantName,
      {
        ...(DesiredInstanceCount === undefined ? {} : { instances: DesiredInstanceCount }),
        ...(DesiredWeight === undefined ? {} : { weight: DesiredWeight }),
      },
    ]),
  );
}

const withoutUndefined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

// Event statuses are UPPER_SNAKE where the API has CamelCase: `IN_SERVICE` is `InService`.
const normalised = (status: string) => status.replaceAll('_', '').toLowerCase();

/** Reads a native event about an endpoint: what it shows is what DescribeEndpoint shows. */
export function readStateChange(envelope: Envelope): EventReading {
  const parsed = StateChange.safeParse(envelope.detail);
  if (!parsed.success) return poison(explain(parsed.error, 'detail'));
  const detail = parsed.data;
  const status = normalised(detail.EndpointStatus);
  // SystemUpdating is AWS's own maintenance; it changes no customer setting.
  if (status === 'systemupdating') return dropped('aws-maintenance');
  const pending = detail.PendingDeploymentSummary;
  // While it is updating, the top level shows the old config and the old counts; without the pending summary
  // the event does not say what is coming.
  const shown = pending ?? (status === 'updating' ? undefined : detail);
  const sighting = withoutUndefined({
    configName: shown?.EndpointConfigName,
    desired: desired(shown?.ProductionVariants),
    lastModifiedAt: detail.LastModifiedTime,
    settled: ['inservice', 'failed', 'outofservice', 'updaterollbackfailed'].includes(status),
  });
  return change(envelope, {
    endpoint: { account: envelope.account, region: envelope.region, name: detail.EndpointName },
    kind: status === 'deleting' ? 'deleted' : 'endpoint',
    cause: envelope['detail-type'],
    sighting,
  });
}

function change(
  envelope: Envelope,
  rest: Pick<EndpointChange, 'endpoint' | 'kind' | 'cause' | 'sighting'> & Partial<EndpointChange>,
): EventReading {
  const parsed = EndpointChange.safeParse({ eventId: envelope.id, at: envelope.time, ...rest });
  return parsed.success ? { as: 'change', change: parsed.data } : poison(explain(parsed.error));
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** The endpoint that a call's parameters name, whatever field the API puts it in. */
function endpointNameIn(parameters: Record<string, unknown>): string | undefined {
  const direct = text(parameters.endpointName);
  if (direct) return direct;
  const scalable = /^endpoint\/([^/]+)\/variant\//.exec(text(parameters.resourceId) ?? '')?.[1];
  if (scalable) return scalable;
  const arn = refFromArn(text(parameters.resourceArn) ?? '');
  if (arn) return arn.name;
  // CreateMonitoringSchedule: monitoringScheduleConfig...endpointInput.endpointName, at a depth that depends on the type.
  return /"endpointInput":\{[^{}]*"endpointName":"([^"]+)"/.exec(JSON.stringify(parameters))?.[1];
}

// Here and not where it is used: building a schema takes longer than reading with it.
const WantedWeights = z.array(
  z.object({
    variantName: z.string(),
    desiredInstanceCount: z.number().optional(),
    desiredWeight: z.number().optional(),
  }),
);

function sightingOfCall(call: ApiCall): Sighting {
  const parameters = call.requestParameters ?? {};
  if (call.eventName === 'UpdateEndpointWeightsAndCapacities') {
    const wanted = WantedWeights.safeParse(parameters.desiredWeightsAndCapacities);
    if (!wanted.success) return {};
    const summaries = wanted.data.map(({ variantName, desiredInstanceCount, desiredWeight }) =>
      withoutUndefined({
        VariantName: variantName,
        DesiredInstanceCount: desiredInstanceCount,
        DesiredWeight: desiredWeight,
      }),
    );
    return withoutUndefined({ desired: desired(summaries) });
  }
  return withoutUndefined({ configName: text(parameters.endpointConfigName) });
}

const CALLS: Record<string, EndpointChange['kind']> = {
  CreateEndpoint: 'endpoint',
  UpdateEndpoint: 'endpoint',
  UpdateEndpointWeightsAndCapacities: 'endpoint',
  DeleteEndpoint: 'deleted',
  RegisterScalableTarget: 'endpoint',
  PutScheduledAction: 'endpoint',
  DeleteScheduledAction: 'endpoint',
  DeregisterScalableTarget: 'endpoint',
  CreateInferenceComponent: 'endpoint',
  UpdateInferenceComponent: 'endpoint',
  UpdateInferenceComponentRuntimeConfig: 'endpoint',
  DeleteInferenceComponent: 'endpoint',
  AddTags: 'guard',
  DeleteTags: 'guard',
  CreateMonitoringSchedule: 'guard',
  UpdateMonitoringSchedule: 'guard',
  StartMonitoringSchedule: 'guard',
  StopMonitoringSchedule: 'guard',
  DeleteMonitoringSchedule: 'guard',
  ...Object.fromEntries(guardCalls.map((call) => [call, 'guard' as const])),
};
/** The calls that must lead to a decision, by the name that CloudTrail has for them. */
export const gatedCalls: readonly string[] = Object.keys(CALLS);

/** A change of guards: of the endpoints that are named, where their names can be such. */
function guardChange({ account, region }: Envelope, keys: GuardKey[], names: readonly string[], change: PlacedChange) {
  const refs = [...new Set(names)].map((name) => EndpointRef.safeParse({ account, region, name }));
  const endpoints = refs.flatMap(({ data }) => data ?? []);
  return { as: 'guard' as const, keys, endpoints, change };
}

function readCall(envelope: Envelope): EventReading {
  const parsed = ApiCall.safeParse(envelope.detail);
  if (!parsed.success) return poison(explain(parsed.error, 'detail'));
  const call = parsed.data;
  const kind = Object.hasOwn(CALLS, call.eventName) ? CALLS[call.eventName] : undefined;
  if (!kind) return dropped(`call-not-gated:${call.eventName.slice(0, 64)}`);
  if (call.errorCode) return dropped(`failed-call:${call.eventName}`);
  // Application Auto Scaling arrives under EC2 Auto Scaling's names; only additionalEventData tells them apart.
  if (
    call.eventSource === 'autoscaling.amazonaws.com' &&
    call.additionalEventData?.service !== 'application-autoscaling'
  ) {
    return dropped('ec2-auto-scaling');
  }
  const parameters = call.requestParameters ?? {};
  const common = {
    kind,
    cause: call.eventName,
    eventId: call.eventID ?? envelope.id,
    at: new Date(call.eventTime).toISOString(),
    actor: actorFrom(call.userIdentity),
    sighting: sightingOfCall(call),
  };
  const { account, region } = envelope;
  const name = endpointNameIn(parameters);
  const guards = guardsOfCall(call.eventName, parameters);
  if (guards && guards.length > 0) {
    const names = [...(name ? [name] : []), ...endpointsInDimensions(parameters)];
    return guardChange(envelope, guards, names, { ...common, account, region });
  }
  if (name)
    return change(envelope, { ...common, endpoint: { account: envelope.account, region: envelope.region, name } });
  const component = text(parameters.inferenceComponentName);
  if (component)
    return { as: 'lookup', what: 'inference-component', name: component, change: { ...common, account, region } };
  if (call.eventName === 'AddTags' || call.eventName === 'DeleteTags') return dropped('tags-of-something-else');
  if (/(ScalableTarget|ScheduledAction)$/.test(call.eventName)) return dropped('scaling-of-something-else');
  if (guards) return poison(`detail.requestParameters names nothing, which ${call.eventName} must`);
  return poison(`detail.requestParameters names no endpoint, which ${call.eventName} must`);
}

/** The endpoints that an alarm's dimensions name; AWS writes the dimension both `Endpoint` and `EndpointName`. */
function endpointsInAlarm(configuration: unknown): string[] {
  const found = JSON.stringify(configuration ?? {}).matchAll(/"(?:Endpoint|EndpointName)":"([^"]+)"/g);
  return [...new Set([...found].map(([, name]) => name ?? ''))];
}

function readAlarmConfiguration(envelope: Envelope): EventReading {
  const parsed = AlarmConfigurationChange.safeParse(envelope.detail);
  if (!parsed.success) return poison(explain(parsed.error, 'detail'));
  const { alarmName, operation, configuration, previousConfiguration } = parsed.data;
  const names = [...endpointsInAlarm(configuration), ...endpointsInAlarm(previousConfiguration)];
  return guardChange(envelope, [{ kind: 'alarm', name: alarmName }], names, {
    account: envelope.account,
    region: envelope.region,
    kind: 'guard',
    cause: `${envelope['detail-type']} (${operation})`,
    eventId: envelope.id,
    at: envelope.time,
    sighting: {},
  });
}

function readExecutionStatus(envelope: Envelope): EventReading {
  const parsed = ExecutionStatusChange.safeParse(envelope.detail);
  if (!parsed.success) return poison(explain(parsed.error, 'detail'));
  const { stateMachineArn, executionArn, status } = parsed.data;
  if (!['FAILED', 'TIMED_OUT', 'ABORTED'].includes(status)) return dropped('execution-status');
  return { as: 'execution-ended', stateMachineArn, executionArn, status };
}

/** An event of our own smoke test. Anybody who may put events could send it, so it speaks of smoke endpoints only. */
function readSmoke(envelope: Envelope): EventReading {
  const parsed = Smoke.safeParse(envelope.detail);
  if (!parsed.success) return poison(explain(parsed.error, 'detail'));
  const { account, region } = envelope;
  return change(envelope, {
    endpoint: { account, region, name: parsed.data.EndpointName },
    kind: 'deleted',
    cause: SMOKE_CAUSE,
    sighting: {},
  });
}

/** A submitted plan. Who may put such events is IAM's business; whom the plan names is no more than a claim. */
function readSubmission(envelope: Envelope): EventReading {
  // Its validity counts from its submission, however late it is delivered; GatherFacts has the clock.
  const reading = readPlan(envelope.detail, envelope.time);
  if ('mistakes' in reading) return poison(reading.mistakes.map((each) => `detail.${mistakeLine(each)}`).join('; '));
  const submission = changeFromPlan(reading.plan, envelope, { eventId: envelope.id, at: envelope.time });
  return { as: 'change', change: submission };
}

/** Reads any event of the default bus. Never throws. */
export function readEvent(input: unknown): EventReading {
  const parsed = Envelope.safeParse(input);
  if (!parsed.success) return poison(explain(parsed.error));
  const envelope = parsed.data;
  if (envelope.source === SMOKE_SOURCE) return readSmoke(envelope);
  if (envelope.source === PLAN_SOURCE) return readSubmission(envelope);
  switch (envelope['detail-type']) {
    case 'SageMaker Endpoint State Change':
    case 'SageMaker Endpoint Deployment State Change':
      return readStateChange(envelope);
    case 'AWS API Call via CloudTrail':
      return readCall(envelope);
    case 'CloudWatch Alarm Configuration Change':
      return readAlarmConfiguration(envelope);
    case 'Step Functions Execution Status Change':
      return readExecutionStatus(envelope);
    default:
      return dropped(`not-gated:${envelope['detail-type'].slice(0, 64)}`);
  }
}
