import { describe, expect, test } from 'vitest';
import { ChangeGroups } from '../../shared/model/change-groups.ts';
import { type Outcome, Outcome as Outcomes } from '../../shared/model/finding.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { type OcsfFinding, ocsfFindings } from '../../shared/model/ocsf-finding.ts';
import { facts, finding, findings, inDev, opened, outcome, records, verified } from '../builders.ts';
import { COMPLIANCE_FINDING, OCSF_OBJECTS } from '../ocsf-facts.ts';
import { ocsfErrors } from '../ocsf-shape.ts';

function eventsOf(list: LedgerRecord[]) {
  const groups = new ChangeGroups();
  const stream = 'endpoint#111122223333#us-east-1#fraud-prod';
  return [...list.flatMap((record) => groups.add(stream, record)), ...groups.end()].flatMap(ocsfFindings);
}
const found = (of: Outcome, read = facts()) =>
  eventsOf(records(opened(1, read), findings(1, [finding('some-policy', of, ...(of === 'pass' ? [] : ['Why.']))])))[0];

const planted = found('violation') as OcsfFinding;
const waived = found('waived') as OcsfFinding;
const { metadata, finding_info, compliance, cloud } = planted;
const [resource] = planted.resources;

describe('what OCSF 1.3.0 says of a Compliance Finding', () => {
  test('is not contradicted by a finding, nor by one in the words of its source', () =>
    expect([planted, waived].flatMap(ocsfErrors)).toEqual([]));

  const without = (name: string) => Object.fromEntries(Object.entries(planted).filter(([key]) => key !== name));
  test.each(
    ['activity_id', 'category_uid', 'class_uid', 'cloud', 'compliance', 'finding_info', 'metadata'].concat([
      'severity_id',
      'time',
      'type_uid',
    ]),
  )('refuses an event without %s', (name) => expect(ocsfErrors(without(name))).toContain(`${name}: is required`));

  test.each<[string, string, object]>([
    ['an attribute that is not defined', 'colour: is not defined', { colour: 'red' }],
    [
      'one that is not defined further in',
      'compliance.colour: is not defined',
      { compliance: { ...compliance, colour: 'red' } },
    ],
    [
      'one of an object',
      'cloud.account.colour: is not defined',
      { cloud: { ...cloud, account: { uid: '1', colour: 'red' } } },
    ],
    ['a deprecated attribute', 'resource: is deprecated since 1.3.0', { resource }],
    ['an id of no number', 'severity_id: 7 is none of its ids', { severity_id: 7 }],
    [
      'an id of no number further in',
      'compliance.status_id: 4 is none of its ids',
      { compliance: { ...compliance, status_id: 4 } },
    ],
    ['an id as text', 'severity_id: "4" is no integer_t', { severity_id: '4' }],
    ['another class', 'class_uid: 2004 is none of its ids', { class_uid: 2004 }],
    ['another category', 'category_uid: 3 is none of its ids', { category_uid: 3 }],
    ['a type of another activity', 'type_uid: is of another class or activity', { type_uid: 200_302 }],
    [
      'the name of another type',
      'type_name: "Compliance Finding: Close" is not the caption of 200301',
      { type_name: 'Compliance Finding: Close' },
    ],
    ['another caption', 'severity: "Grave" is not the caption of 4', { severity: 'Grave' }],
    [
      'our word for Warning',
      'compliance.status: "Unclear" is not the caption of 2',
      { compliance: { ...compliance, status_id: 2, status: 'Unclear' } },
    ],
    [
      'Other in no words',
      'compliance.status_id: 99 wants status',
      { compliance: { ...waived.compliance, status: '' } },
    ],
    [
      'Other as an activity without a name',
      'activity_id: 99 wants activity_name',
      { activity_id: 99, type_uid: 200_399, activity_name: undefined },
    ],
    ['a time in seconds', 'time: 1700000000 is no timestamp_t', { time: 1_700_000_000 }],
    ['a time as text', 'time: "2026-11-20T10:00:00Z" is no timestamp_t', { time: '2026-11-20T10:00:00Z' }],
    ['a text that is a number', 'message: 1 is no string_t', { message: 1 }],
    ['an object that is a text', 'cloud: is no object', { cloud: 'AWS' }],
    ['one resource and no list', 'resources: is no list', { resources: resource }],
    ['no product', 'metadata.product: is required', { metadata: { ...metadata, product: undefined } }],
    [
      'no vendor',
      'metadata.product.vendor_name: is required',
      { metadata: { ...metadata, product: { name: 'Portcullis' } } },
    ],
    [
      'a product of no name',
      'metadata.product: wants one of name, uid',
      { metadata: { ...metadata, product: { vendor_name: 'Portcullis' } } },
    ],
    ['another version', 'metadata.version: is not 1.3.0', { metadata: { ...metadata, version: '1.4.0' } }],
    [
      'a profile that is not named',
      'cloud: metadata.profiles does not name cloud',
      { metadata: { ...metadata, profiles: [] } },
    ],
    [
      'a profile of other classes',
      'metadata.profiles: load_balancer is not of this class',
      { metadata: { ...metadata, profiles: ['cloud', 'load_balancer'] } },
    ],
    [
      'a profile without what it requires',
      'osint: is required',
      { metadata: { ...metadata, profiles: ['cloud', 'osint'] } },
    ],
    ['no title', 'finding_info.title: is required', { finding_info: { ...finding_info, title: '' } }],
    ['no standard', 'compliance.standards: is required', { compliance: { ...compliance, standards: [] } }],
    [
      'a resource that is not named',
      'resources[0]: wants one of name, uid',
      { resources: [{ type: 'AWS::SageMaker::Endpoint' }] },
    ],
    ['what a profile brings that is not named', 'actor: metadata.profiles does not name host', { actor: {} }],
    ['an object that nobody looked up', 'enrichments[0]: the facts of enrichment are not known', { enrichments: [{}] }],
  ])('refuses an event with %s', (_, error, wrong) => expect(ocsfErrors({ ...planted, ...wrong })).toContain(error));

  test('is written down with text beside every id, and with nothing required of which one is enough', () => {
    const objects = [COMPLIANCE_FINDING, ...Object.values(OCSF_OBJECTS)];
    const siblings = objects.flatMap(({ attributes }) =>
      Object.values(attributes).flatMap(({ sibling }) => (sibling === undefined ? [] : [attributes[sibling]?.type])),
    );
    expect(new Set(siblings)).toEqual(new Set(['string_t']));
    const once = objects.flatMap(({ atLeastOne, attributes }) =>
      (atLeastOne ?? []).map((name) => attributes[name]?.need),
    );
    expect(new Set(once)).toEqual(new Set(['recommended']));
  });
});

