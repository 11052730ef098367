import { expect, test, vi } from 'vitest';
import { reconciledFor } from '../../cli/reconciled.ts';
import type { Services } from '../../shared/aws/services.ts';
import { pseudonyms } from '../../shared/model/pseudonym.ts';
import type { Reconciliation } from '../../shared/model/reconciliation-result.ts';
import { WHOLE_TRAIL } from '../../shared/model/trail-scope.ts';
import { endpoint, NOW } from '../builders.ts';

const { reconcile } = vi.hoisted(() => ({ reconcile: vi.fn() }));
vi.mock('../../shared/aws/reconcile.ts', () => ({ reconcile }));

const services = { now: () => NOW } as Services;
const gap = (stream: string | null) => ({
  ...{ eventId: 'e', call: 'UpdateEndpoint', at: NOW, stream, who: 'mallory', problem: 'has no decision' },
});
const result = (overrides: Partial<Reconciliation> = {}): Reconciliation => ({
  ...{
    schema: 1,
    from: NOW,
    to: NOW,
    source: 'CloudTrail event history',
    read: ['111122223333 us-east-1'],
    notRead: [],
  },
  calls: { total: 2, byName: {}, matched: 2, seenLater: 0, tooNew: 0, elsewhere: 0, failed: 0 },
  decisions: { total: 2, byCall: 2, byGate: 0 },
  ...{ gaps: [], duplicates: [], surplus: [] },
  ...overrides,
});
const told = async (found: Reconciliation | Error, scope = WHOLE_TRAIL, hide = undefined as never) => {
  if (found instanceof Error) reconcile.mockRejectedValueOnce(found);
  else reconcile.mockResolvedValueOnce(found);
  return reconciledFor(services, scope, hide, { source: {} });
};

test.each<[string, Reconciliation | Error, string]>([
  ['could not be read', result({ read: [], notRead: ['here: AccessDenied'] }), 'Not reconciled: here: AccessDenied'],
  ['failed', new Error('no trail'), 'Not reconciled: Error: no trail'],
  ['has a gap', result({ gaps: [gap(null)] }), 'NOT reconciled:'],
  ['was read in part', result({ notRead: ['there: AccessDenied'] }), 'NOT reconciled:'],
  [
    'had nothing to hold together',
    result({ calls: { ...result().calls, total: 0 }, decisions: { total: 0, byCall: 0, byGate: 0 } }),
    'Not reconciled: there was nothing to hold together.',
  ],
])('a comparison that %s is never told as reconciled', async (_what, found, line) => {
  const { document, told: lines } = await told(found);
  expect(lines[0]).toBe(line);
  expect(document).toMatchObject({ reconciled: false });
});

test('one with calls of just now is not told as more than it is', async () => {
  const { told: lines } = await told(result({ calls: { ...result().calls, tooNew: 2 } }));
  expect(lines[0]).toMatch(/^Reconciled but for what is too new to tell \(2\)/);
});

test('one without gaps is told as reconciled, over the time that CloudTrail has', async () => {
  const { told: lines } = await told(result());
  expect(lines[0]).toMatch(/^Reconciled: /);
  expect(reconcile.mock.lastCall?.[1]).toMatchObject({ from: '2026-08-24T10:00:00.000Z', to: NOW });
});

test('of one endpoint only what may be about it is told, and by pseudonyms nobody', async () => {
  const gaps = [
    gap('endpoint#111122223333#us-east-1#fraud-prod'),
    gap('endpoint#111122223333#us-east-1#other'),
    gap(null),
  ];
  const hide = pseudonyms('k'.repeat(32));
  const { document } = await told(result({ gaps }), { ...WHOLE_TRAIL, endpoint }, hide as never);
  const left = (document as Reconciliation).gaps;
  expect(left.map(({ stream }) => stream)).toEqual(['endpoint#111122223333#us-east-1#fraud-prod', null]);
  expect(JSON.stringify(document)).not.toContain('mallory');
});

test('where it is not asked for nothing is read', async () => {
  reconcile.mockClear();
  const { told: lines } = await reconciledFor(services, WHOLE_TRAIL, undefined, { not: 'nobody asked.' });
  expect(lines).toEqual(['Not reconciled: nobody asked.']);
  expect(reconcile).not.toHaveBeenCalled();
});
