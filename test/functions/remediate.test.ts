import { describe, expect, test } from 'vitest';
import { acceptRemediation } from '../../shared/aws/accept-remediation.ts';
import { finishRemediations } from '../../shared/aws/unfinished-remediations.ts';
import * as a from '../builders.ts';
import { awsError } from '../fake-aws.ts';
import { ACCEPTED, blockedWorld, OTHER, type PutBackWorld, putBackWorld, REFUSED } from '../put-back-world.ts';

const WRITES = /^(Update|Start|Enable|Create|Delete|Put)/;
/** Calls to SageMaker and CloudWatch that change something there. */
const writesOf = ({ aws }: PutBackWorld) =>
  aws.calls.filter(
    (name) => WRITES.test(name) && !['UpdateItem', 'PutItem', 'DeleteItem', 'StartExecution'].includes(name),
  );
const endOf = (gate: PutBackWorld) => gate.bodiesOf('remediation-done').at(-1);
const proposalOf = (gate: PutBackWorld) => gate.bodiesOf('remediation-proposed').at(-1);
const wayBack = (gate: PutBackWorld) => ({
  api: 'sagemaker:UpdateEndpoint',
  input: { EndpointName: 'fraud-prod', EndpointConfigName: ACCEPTED, DeploymentConfig: gate.DEPLOYMENT },
});

describe('where the settings enforce', () => {
  test('a blocked change is put back with the DeploymentConfig that was accepted, and the ledger tells of it in order', async () => {
    const gate = await blockedWorld();
    await gate.untilOver();
    expect(gate.updates).toEqual([{ input: wayBack(gate).input, was: REFUSED }]);
    expect(gate.tables.kinds().slice(-3)).toEqual(['outcome#2', 'remediation-intended#2', 'remediation-done#2']);
    expect(gate.bodiesOf('remediation-intended')[0]).toMatchObject({ calls: [wayBack(gate)], person: null });
    expect(endOf(gate)).toMatchObject({ result: 'done', reason: expect.stringContaining(ACCEPTED) });
    expect(gate.world.endpoint?.EndpointConfigName).toBe(ACCEPTED);
  });

  test('that it was blocked is on record before anything is waited for', async () => {
    const gate = await blockedWorld();
    gate.world.endpoint = { ...gate.world.endpoint, EndpointStatus: 'SystemUpdating' };
    expect(await gate.remediate()).toEqual({ state: 'waiting' });
    expect(gate.bodiesOf('outcome').at(-1)).toMatchObject({ generation: 2, result: 'blocked' });
    expect(gate.updates).toEqual([]);
  });

  test('run again when all is over, nothing is done and nobody is told again', async () => {
    const gate = await blockedWorld();
    await gate.untilOver();
    const [records, mails] = [gate.tables.records(), gate.world.mails.length];
    expect(mails).toBe(2);
    expect(await gate.remediate()).toEqual({ state: 'over' });
    expect(gate.tables.records()).toEqual(records);
    expect([gate.updates.length, gate.world.mails.length]).toEqual([1, mails]);
  });

  test('an endpoint that stays under way for twelve hours is given up, loudly', async () => {
    const gate = await blockedWorld();
    gate.world.endpoint = { ...gate.world.endpoint, EndpointStatus: 'Updating' };
    expect(await gate.remediate()).toEqual({ state: 'waiting' });
    gate.clock.advance(12 * 3_600 + 1);
    expect(await gate.remediate()).toEqual({ state: 'over' });
    expect(endOf(gate)).toMatchObject({ result: 'failed', reason: expect.stringContaining('twelve hours') });
    expect(gate.updates).toEqual([]);
  });

  test('an endpoint that is another by now is left alone', async () => {
    const gate = await blockedWorld();
    gate.someone.hasDeployed(OTHER);
    await gate.untilOver();
    expect(endOf(gate)).toMatchObject({ result: 'abandoned', reason: expect.stringContaining('another by now') });
    expect(writesOf(gate)).toEqual([]);
  });

  test('what moves in the moment between the intent and the call is left alone', async () => {
    const gate = await blockedWorld();
    gate.world.before = (command) => {
      if (command !== 'DescribeEndpoint' || gate.bodiesOf('remediation-intended').length === 0) return;
      gate.world.before = () => undefined;
      gate.someone.deploys(OTHER);
    };
    await gate.untilOver();
    expect(endOf(gate)).toMatchObject({ result: 'failed', reason: expect.stringContaining('somebody has changed it') });
    expect(writesOf(gate)).toEqual([]);
  });

  test('where SageMaker rolls the update back, it is not tried again', async () => {
    const gate = await blockedWorld();
    await gate.untilOver(2, () => gate.settle('rolled-back'));
    expect(gate.updates).toHaveLength(1);
    expect(endOf(gate)).toMatchObject({ result: 'failed', reason: expect.stringContaining('rolled back') });
  });

  test('what AWS refuses is told in its words, and not tried again', async () => {
    const gate = await blockedWorld();
    gate.world.before = (command) => {
      if (command === 'UpdateEndpoint')
        throw awsError('AccessDeniedException', 'not authorized to perform sagemaker:UpdateEndpoint');
    };
    await gate.untilOver();
    expect(endOf(gate)).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('AccessDeniedException: not authorized'),
    });
    expect(writesOf(gate)).toHaveLength(1);
  });

  test('an endpoint whose accepted count differs from its config is put back with the count that runs', async () => {
    const gate = await putBackWorld();
    gate.world.endpoint = {
      ...gate.world.endpoint,
      ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 3, DesiredWeight: 1 }] as never,
    };
    await gate.accept();
    gate.someone.hasDeployed(OTHER);
    // The same three instances, of another kind.
    const [variant] = gate.world.configs[OTHER]?.ProductionVariants ?? [];
    gate.world.configs[OTHER] = {
      ...gate.world.configs[OTHER],
      ProductionVariants: [{ ...variant, InstanceType: 'ml.m5.xlarge' }] as never,
    };
    await gate.block();
    await gate.untilOver();
    expect(gate.updates[0]?.input).toMatchObject({
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: [
        { VariantPropertyType: 'DesiredWeight' },
        { VariantPropertyType: 'DataCaptureConfig' },
      ],
    });
    expect(endOf(gate)?.result).toBe('done');
  });

  test('counts that were changed without another config are set back by the call that sets counts', async () => {
    const gate = await putBackWorld();
    await gate.accept();
    gate.world.endpoint = {
      ...gate.world.endpoint,
      LastModifiedTime: new Date(a.later(5)),
      ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 1, DesiredWeight: 1 }] as never,
    };
    await gate.block();
    await gate.untilOver();
    expect(gate.updates.map(({ input }) => input)).toEqual([
      {
        EndpointName: 'fraud-prod',
        DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredWeight: 1, DesiredInstanceCount: 2 }],
      },
    ]);
    expect(endOf(gate)?.result).toBe('done');
  });

  test('the fourth within an hour is not done, and somebody is called', async () => {
    const gate = await blockedWorld();
    const measured: unknown[] = [];
    gate.services.measure = (metric) => measured.push(metric);
    for (const generation of [2, 3, 4]) {
      await gate.untilOver(generation);
      gate.someone.hasDeployed(REFUSED);
      await gate.block();
    }
    await gate.untilOver(5);
    expect(gate.updates).toHaveLength(3);
    expect(endOf(gate)).toMatchObject({
      generation: 5,
      result: 'stopped',
      reason: expect.stringContaining('changes 2, 3, 4'),
    });
    expect(measured).toContainEqual({
      name: 'Remediations',
      unit: 'Count',
      value: 1,
      dimensions: { Result: 'stopped' },
    });
    gate.clock.advance(3_600);
    await gate.block();
    await gate.untilOver(6);
    expect(gate.updates).toHaveLength(4);
  });
});

