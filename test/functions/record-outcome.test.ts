import { describe, expect, test } from 'vitest';
import { run } from '../../functions/record-outcome.ts';
import {
  change,
  facts,
  finding,
  findings,
  given,
  inStaging,
  NOW,
  opened,
  outcome,
  requested,
  verified,
  type Written,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const approved: Written[] = [opened(), findings(), requested(), given(), verified()];
const done = { checked: { decision: 'needs-approval' }, verified: { state: 'verified' } };

function setUp(...written: Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed(...written);
  const record = (state: object, generation = 1) =>
    run({ change: change({ at: NOW }), generation, approvalTimeoutSeconds: 60, ...state }, aws.services);
  return { record, tables };
}

describe('record outcome', () => {
  test('puts on record how the change ended, what it was about and what was seen of it first', async () => {
    const { record, tables } = setUp(...approved);
    expect(await record(done)).toEqual({ result: 'approved' });
    expect(tables.records().at(-1)).toMatchObject({
      id: 'outcome#1',
      actor: { kind: 'gate' },
      body: outcome(1, 'approved', { reason: 'Approved by asha: looks right', changedAt: NOW }),
    });
  });

  test('run twice it has the same record', async () => {
    const { record, tables } = setUp(...approved);
    await record(done);
    const records = tables.records();
    expect(await record(done)).toEqual({ result: 'approved' });
    expect(tables.records()).toEqual(records);
  });

  test('of an endpoint that nobody knows is recorded as prod, the strictest, but for a smoke test', async () => {
    const gone = async (cause: string) => {
      const { record, tables } = setUp();
      await record({ change: change({ cause }), checked: { decision: 'gone' } });
      return tables.bodies().at(-1);
    };
    expect(await gone('DeleteEndpoint')).toMatchObject({ result: 'deleted', environment: 'prod' });
    expect(await gone('portcullis smoke')).toMatchObject({ result: 'deleted', environment: 'dev' });
  });

  test('the first outcome stands, whatever a later run thinks', async () => {
    const { record } = setUp(...approved, outcome(1, 'approved'));
    expect(await record({ failure: { Error: 'Late', Cause: '' } })).toEqual({ result: 'approved' });
  });

  test('two runs at once record one', async () => {
    const { record, tables } = setUp(...approved);
    expect(await Promise.all([record(done), record(done)])).toEqual([{ result: 'approved' }, { result: 'approved' }]);
    expect(tables.kinds().filter((kind) => kind === 'outcome#1')).toHaveLength(1);
  });

  test.each<[string, Written[], object, string]>([
    [
      'a violation',
      [opened(), findings(1, [finding('p', 'violation')])],
      { checked: { decision: 'blocked' } },
      'blocked',
    ],
    ['an endpoint that is gone', [], { checked: { decision: 'gone' } }, 'deleted'],
    ['one that went while people were asked', approved, { ...done, verified: { state: 'gone' } }, 'deleted'],
    ['a later change', approved, { ...done, verified: { state: 'superseded' } }, 'superseded'],
    [
      'no answer',
      [opened(), findings(), requested()],
      { ...done, verified: { state: 'not-approved' } },
      'undetermined',
    ],
    ['nothing said about how far it came', approved, {}, 'undetermined'],
    ['a decision that nobody knows', approved, { checked: { decision: 'undetermined' } }, 'undetermined'],
    ['verified, but nothing of it on record', [opened(), findings(), requested(), given()], done, 'undetermined'],
    [
      'a failure, although everything is on record',
      approved,
      { ...done, failure: { Error: 'States.Timeout' } },
      'undetermined',
    ],
  ])('%s', async (_what, written, state, result) => {
    const { record, tables } = setUp(...written);
    expect(await record(state)).toEqual({ result });
    expect(tables.bodies().at(-1)).toMatchObject({ kind: 'outcome', result });
  });
});

describe('the reason of a failure', () => {
  const reasonOf = async (failure: object) => {
    const { record, tables } = setUp(opened());
    await record({ failure });
    const last = tables.bodies().at(-1);
    return last?.kind === 'outcome' ? last.reason : undefined;
  };
  test('is the message of a Lambda’s error, without its stack', async () => {
    const Cause = JSON.stringify({
      errorType: 'UnreadableFactsError',
      errorMessage: 'config is gone',
      trace: ['at x'],
    });
    expect(await reasonOf({ Error: 'UnreadableFactsError', Cause })).toBe('UnreadableFactsError: config is gone');
  });
  test.each([
    'timed out',
    '',
    'null',
    '"text"',
    '[]',
    '{"other":1}',
    '{"errorMessage":null}',
    '{"errorMessage":{"a":1}}',
  ])('is the cause as it came, where it is no such message: %s', async (Cause) => {
    expect(await reasonOf({ Error: 'E', Cause })).toBe(`E: ${Cause}`);
  });
  test('is there even if nothing was said', async () => expect(await reasonOf({})).toBe('UnknownError: '));
  test('is cut at 2,000 characters, so that it can always be recorded', async () => {
    expect((await reasonOf({ Error: 'E', Cause: 'x'.repeat(30_000) }))?.length).toBe(2_003);
  });
});

describe('the environment on record', () => {
  const environmentOf = async (...written: Written[]) => {
    const { record, tables } = setUp(...written);
    await record({ checked: { decision: 'gone' } }, 2);
    const last = tables.bodies().at(-1);
    return last?.kind === 'outcome' ? { environment: last.environment, digest: last.digest } : undefined;
  };
  test('is that of the change', async () => {
    const staging = opened(2, facts({ environment: inStaging }));
    expect(await environmentOf(staging)).toEqual({ environment: 'staging', digest: staging.digest });
  });
  test('or of the one before', async () => {
    expect(await environmentOf(opened(1, facts({ environment: inStaging })))).toEqual({
      environment: 'staging',
      digest: null,
    });
  });
  test('or prod, the strictest, where nothing is known', async () => {
    expect(await environmentOf()).toEqual({ environment: 'prod', digest: null });
  });
});

test('what the state machine does not promise is refused by name', async () => {
  await expect(setUp().record({ verified: { state: 'maybe' } })).rejects.toMatchObject({ name: 'InvalidInputError' });
});
