import { StateMachine } from 'aws-local-stepfunctions';
import { expect, test } from 'vitest';
import { loadDefinition } from '../../local/engine.ts';

const build = (definition: object) => new StateMachine(definition as never, { validationOptions: { checkArn: false } });

test('the state machine is valid, which the engine does not find out again at each start', () => {
  expect(() => build(loadDefinition())).not.toThrow();
});
test('one that leads nowhere is not', () => {
  expect(() => build({ ...loadDefinition(), StartAt: 'Nowhere' })).toThrow();
});