describe('what cannot be put back is proposed only:', () => {
  test('a new endpoint, which is never deleted', async () => {
    const gate = await putBackWorld();
    await gate.block();
    await gate.untilOver(1);
    expect(proposalOf(gate)).toMatchObject({ to: null, calls: [], others: [] });
    expect(proposalOf(gate)?.notes.join(' ')).toMatch(/was ever accepted.*never deletes/s);
    expect(writesOf(gate)).toEqual([]);
  });

  test.each<[string, RegExp, (gate: PutBackWorld) => void]>([
    ['a config that was deleted', /does not exist any more/, ({ world }) => delete world.configs[ACCEPTED]],
    [
      'a model that was deleted',
      /cannot be read/,
      ({ world }) => {
        const [variant] = world.configs[REFUSED]?.ProductionVariants ?? [];
        world.models.another = { ...world.models['fraud-2026-11-19'] };
        world.configs[REFUSED] = {
          ...world.configs[REFUSED],
          ProductionVariants: [{ ...variant, ModelName: 'another' }] as never,
        };
        delete world.models['fraud-2026-11-19'];
      },
    ],
    [
      'a model whose artifact is another by now',
      /artifacts.*would be/,
      ({ world }) => {
        world.objects['ml-artifacts-prod/fraud/model.tar.gz'] = { ETag: '"other"', ServerSideEncryption: 'AES256' };
      },
    ],
    [
      'an alarm that it names and that is gone',
      /ModelMonitorAlarm do(es)? not exist/,
      ({ world }) => {
        world.alarms.MetricAlarms = (world.alarms.MetricAlarms ?? []).filter(
          ({ AlarmName }) => AlarmName !== 'fraud-prod-ModelMonitorAlarm',
        );
      },
    ],
    [
      'what the policies of today would block',
      /today.*prod-min-instances/,
      ({ services }) => {
        services.config.policySettings.prod.minInstances = 4;
      },
    ],
    [
      'what the stage has no right to',
      /not given the right/,
      ({ services }) => {
        services.config.putsBack = false;
      },
    ],
  ])('%s', async (_what, why, spoil) => {
    const gate = await putBackWorld();
    await gate.accept();
    gate.someone.hasDeployed(REFUSED);
    spoil(gate);
    await gate.block();
    await gate.untilOver();
    expect(proposalOf(gate)).toMatchObject({ calls: [], to: { configName: ACCEPTED } });
    expect(proposalOf(gate)?.notes.join(' ')).toMatch(why);
    expect(writesOf(gate)).toEqual([]);
    expect(gate.bodiesOf('remediation-intended')).toEqual([]);
  });

  test('what takes two calls, both of them in order, with why the gate makes neither', async () => {
    const gate = await putBackWorld();
    // Accepted with three instances, which no config says.
    gate.world.endpoint = {
      ...gate.world.endpoint,
      ProductionVariants: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 3, DesiredWeight: 1 }] as never,
    };
    await gate.accept();
    gate.someone.hasDeployed(REFUSED);
    await gate.block();
    await gate.untilOver();
    expect(proposalOf(gate)).toMatchObject({
      calls: [],
      others: [
        { api: 'sagemaker:UpdateEndpoint', input: { EndpointConfigName: ACCEPTED } },
        {
          api: 'sagemaker:UpdateEndpointWeightsAndCapacities',
          input: { DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 3 }] },
        },
      ],
    });
    expect(proposalOf(gate)?.notes.join(' ')).toMatch(/Only two calls.*would run what nobody accepted/);
    expect(writesOf(gate)).toEqual([]);
  });

  test('an endpoint of another account, where the gate can only read', async () => {
    const gate = await blockedWorld();
    gate.services.config.stateMachineArn = 'arn:aws:states:us-east-1:999900001111:stateMachine:portcullis';
    gate.services.config.file.members.accounts.push(a.endpoint.account);
    const { planRemediation } = await import('../../shared/aws/remediation-plan.ts');
    const facts = await gate.read();
    const described = { readAt: facts.readAt, output: gate.world.endpoint as never };
    const change = a.historyFrom(gate.tables.records()).changes[1];
    const plan =
      change && (await planRemediation({ there: gate.services, described, facts, waivers: [] }, change, 'blocked'));
    expect(plan).toMatchObject({
      calls: [],
      others: [wayBack(gate)],
      notes: [expect.stringContaining('may only read in account')],
    });
  });
});

