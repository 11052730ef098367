import { expect, test } from 'vitest';
import { run as remediate } from '../../functions/remediate.ts';
import { run } from '../../functions/tell-approvers.ts';
import { listToDo } from '../../shared/aws/to-do.ts';
import { noteUnfinished, remediationId } from '../../shared/aws/unfinished-remediations.ts';
import * as a from '../builders.ts';
import { blockedWorld, type PutBackWorld } from '../put-back-world.ts';

const input = (generation = 2) => ({ change: a.change(), generation, approvalTimeoutSeconds: 60 });
const tell = (gate: PutBackWorld, generation?: number) => run(input(generation), gate.services);
const step = (gate: PutBackWorld) => remediate(input(), gate.services);
const unfinished = (gate: PutBackWorld) => listToDo(gate.services, 'remediation');

test('what is proposed in prod is told to every approver once, and the change is off the list', async () => {
  const gate = await blockedWorld('propose');
  await expect(step(gate)).rejects.toThrow('Putting back change 2 of fraud-prod: proposed.');
  expect(gate.world.mails).toEqual([]);
  expect(await unfinished(gate)).toHaveLength(1);
  for (const _time of [1, 2]) expect(await tell(gate)).toEqual({ state: 'told' });
  expect(gate.world.mails.map(({ to }) => to)).toEqual(['asha@example.com', 'ben@example.com']);
  expect(await unfinished(gate)).toEqual([]);
});

test('while it is still to be put back there is nothing to tell, and it stays on the list', async () => {
  const gate = await blockedWorld();
  await expect(step(gate)).rejects.toMatchObject({ name: 'NotPutBackYetError' });
  await tell(gate);
  expect(gate.world.mails).toEqual([]);
  expect(await unfinished(gate)).toHaveLength(1);
});

test('of a change that was accepted, or that nobody knows, nobody is told anything', async () => {
  const gate = await blockedWorld();
  await noteUnfinished(gate.services, a.endpoint, 1);
  await tell(gate, 1);
  await tell(gate, 9);
  expect(gate.world.mails).toEqual([]);
  expect(await unfinished(gate)).toEqual([]);
});

test('it writes nothing to the ledger and reads nothing of SageMaker; of the approvals it touches one item, as who puts back does', async () => {
  const gate = await blockedWorld('propose');
  const items = new Set<string | undefined>();
  gate.world.before = (_command, given) => {
    const { TableName, Key } = given as { TableName?: string; Key?: { id?: { S?: string } } };
    if (TableName === gate.services.config.tables.approvals) items.add(Key?.id?.S);
  };
  await step(gate).catch(() => undefined);
  gate.aws.calls.length = 0;
  await tell(gate);
  expect([...new Set(gate.aws.calls)].sort()).toEqual(['GetItem', 'Query', 'SendEmail', 'UpdateItem']);
  expect([...items]).toEqual([remediationId(a.endpoint, 2)]);
});
