import { expect, test } from 'vitest';
import { wholeSweep } from '../../local/whole-sweep.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

function setUp() {
  const aws = fakeAws();
  fakeTables(aws).answerDirectly();
  const fail = (...commands: string[]) => {
    aws.world.before = (command, input) => {
      if (commands.includes(command)) throw awsError('AccessDeniedException');
      if (commands.includes('listing requests') && JSON.stringify(input).includes('by-open'))
        throw awsError('ThrottlingException');
    };
  };
  return { aws, fail };
}

test('every place is swept before open requests are tended, and what both find is counted together', async () => {
  const { aws } = setUp();
  const order: string[] = [];
  aws.world.before = (command, input) => {
    if (command === 'ListEndpoints') order.push('places');
    if (JSON.stringify(input).includes('"by-open"')) order.push('open');
  };
  expect(await wholeSweep(aws.services)).toMatchObject({ endpoints: 1, started: 1, failed: 0 });
  expect([...new Set(order)]).toEqual(['places', 'open']);
});

test('what fails in one keeps the other from nothing, and all of it is told at the end', async () => {
  const { aws, fail } = setUp();
  fail('ListEndpoints', 'Search', 'listing requests');
  const error = await wholeSweep(aws.services).catch((failure: unknown) => failure);
  expect(error).toMatchObject({
    name: 'SweepIncompleteError',
    message: expect.stringContaining('(AccessDeniedException, ThrottlingException)'),
    cause: { name: 'AccessDeniedException' },
  });
  expect((error as { summary: { failed: number } }).summary.failed).toBeGreaterThan(1);
});

test('even what is no failure of a part, but a mistake in it, keeps the other from nothing', async () => {
  const { aws } = setUp();
  const { config } = aws.services;
  const broken = { ...aws.services, config: { ...config, file: { ...config.file, reading: undefined as never } } };
  let listed = false;
  aws.world.before = (_command, input) => {
    listed ||= JSON.stringify(input).includes('by-open');
  };
  await expect(wholeSweep(broken)).rejects.toMatchObject({ name: 'SweepIncompleteError', summary: { failed: 1 } });
  expect(listed).toBe(true);
});