describe('where the settings propose', () => {
  test('the exact calls are on record and told to approvers, and nothing is done', async () => {
    const gate = await blockedWorld('propose');
    await gate.untilOver();
    expect(proposalOf(gate)).toMatchObject({
      calls: [wayBack(gate)],
      to: { generation: 1, configName: ACCEPTED },
      notes: [],
    });
    expect(writesOf(gate)).toEqual([]);
    expect(gate.world.mails.map(({ to }) => to)).toEqual(['asha@example.com', 'ben@example.com']);
    expect(gate.world.mails[0]?.text).toContain('sagemaker:UpdateEndpoint {"DeploymentConfig"');
    expect(gate.world.mails[0]?.text).toContain('/changes/111122223333/us-east-1/fraud-prod/2');
  });

  const accept = (gate: PutBackWorld, person = 'ben', more: object = {}) => {
    const digest = proposalOf(gate)?.digest ?? '';
    const given = { person, reason: 'put it back', via: 'page' as const, digest, ...more };
    return acceptRemediation(gate.services, { endpoint: a.endpoint, generation: 2, ...given });
  };

  test('what a person accepts is done in the same way, in their name', async () => {
    const gate = await blockedWorld('propose');
    await gate.untilOver();
    expect(await accept(gate)).toMatchObject({ reply: 'recorded' });
    expect([...gate.world.executions.keys()]).toHaveLength(1);
    await gate.untilOver();
    expect(gate.updates).toHaveLength(1);
    expect(gate.bodiesOf('remediation-intended')[0]?.person).toBe('ben');
    expect(endOf(gate)?.result).toBe('done');
    expect(await accept(gate)).toMatchObject({ reply: 'already-recorded' });
  });

  test.each<[string, string, string, object]>([
    ['somebody who is no approver', 'not-an-approver', 'mallory', {}],
    ['who gives no reason', 'no-reason', 'ben', { reason: ' ' }],
    ['who saw another deployment', 'other-deployment', 'ben', { digest: a.HEX }],
  ])('%s is refused, and nothing starts', async (_who, code, person, more) => {
    const gate = await blockedWorld('propose');
    await gate.untilOver();
    expect(await accept(gate, person, more)).toMatchObject({ reply: 'refused', code });
    expect(gate.world.executions.size).toBe(0);
    expect(gate.bodiesOf('remediation-accepted')).toEqual([]);
  });

  test('of two who accept at once one is on record', async () => {
    const gate = await blockedWorld('propose');
    await gate.untilOver();
    const replies = await Promise.all([accept(gate, 'asha'), accept(gate, 'ben')]);
    expect(replies.map(({ reply }) => reply).sort()).toEqual(['recorded', 'refused']);
  });

  test('what was accepted and never started is found by the sweep, and forgotten when it is done', async () => {
    const gate = await blockedWorld('propose');
    await gate.untilOver();
    gate.world.before = (command) => {
      if (command === 'StartExecution') throw awsError('ThrottlingException', 'slow down', 429);
    };
    expect(await accept(gate)).toMatchObject({ reply: 'recorded' });
    gate.world.before = () => undefined;
    expect(gate.world.executions.size).toBe(0);
    for (const _twice of [1, 2]) expect(await finishRemediations(gate.services)).toBe(1);
    expect(gate.world.executions.size).toBe(1);
    await gate.untilOver();
    expect(await finishRemediations(gate.services)).toBe(0);
  });

  test('what would take another call by now than was accepted is not done', async () => {
    const gate = await blockedWorld('propose');
    await gate.untilOver();
    await accept(gate);
    delete gate.world.configs[ACCEPTED];
    await gate.untilOver();
    expect(endOf(gate)).toMatchObject({
      result: 'abandoned',
      reason: expect.stringContaining('does not exist any more'),
    });
    expect(writesOf(gate)).toEqual([]);
  });
});

