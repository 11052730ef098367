import { expect, test } from 'vitest';
import { budgeted, RequestBudget } from '../../shared/aws/request-budget.ts';
import { awsError } from '../fake-aws.ts';

/** A clock that only moves while somebody waits. */
function setUp(perSecond = 5) {
  const clock = { ms: 0 };
  const budget = new RequestBudget(
    perSecond,
    () => clock.ms,
    async (ms) => {
      clock.ms += ms;
    },
  );
  const take = async (count: number, key = 'a') => {
    const from = clock.ms;
    for (let index = 0; index < count; index += 1) await budget.take(key);
    return clock.ms - from;
  };
  return { clock, budget, take };
}

test('one second of calls goes out at once, the rest at the pace', async () => {
  const { take } = setUp();
  expect(await take(5)).toBe(0);
  expect(await take(10)).toBe(2_000);
});

test('what was not used is saved up for one second and no longer', async () => {
  const { take, clock } = setUp();
  await take(5);
  clock.ms += 60_000;
  expect(await take(6)).toBe(200);
});

test('each API of each place has a pace of its own', async () => {
  const { take } = setUp();
  await take(5, 'a');
  expect(await take(5, 'b')).toBe(0);
});

test('"slow down" halves the pace of that API, down to one call in two seconds, and it recovers in a minute', async () => {
  const { take, budget, clock } = setUp(8);
  await take(8);
  budget.slower('a');
  expect(await take(4)).toBeGreaterThan(900);
  for (let index = 0; index < 10; index += 1) budget.slower('a');
  expect(await take(2)).toBeGreaterThan(2_000);
  clock.ms += 61_000;
  await take(8);
  expect(await take(8)).toBe(1_000);
});

test('a client in a budget waits for its turn, and slows down where AWS refuses or has to be asked again', async () => {
  const { budget, clock } = setUp(4);
  class Client {
    answers: (object | Error)[] = [];
    async send(_command: object) {
      const answer = this.answers.shift() ?? {};
      if (answer instanceof Error) throw answer;
      return answer;
    }
  }
  class Describe {}
  const client = new Client();
  const slow = budgeted(client, budget, 'place');
  expect(slow).toBeInstanceOf(Client);
  for (let index = 0; index < 8; index += 1) await slow.send(new Describe());
  expect(clock.ms).toBe(1_000);
  client.answers = [awsError('ThrottlingException'), { $metadata: { attempts: 2 } }, awsError('AccessDenied')];
  await expect(slow.send(new Describe())).rejects.toThrow('ThrottlingException');
  await slow.send(new Describe());
  await expect(slow.send(new Describe())).rejects.toThrow('AccessDenied');
  const from = clock.ms;
  await slow.send(new Describe());
  expect(clock.ms - from).toBeGreaterThan(700);
});
