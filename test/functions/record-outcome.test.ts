import { describe, expect, test } from 'vitest';
import { run } from '../../functions/record-outcome.ts';
import { recordOutcome } from '../../shared/aws/record-outcome.ts';
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
const done = { checked: { Error: 'ApprovalNeededError' } };
const violated = [finding('p', 'violation')];
const broken = { refused: { Error: 'RefusedError' }, notPutBack: { Error: 'ThrottlingException' } };

function setUp(...written: Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed(...written);
  const record = (state: object, generation = 1) =>
    run({ change: change({ at: NOW }), generation, approvalTimeoutSeconds: 60, ...state }, aws.services);
  /** As the tasks before do it, that get as far. */
  const conclude = async (state: Parameters<typeof recordOutcome>[2]) => ({
    result: await recordOutcome(aws.services, { change: change({ at: NOW }), generation: 1 }, state),
  });
  return { record, conclude, tables, services: aws.services };
}

describe('record outcome', () => {
  test('puts on record how the change ended, what it was about and what was seen of it first', async () => {
    const { conclude, tables } = setUp(...approved);
    expect(await conclude('verified')).toEqual({ result: 'approved' });
    expect(tables.records().at(-1)).toMatchObject({
      id: 'outcome#1',
      actor: { kind: 'gate' },
      body: outcome(1, 'approved', { reason: 'Approved by asha: looks right', changedAt: NOW }),
    });
  });

  test('run twice it has the same record', async () => {
    const { conclude, record, tables } = setUp(...approved);
    await conclude('verified');
    const records = tables.records();
    expect(await conclude('verified')).toEqual({ result: 'approved' });
    expect(await record(done)).toEqual({ result: 'approved' });
    expect(tables.records()).toEqual(records);
  });

  test('of an endpoint that nobody knows is recorded as prod, the strictest, but for a smoke test', async () => {
    const gone = async (cause: string) => {
      const { record, tables } = setUp();
      await record({ change: change({ cause }), checked: { Error: 'GoneError' } });
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
    const { conclude, tables } = setUp(...approved);
    const both = await Promise.all([conclude('verified'), conclude('verified')]);
    expect(both).toEqual([{ result: 'approved' }, { result: 'approved' }]);
    expect(tables.kinds().filter((kind) => kind === 'outcome#1')).toHaveLength(1);
  });

  test.each<[string, Written[], object, string]>([
    [
      'a violation',
      [opened(), findings(1, [finding('p', 'violation')])],
      { checked: { Error: 'BlockedError' } },
      'blocked',
    ],
    ['an endpoint that is gone', [], { checked: { Error: 'GoneError' } }, 'deleted'],
    ['nothing said about how far it came', approved, {}, 'undetermined'],
    ['a decision that nobody knows', approved, { checked: { Error: 'NobodyKnowsError' } }, 'undetermined'],
    ['what needed approval and got no further', approved, done, 'undetermined'],
    ['what was found to be put back, and that broke off', [opened(), findings(1, violated)], broken, 'blocked'],
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

describe('who verified concludes from the ledger:', () => {
  test.each<[string, Written[], Parameters<typeof recordOutcome>[2], string]>([
    ['an endpoint that went while people were asked', approved, 'gone', 'deleted'],
    ['a later change', approved, 'superseded', 'superseded'],
    ['no answer', [opened(), findings(), requested()], 'not-approved', 'undetermined'],
    ['verified, but nothing of it on record', [opened(), findings(), requested(), given()], 'verified', 'undetermined'],
  ])('%s', async (_what, written, state, result) => {
    const { conclude, tables } = setUp(...written);
    expect(await conclude(state)).toEqual({ result });
    expect(tables.bodies().at(-1)).toMatchObject({ kind: 'outcome', result });
  });
});

test('putting back that broke off is counted for the alarm, and nothing else is', async () => {
  const { record, services } = setUp(opened(), findings(1, violated));
  const measured: unknown[] = [];
  services.measure = (metric) => measured.push(metric);
  await record({ checked: { Error: 'BlockedError' } });
  expect(measured).not.toContainEqual(expect.objectContaining({ name: 'Remediations' }));
  await record(broken);
  expect(measured).toContainEqual({
    ...{ name: 'Remediations', unit: 'Count', value: 1 },
    dimensions: { Result: 'failed' },
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
    await record({ checked: { Error: 'GoneError' } }, 2);
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
  await expect(setUp().record({ checked: { Error: 1 } })).rejects.toMatchObject({ name: 'InvalidInputError' });
});