describe('guards that were switched off', () => {
  const off = async (gate: PutBackWorld) => {
    await gate.accept();
    const { world } = gate;
    const [monitor, drift, ...rest] = world.alarms.MetricAlarms ?? [];
    world.alarms.MetricAlarms = [{ ...monitor, ActionsEnabled: false }, { ...drift }, ...rest];
    world.schedules = world.schedules.map((each) => ({ ...each, MonitoringScheduleStatus: 'Stopped' }));
    await gate.block([
      a.finding('rollback-alarms', 'violation', 'off'),
      a.finding('prod-model-monitor', 'violation', 'stopped'),
    ]);
  };
  const calls = [
    { api: 'cloudwatch:EnableAlarmActions', input: { AlarmNames: ['fraud-prod-ModelMonitorAlarm'] } },
    { api: 'sagemaker:StartMonitoringSchedule', input: { MonitoringScheduleName: 'fraud-prod-data-quality' } },
  ];

  test('are switched on again where that is enforced, and the endpoint is not updated', async () => {
    const gate = await putBackWorld();
    await off(gate);
    await gate.untilOver();
    expect(gate.guards.map(({ api, input }) => [api, input])).toEqual([
      ['EnableAlarmActions', calls[0]?.input],
      ['StartMonitoringSchedule', calls[1]?.input],
    ]);
    expect(gate.updates).toEqual([]);
    expect(endOf(gate)?.result).toBe('done');
  });

  test('are proposed otherwise', async () => {
    const gate = await putBackWorld('propose');
    await off(gate);
    await gate.untilOver();
    expect(proposalOf(gate)).toMatchObject({ of: 'guards', to: null, calls });
    expect(gate.guards).toEqual([]);
  });

  test('and what was deleted is only told, since nobody knows what it looked like', async () => {
    const gate = await putBackWorld();
    await gate.accept();
    gate.world.alarms = {};
    await gate.block([a.finding('rollback-alarms', 'violation', 'gone')]);
    await gate.untilOver();
    expect(proposalOf(gate)).toMatchObject({ of: 'guards', calls: [] });
    expect(proposalOf(gate)?.notes.join(' ')).toContain('fraud-prod-DataDriftAlarm does not exist any more');
    expect(writesOf(gate)).toEqual([]);
  });
});
