import { EnableAlarmActionsCommand } from '@aws-sdk/client-cloudwatch';
import {
  StartMonitoringScheduleCommand,
  UpdateEndpointCommand,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker';
import { run } from '../functions/remediate.ts';
import { run as tellApprovers } from '../functions/tell-approvers.ts';
import { readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { ReadCache } from '../shared/aws/read-cache.ts';
import type { Config } from '../shared/config.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import { baselineAfter } from '../shared/model/endpoint-history.ts';
import type { Baseline, RecordOf } from '../shared/model/ledger-record.ts';
import type { RemediationMode } from '../shared/model/remediation.ts';
import * as a from './builders.ts';
import { awsError, type FakeAws, fakeAws, perfectWorld } from './fake-aws.ts';
import { type FakeTables, fakeTables } from './fake-ledger.ts';

/** The config that was accepted (two instances), the one that was refused (one), and one that nobody knows. */
export const ACCEPTED = 'fraud-prod-cfg-18';
export const REFUSED = 'fraud-prod-cfg-19';
export const OTHER = 'fraud-prod-cfg-20';

type Json = Record<string, unknown>;

let kept: { aws: FakeAws; tables: FakeTables } | undefined;

/** Making clients and mocks takes longer than all else here, so they are made once: a world ends when the next begins. */
function made(config: Config): { aws: FakeAws; tables: FakeTables } {
  if (!kept) {
    const aws = fakeAws({ config });
    kept = { aws, tables: fakeTables(aws) };
  }
  const { aws, tables } = kept;
  tables.clear();
  Object.assign(aws.world, perfectWorld());
  aws.clock.now = a.NOW;
  aws.calls.length = 0;
  const { services } = aws;
  Object.assign(services, { config, knownStreams: new Map(), startedAt: new Map(), measure: () => undefined });
  services.cache = new ReadCache(0, () => 0);
  return kept;
}

/**
 * A gate whose prod endpoint was accepted with change 1 and blocked with change 2, and a SageMaker that takes the calls
 * which put it back: an update is under way until it `settles`.
 */
export async function putBackWorld(mode: RemediationMode = 'enforce', overrides: Parameters<typeof a.config>[0] = {}) {
  const settings = a.settings();
  const config = a.config({
    policySettings: { ...settings, prod: { ...settings.prod, remediation: mode } },
    ...overrides,
  });
  const { aws, tables } = made(config);
  const { world, clock } = aws;
  const accepted = world.configs[ACCEPTED];
  const withCount = (InitialInstanceCount: number) => ({
    ...accepted,
    ProductionVariants: [{ ...accepted?.ProductionVariants?.[0], InitialInstanceCount }] as never,
  });
  world.configs[REFUSED] = withCount(1);
  world.configs[OTHER] = withCount(3);

  /** What the gate called, with the config that was in service then. */
  const updates: { input: Json; was: string | undefined }[] = [];
  const guards: { api: string; input: Json }[] = [];
  const countIn = (name: string) => world.configs[name]?.ProductionVariants?.[0]?.InitialInstanceCount;
  const modified = () => {
    clock.advance(1);
    return new Date(aws.services.now());
  };
  /** Deploys a config, as anybody may; `settle` ends it. */
  const deploy = (name: string, DeploymentConfig: unknown, count = countIn(name)) => {
    if (world.endpoint?.EndpointStatus !== 'InService')
      throw awsError('ValidationException', 'Cannot update in-progress endpoint');
    const variants = [
      {
        VariantName: 'AllTraffic',
        DesiredInstanceCount: count,
        DesiredWeight: 1,
        CurrentInstanceCount: count,
        CurrentWeight: 1,
      },
    ];
    world.endpoint = {
      ...world.endpoint,
      EndpointStatus: 'Updating',
      LastModifiedTime: modified(),
      LastDeploymentConfig: DeploymentConfig as never,
      PendingDeploymentSummary: { EndpointConfigName: name, ProductionVariants: variants },
    };
  };
  const settle = (as: 'deployed' | 'rolled-back' = 'deployed') => {
    const { PendingDeploymentSummary: pending, ...rest } = world.endpoint ?? {};
    if (!pending) return;
    world.endpoint = {
      ...rest,
      EndpointStatus: 'InService',
      LastModifiedTime: modified(),
      ...(as === 'deployed' && {
        EndpointConfigName: pending.EndpointConfigName,
        ProductionVariants: pending.ProductionVariants as never,
      }),
    };
  };
  const DEPLOYMENT = world.endpoint?.LastDeploymentConfig;
  const someone = {
    deploys: (name: string) => deploy(name, DEPLOYMENT),
    /** And it has settled before anybody looks. */
    hasDeployed: (name: string) => {
      deploy(name, DEPLOYMENT);
      settle();
    },
  };
  const take = (mock: object, command: { name: string }, effect: (input: Json) => void) =>
    aws.answer(mock, command, (input: Json) => {
      effect(input);
      return {};
    });
  take(aws.sagemaker, UpdateEndpointCommand, (input) => {
    const was = world.endpoint?.EndpointConfigName;
    const retained = input.RetainAllVariantProperties
      ? world.endpoint?.ProductionVariants?.[0]?.DesiredInstanceCount
      : undefined;
    deploy(
      String(input.EndpointConfigName),
      input.DeploymentConfig,
      retained ?? countIn(String(input.EndpointConfigName)),
    );
    updates.push({ input, was });
  });
  take(aws.sagemaker, UpdateEndpointWeightsAndCapacitiesCommand, (input) => {
    const was = world.endpoint?.EndpointConfigName;
    const [wanted] = input.DesiredWeightsAndCapacities as { DesiredInstanceCount?: number }[];
    deploy(was ?? '', world.endpoint?.LastDeploymentConfig, wanted?.DesiredInstanceCount);
    updates.push({ input, was });
  });
  take(aws.sagemaker, StartMonitoringScheduleCommand, (input) => {
    world.schedules = world.schedules.map((each) =>
      each.MonitoringScheduleName === input.MonitoringScheduleName
        ? { ...each, MonitoringScheduleStatus: 'Scheduled' }
        : each,
    );
    guards.push({ api: 'StartMonitoringSchedule', input });
  });
  take(aws.cloudwatch, EnableAlarmActionsCommand, (input) => {
    const names = input.AlarmNames as string[];
    world.alarms.MetricAlarms = (world.alarms.MetricAlarms ?? []).map((alarm) =>
      names.includes(alarm.AlarmName ?? '') ? { ...alarm, ActionsEnabled: true } : alarm,
    );
    guards.push({ api: 'EnableAlarmActions', input });
  });

  aws.answerDirectly();
  tables.answerDirectly();

  const read = async () => {
    const facts = await readEndpoint(aws.services, a.endpoint, { fresh: true });
    if (!facts) throw new Error('There is no endpoint.');
    return facts;
  };
  const nowIn = async () => changeDigest(effectiveDeployment(await read()));
  const blocked = [a.finding('prod-min-instances', 'violation', 'Variant AllTraffic can run on 1, needs 2.')];
  const ids = { next: 1 };
  /** Puts on record that the endpoint as it is was accepted. */
  const accept = async () => {
    const facts = await read();
    const generation = ids.next++;
    const digest = changeDigest(effectiveDeployment(facts));
    tables.add(a.opened(generation, facts, { baseline: baseline() }));
    tables.add(a.findings(generation, [a.finding('prod-budget', 'pass')], { digest }));
    tables.add(a.verified(generation, undefined, { digest }));
    tables.add(a.outcome(generation, 'compliant', { digest }));
    return generation;
  };
  const baseline = (): Baseline | null =>
    tables.records().length === 0 ? null : baselineAfter(a.historyFrom(tables.records()));
  /** Puts on record that the endpoint as it is was blocked. */
  const block = async (findings = blocked) => {
    const facts = await read();
    const generation = ids.next++;
    const digest = changeDigest(effectiveDeployment(facts));
    const at = aws.services.now();
    tables.add({ body: a.opened(generation, facts, { baseline: baseline() }), at });
    tables.add({ body: a.findings(generation, findings, { digest }), at });
    return generation;
  };
  const bodiesOf = <
    K extends RecordOf<'outcome'>['kind'] | `remediation-${'proposed' | 'accepted' | 'intended' | 'done'}`,
  >(
    kind: K,
  ) => tables.bodies().filter((body): body is RecordOf<K> => body.kind === kind);
  /** As the state machine goes on from there; `waiting` where it is to be run again later. */
  const remediate = async (generation = 2, caught: object = {}): Promise<{ state: 'waiting' | 'over' }> => {
    const input = { change: a.change(), generation, approvalTimeoutSeconds: 60 };
    try {
      return await run({ ...input, ...caught }, aws.services);
    } catch (error) {
      const { name, message } = error as Error;
      if (name === 'NotPutBackYetError') return { state: 'waiting' };
      if (name !== 'GuardsDownError' && name !== 'NewsError') throw error;
      await tellApprovers(input, aws.services);
      return name === 'NewsError'
        ? { state: 'over' }
        : remediate(generation, { guardsDown: { Error: name, Cause: message } });
    }
  };
  /** As the state machine does: again after an error, and again after a while where there is something to wait for. */
  const untilOver = async (generation = 2, meanwhile: () => void = settle): Promise<number> => {
    for (let runs = 1; runs < 300; runs += 1) {
      const state = await remediate(generation).then(
        (output) => output.state,
        () => 'failed' as const,
      );
      if (state === 'over') return runs;
      clock.advance(state === 'waiting' ? 240 : 10);
      meanwhile();
    }
    throw new Error('It never came to an end.');
  };
  return {
    ...{ aws, tables, world, clock, updates, guards, someone, settle, read, nowIn, accept, block, bodiesOf },
    ...{ remediate, untilOver, DEPLOYMENT, services: aws.services },
  };
}
export type PutBackWorld = Awaited<ReturnType<typeof putBackWorld>>;

/** Change 1 was accepted, and change 2 (one instance in prod) was blocked and runs. */
export async function blockedWorld(...given: Parameters<typeof putBackWorld>): Promise<PutBackWorld> {
  const gate = await putBackWorld(...given);
  await gate.accept();
  gate.someone.hasDeployed(REFUSED);
  await gate.block();
  return gate;
}
