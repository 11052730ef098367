import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as ways from '../../shared/model/way-on.ts';

type State = {
  Retry?: { ErrorEquals: string[]; MaxAttempts?: number }[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
};
const { States } = JSON.parse(
  readFileSync(new URL('../../statemachines/endpoint-compliance.asl.json', import.meta.url), 'utf8'),
) as { States: Record<string, State> };

const { WayOn: _base, ...leading } = ways;
const names = Object.keys(leading).sort();

const neverRetried = ({ Retry = [] }: State) =>
  Retry.filter(({ MaxAttempts }) => MaxAttempts === 0).flatMap(({ ErrorEquals }) => ErrorEquals);
const caught = ({ Catch = [] }: State) =>
  Catch.filter(({ ErrorEquals }) => !ErrorEquals.includes('States.ALL')).flatMap(({ ErrorEquals }) => ErrorEquals);

test('each error has the name of its class', () => {
  expect(names.length).toBeGreaterThan(5);
  expect(Object.values(leading).map((Way) => new Way('x').name)).toEqual(Object.keys(leading));
});
test('what comes out of the policies and of putting back is caught by name, by nothing twice, and not tried again', () => {
  const { CheckPolicies = {}, Remediate = {} } = States;
  const telling = ['GuardsDownError', 'NewsError'];
  expect(caught(CheckPolicies).sort()).toEqual(names.filter((name) => !telling.includes(name)));
  expect(neverRetried(CheckPolicies)).toEqual(expect.arrayContaining(caught(CheckPolicies)));
  expect(caught(Remediate)).toEqual(telling);
  expect(neverRetried(Remediate)).toEqual(expect.arrayContaining(telling));
});
test('what verifying refuses is caught by name and not tried again', () => {
  const { VerifyMonitoring = {} } = States;
  expect(caught(VerifyMonitoring)).toEqual(['RefusedError']);
  expect(neverRetried(VerifyMonitoring)).toContain('RefusedError');
});
