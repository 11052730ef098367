import { describe, expect, test } from 'vitest';
import { grantWaiver, revokeWaiver } from '../../shared/aws/waivers.ts';
import { UnreadableApproversError } from '../../shared/model/approval-settings.ts';
import {
  endpoint,
  granted,
  later,
  opened,
  openedPlan,
  outcome,
  person,
  plannedEndpoint,
  revoked,
  type Written,
  waiver,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

function setUp(written: Written[], overrides: Parameters<typeof fakeAws>[0] = {}) {
  const aws = fakeAws(overrides);
  const tables = fakeTables(aws);
  if (written.length > 0) tables.seed(...written);
  const started = () => [...aws.world.executions.values()].map(({ input }) => JSON.parse(input));
  const grant = (more = {}) => {
    const given = { person: 'asha', policy: 'prod-model-monitor', until: later(86_400), reason: 'rebuilt' };
    return grantWaiver(aws.services, { endpoint, ...given, ...more });
  };
  const revoke = () => revokeWaiver(aws.services, { endpoint, waiver: 'w1', person: 'ben', reason: 'it is back' });
  return { aws, tables, started, grant, revoke };
}
const blocked: Written[] = [{ body: opened(), actor: person('mallory') }, outcome(1, 'blocked')];

describe('granting a waiver', () => {
  test("puts it on record in the endpoint's stream, in the name of the approver", async () => {
    const { grant, tables } = setUp(blocked);
    expect(await grant()).toMatchObject({ reply: 'recorded', looksAgain: 2 });
    expect(tables.records().at(-1)).toMatchObject({
      id: expect.stringMatching(/^waiver#request0+1$/),
      actor: { person: 'asha', via: 'approver' },
      body: { kind: 'waiver-granted', generation: 1, waiver: { environment: 'prod', approver: 'asha' } },
    });
  });
  test('has the endpoint judged again, and whoever made the deployment stays who made it', async () => {
    const { grant, started } = setUp(blocked);
    await grant();
    expect(started()).toMatchObject([
      {
        generation: 2,
        change: {
          kind: 'guard',
          cause: 'waiver granted',
          again: { request: null, digest: opened().digest, requesters: [{ person: 'mallory' }] },
        },
      },
    ]);
    expect(started()[0].change).not.toHaveProperty('actor');
  });
  test.each<[string, Written[], object]>([
    ['nothing is on record about the endpoint', [], { environment: 'prod' }],
    ['the endpoint is deleted', [opened(), outcome(), outcome(2, 'deleted')], {}],
    ['it begins later', blocked, { from: later(60) }],
    ['it is on record already', [...blocked, granted({ until: later(86_400), reason: 'rebuilt' })], {}],
    ['it is refused', blocked, { policy: 'no-such' }],
  ])('starts nothing where %s', async (_what, written, more) => {
    const { grant, started } = setUp(written);
    expect(await grant(more)).not.toHaveProperty('looksAgain');
    expect(started()).toEqual([]);
  });
  test('that is refused puts nothing on record', async () => {
    const { grant, tables } = setUp(blocked);
    expect(await grant({ person: 'mallory' })).toMatchObject({ reply: 'refused', code: 'not-an-approver' });
    expect(tables.records().length).toBe(2);
  });
  test('is refused while it cannot be read who may approve', async () => {
    const unreadable = () => {
      throw new UnreadableApproversError('gone');
    };
    const { grant, tables } = setUp(blocked, { readApprovals: unreadable });
    expect(await grant()).toMatchObject({ reply: 'refused', code: 'approvers-unreadable' });
    expect(tables.records().length).toBe(2);
  });
  test('is decided again where somebody else was faster: an event may have named the approver meanwhile', async () => {
    const { grant, tables } = setUp(blocked);
    tables.hooks.beforeInsert = () => tables.add({ body: opened(2), actor: person('asha') });
    expect(await grant()).toMatchObject({ reply: 'refused', code: 'own-change' });
    expect(tables.kinds()).not.toContain('waiver-granted#1');
  });
  test('looks at the plans of the endpoint too', async () => {
    const { grant, tables } = setUp([]);
    tables.seedAt(plannedEndpoint, { body: openedPlan(), actor: person('asha') });
    expect(await grant({ environment: 'prod' })).toMatchObject({ code: 'own-change' });
  });
});

describe('revoking a waiver', () => {
  test('puts it on record and has the endpoint judged again at once', async () => {
    const { revoke, tables, started } = setUp([...blocked, granted()]);
    expect(await revoke()).toMatchObject({ reply: 'recorded', looksAgain: 2 });
    expect(tables.records().at(-1)).toMatchObject({
      id: 'waiver-revoked#w1',
      actor: { person: 'ben' },
      body: { kind: 'waiver-revoked', waiver: 'w1', policy: waiver().policy },
    });
    expect(started()).toMatchObject([{ change: { cause: 'waiver revoked' } }]);
  });
  test('twice is once', async () => {
    const { revoke, tables } = setUp([...blocked, granted(), revoked()]);
    expect(await revoke()).toEqual({ reply: 'already-recorded' });
    expect(tables.records().length).toBe(4);
  });
});