describe('a finding as an OCSF Compliance Finding', () => {
  test.each(Outcomes.options)('has the published shape where it is %s', (of) => {
    const event = found(of);
    expect(ocsfErrors(event)).toEqual([]);
    expect(event?.compliance).toMatchObject({
      control: 'some-policy',
      standards: ['AgentOps Deployment Policies'],
      status_code: of,
    });
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
  test('of a detail that is too long for OCSF keeps the beginning, and the record that holds all of it', () => {
    const long = eventsOf(
      records(opened(1), findings(1, [finding('some-policy', 'violation', '\u{1f510}'.repeat(20_000))])),
    );
    expect(ocsfErrors(long[0])).toEqual([]);
    expect(long[0]?.compliance.status_detail).toMatch(/ \.\.\.$/);
    expect(ocsfErrors({ ...long[0], message: '\u{1f510}'.repeat(20_000) })).not.toEqual([]);
  });
  test('findings once it had settled are told apart from those of before', () => {
    const events = eventsOf(records(opened(), findings(), verified(), outcome()));
    expect(events.map(({ finding_info }) => finding_info.types[1])).toEqual(['checked', 'settled']);
  });
  test('a change that could not be determined is a Warning, which OCSF calls a missing result, never a pass', () => {
    const events = eventsOf(records(opened(), outcome(1, 'undetermined', { reason: 'AccessDenied' })));
    expect(events).toMatchObject([{ compliance: { status_id: 2, status_detail: 'AccessDenied' }, severity: 'High' }]);
    expect(ocsfErrors(events[0])).toEqual([]);
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
