import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectRpc, type Rpc } from '../../local/aws/rpc.ts';

let channel: MessageChannel;
let sent: unknown[];
let answers: unknown[];
let here: Rpc;
beforeEach(() => {
  channel = new MessageChannel();
  sent = [];
  channel.port2.on('message', (message) => sent.push(message));
  answers = [];
  channel.port1.on('message', (messages: unknown[]) => answers.push(...messages));
  here = connectRpc(channel.port1, {});
  connectRpc(channel.port2, {
    double: async (value: number) => value * 2,
    refuse: () => {
      throw Object.assign(new Error('no'), { code: 'Refused' });
    },
  });
});
afterEach(() => channel.port1.close());

describe('calls between threads', () => {
  test('of one turn go over as one message, and each has its own answer', async () => {
    const doubled = await Promise.all([1, 2, 3].map((value) => here.call<number>('double', value)));
    expect(doubled).toEqual([2, 4, 6]);
    expect(sent).toHaveLength(1);
  });
  test('that are refused do not take others with them', async () => {
    const [refused, unknown, answered] = await Promise.allSettled([
      here.call('refuse'),
      here.call('nothing'),
      here.call('double', 4),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'Refused', message: 'no' } });
    expect(unknown).toMatchObject({ status: 'rejected', reason: { message: 'No method nothing.' } });
    expect(answered).toEqual({ status: 'fulfilled', value: 8 });
  });
  test('that want no answer get none, and keep their place', async () => {
    here.tell('double', 1);
    expect(await here.call('double', 2)).toBe(4);
    expect(sent).toMatchObject([[{ params: 1 }, { params: 2 }]]);
    expect(answers).toHaveLength(1);
  });
  test('of another turn are another message, in order', async () => {
    await here.call('double', 1);
    await here.call('double', 2);
    expect(sent).toMatchObject([[{ params: 1 }], [{ params: 2 }]]);
  });
});
