import { describe, expect, test } from 'vitest';
import { ChangeGroups } from '../../shared/model/change-groups.ts';
import { type Outcome, Outcome as Outcomes } from '../../shared/model/finding.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { type OcsfFinding, ocsfFindings } from '../../shared/model/ocsf-finding.ts';
import { facts, finding, findings, inDev, opened, outcome, records, verified } from '../builders.ts';
import { OcsfComplianceFinding } from '../ocsf-shape.ts';

function eventsOf(list: LedgerRecord[]) {
  const groups = new ChangeGroups();
  const stream = 'endpoint#111122223333#us-east-1#fraud-prod';
  return [...list.flatMap((record) => groups.add(stream, record)), ...groups.end()].flatMap(ocsfFindings);
}
const found = (of: Outcome, read = facts()) =>
  eventsOf(records(opened(1, read), findings(1, [finding('some-policy', of, ...(of === 'pass' ? [] : ['Why.']))])))[0];

const planted = found('violation') as OcsfFinding;
test.each<[string, object]>([
  ['an attribute that OCSF does not define', { colour: 'red' }],
  ['a severity of no number', { severity_id: 7 }],
  ['a severity that is not called so', { severity: 'Grave' }],
  ['a type that is not of its class and activity', { type_uid: 200_302 }],
  ['a time in seconds', { time: 1_700_000_000 }],
  ['no product', { metadata: { version: '1.3.0' } }],
  ['no standard', { compliance: { ...planted.compliance, standards: [] } }],
  ['Warning as another word', { compliance: { ...planted.compliance, status_id: 2, status: 'Needs approval' } }],
  ['a compliance status of no number', { compliance: { ...planted.compliance, status_id: 4 } }],
  ['an endpoint without a name', { resources: [{ uid: 'arn' }] }],
])('the shape refuses an event with %s', (_, wrong) => {
  expect(OcsfComplianceFinding.safeParse(planted).success).toBe(true);
  expect(OcsfComplianceFinding.safeParse({ ...planted, ...wrong }).success).toBe(false);
});

describe('a finding as an OCSF Compliance Finding', () => {
  test.each(Outcomes.options)('has the published shape where it is %s', (of) => {
    const event = found(of);
    expect(OcsfComplianceFinding.safeParse(event).error?.issues).toBeUndefined();
    expect(event?.compliance).toMatchObject({ control: 'some-policy', standards: ['AgentOps Deployment Policies'] });
  });
  test.each<[Outcome, number]>([
    ['pass', 1],
    ['advice', 99],
    ['needs-approval', 99],
    ['violation', 3],
    ['waived', 99],
    ['not-applicable', 99],
  ])('%s has the compliance status %i', (of, id) => expect(found(of)?.compliance.status_id).toBe(id));

  test('a violation weighs more in prod', () => {
    expect(found('violation')?.severity).toBe('High');
    expect(found('violation', facts({ environment: inDev }))?.severity).toBe('Medium');
  });
  test('names the endpoint, and the record that holds the finding', () => {
    expect(found('violation')).toMatchObject({
      finding_info: { uid: 'endpoint#111122223333#us-east-1#fraud-prod#2#some-policy' },
      resources: [{ uid: 'arn:aws:sagemaker:us-east-1:111122223333:endpoint/fraud-prod', name: 'fraud-prod' }],
      unmapped: { change: 1, record: 2 },
    });
  });
  test('findings once it had settled are told apart from those of before', () => {
    const events = eventsOf(records(opened(), findings(), verified(), outcome()));
    expect(events.map(({ finding_info }) => finding_info.types[1])).toEqual(['checked', 'settled']);
  });
  test('a change that could not be determined is a Warning, which OCSF calls a missing result, never a pass', () => {
    const events = eventsOf(records(opened(), outcome(1, 'undetermined', { reason: 'AccessDenied' })));
    expect(events).toMatchObject([{ compliance: { status_id: 2, status_detail: 'AccessDenied' }, severity: 'High' }]);
    expect(OcsfComplianceFinding.safeParse(events[0]).error).toBeUndefined();
  });
});

test('of a stream of any length only some changes are kept in mind, and none is lost or told twice', () => {
  const list = records(...Array.from({ length: 250 }, (_, index) => [opened(index + 1), outcome(index + 1)]).flat());
  const late = records(...Array.from({ length: 500 }, () => opened()), outcome(3, 'blocked')).at(-1);
  const groups = new ChangeGroups();
  const told = [...list, ...(late ? [late] : [])].flatMap((record) => groups.add('s', record));
  expect(told.length).toBeGreaterThan(140);
  const all = [...told, ...groups.end()].map(
    ({ change, continued }) => `${change.generation}${continued ? ' again' : ''}`,
  );
  expect(all.length).toBe(251);
  expect(all).toContain('3 again');
  expect(new Set(all).size).toBe(251);
});
