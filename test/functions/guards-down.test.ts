import { expect, test } from 'vitest';
import type { Metric } from '../../shared/aws/services.ts';
import { isToBePutBack } from '../../shared/model/remediation.ts';
import * as a from '../builders.ts';
import { putBackWorld } from '../put-back-world.ts';

const DISABLED = 'The actions of alarm fraud-prod-DataDriftAlarm are disabled (ActionsEnabled false).';
const lost = (message = DISABLED) => [a.finding('rollback-alarms', 'violation', message)];

/** An endpoint that was accepted with change 1 and has lost an alarm with change 2. */
async function guardsLost(mode: 'off' | 'propose' = 'off') {
  const gate = await putBackWorld(mode);
  const measured: Metric[] = [];
  gate.services.measure = (metric) => measured.push(metric);
  await gate.accept();
  await gate.block(lost());
  const told = () => gate.world.mails.filter(({ subject }) => subject.startsWith('Guards down'));
  const counted = () => measured.filter(({ name }) => name === 'GuardsDown').length;
  return { gate, told, counted };
}

test('approvers are told at once of guards that a prod endpoint has lost, whatever is done about it', async () => {
  for (const mode of ['off', 'propose'] as const) {
    const { gate, told, counted } = await guardsLost(mode);
    await gate.remediate();
    expect(told().map(({ to }) => to)).toEqual(['asha@example.com', 'ben@example.com']);
    expect(told()[0]).toMatchObject({ subject: 'Guards down: fraud-prod (prod), change 2' });
    expect(told()[0]?.text).toContain(DISABLED);
    expect(told()[0]?.text).toContain('https://gate.example.com/changes/111122223333/us-east-1/fraud-prod/2');
    expect(counted()).toBe(1);
    expect(gate.bodiesOf('outcome').at(-1)).toMatchObject({ generation: 2, result: 'blocked' });
  }
});

test('the message says who did it, where an event has said so', async () => {
  const { gate, told } = await guardsLost();
  const actor = a.person('mallory');
  const event = a.change({ kind: 'guard', cause: 'DisableAlarmActions', eventId: 'who', actor });
  gate.tables.add({ body: { kind: 'event-joined', generation: 2, event }, actor });
  await gate.remediate();
  expect(told()[0]?.text).toContain('mallory');
});

test('run again nobody is told again, and it is counted once', async () => {
  const { gate, told, counted } = await guardsLost();
  await gate.remediate();
  await gate.remediate();
  expect([told().length, counted()]).toEqual([2, 1]);
});

test('what was told of with an earlier change is not told of again, and what is new is', async () => {
  const { gate, told } = await guardsLost();
  await gate.remediate();
  await gate.block(lost());
  await gate.remediate(3);
  expect(told()).toHaveLength(2);
  await gate.block([...lost(), a.finding('prod-model-monitor', 'violation', 'Not monitored: schedule x is Stopped.')]);
  await gate.remediate(4);
  expect(told()).toHaveLength(4);
  expect(told().at(-1)?.text).toContain('schedule x is Stopped');
});

test('an execution goes by that task for lost guards even where nothing is put back', async () => {
  const { gate } = await guardsLost();
  const change = (number: number) =>
    a.historyFrom(gate.tables.records()).changes.find(({ generation }) => generation === number);
  const { policySettings } = gate.services.config;
  expect(isToBePutBack(change(2), policySettings)).toBe(true);
  expect(isToBePutBack(change(1), policySettings)).toBe(false);
  await gate.remediate();
  // Whoever starts one now does so because something was not finished.
  expect(isToBePutBack(change(2), policySettings)).toBe(true);
});
