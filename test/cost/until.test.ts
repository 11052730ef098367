import { expect, test } from 'vitest';
import { until } from '../../cost/until.ts';

test('what is there after a while is returned', async () => {
  const answers = [undefined, 'a mail'];
  expect(await until('No mail came', async () => answers.shift())).toBe('a mail');
});
test('what never comes is an error that says what it was', async () => {
  await expect(until('No mail came', async () => undefined, -1)).rejects.toThrow('No mail came after');
});
