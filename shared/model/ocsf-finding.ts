import { type ChangeGroup, environmentOf } from './change-groups.ts';
import { endpointArn } from './endpoint-ref.ts';
import type { Outcome } from './finding.ts';
import { type Found, foundIn, undeterminedWhy } from './found-in.ts';
import type { LedgerRecord } from './ledger-record.ts';
import { VERSION } from './version.ts';

// A Compliance Finding, class 2003 of category 2 (Findings), of the Open Cybersecurity Schema Framework. Names, numbers and
// what is required are from the published definitions of 1.3.0, whose facts are in test/ocsf-facts.ts. Of what they recommend we leave
// out what we do not know (who owns the endpoint, how to remedy it, a tenant) and observables: their "Resource UID" has at
// most 64 characters, which an ARN may exceed.
const OCSF_VERSION = '1.3.0';

type Labelled = { id: number; label: string };

/**
 * compliance.status_id: 1 Pass, 3 Fail, and 2 Warning, which is published as "did not yield a result due to missing information"
 * and so is what could not be determined, and nothing else. 99 is Other, which our own word then says.
 */
const STATUS: Record<Outcome | 'undetermined', Labelled> = {
  pass: { id: 1, label: 'Pass' },
  undetermined: { id: 2, label: 'Warning' },
  violation: { id: 3, label: 'Fail' },
  advice: { id: 99, label: 'Advice' },
  'needs-approval': { id: 99, label: 'Needs approval' },
  waived: { id: 99, label: 'Waived' },
  'not-applicable': { id: 99, label: 'Not applicable' },
};

/** severity_id: 1 Informational, 2 Low, 3 Medium, 4 High. */
function severityOf(outcome: Outcome | 'undetermined', environment: string): Labelled {
  if (outcome === 'violation' || outcome === 'undetermined')
    return environment === 'prod' ? { id: 4, label: 'High' } : { id: 3, label: 'Medium' };
  return outcome === 'needs-approval' || outcome === 'waived'
    ? { id: 2, label: 'Low' }
    : { id: 1, label: 'Informational' };
}

/** Texts have at most 65,535 bytes there, which no character takes more than four of. The record that the uid names has the rest. */
const MOST = 16_000;
const shortened = (text: string) => (text.length > MOST ? `${text.slice(0, MOST)} ...` : text);

type Said = {
  policy: string;
  outcome: Outcome | 'undetermined';
  statement: string;
  messages: readonly string[];
  when: Found['when'] | 'ended';
};

function event({ endpoint, change, stream }: ChangeGroup, { sequence, at, body }: LedgerRecord, said: Said) {
  const { account, region, name, planned } = endpoint;
  const environment = environmentOf(change);
  const status = STATUS[said.outcome];
  const severity = severityOf(said.outcome, environment);
  const time = Date.parse(at);
  const uid = `${stream}#${sequence}#${said.policy}`;
  const detail = shortened(said.messages.join(' '));
  return {
    activity_id: 1,
    activity_name: 'Create',
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2003,
    class_name: 'Compliance Finding',
    type_uid: 200_301,
    type_name: 'Compliance Finding: Create',
    time,
    severity_id: severity.id,
    severity: severity.label,
    status_id: 1,
    status: 'New',
    ...(detail && { status_detail: detail }),
    timezone_offset: 0,
    message: `${said.policy}: ${said.outcome}${detail ? `. ${detail}` : ''}`,
    metadata: {
      version: OCSF_VERSION,
      product: {
        name: 'Portcullis',
        vendor_name: 'Portcullis',
        version: ('version' in body && body.version) || VERSION,
      },
      profiles: ['cloud'],
      log_name: stream,
      log_provider: 'Portcullis',
      uid,
      original_time: at,
    },
    cloud: { provider: 'AWS', account: { uid: account, type: 'AWS Account', type_id: 10 }, region },
    finding_info: {
      uid,
      title: said.statement,
      ...(detail && { desc: detail }),
      created_time: time,
      types: [planned ? 'plan' : 'change', said.when],
      analytic: { name: said.policy, type: 'Rule', type_id: 1 },
    },
    compliance: {
      control: said.policy,
      requirements: [said.statement],
      standards: ['AgentOps Deployment Policies'],
      status_id: status.id,
      status: status.label,
      status_code: said.outcome,
      ...(detail && { status_detail: detail }),
    },
    resources: [
      {
        uid: endpointArn(endpoint),
        name,
        type: 'AWS::SageMaker::Endpoint',
        region,
        cloud_partition: 'aws',
        labels: [`environment:${environment}`],
      },
    ],
    unmapped: { change: change.generation, record: sequence, environment },
  };
}
export type OcsfFinding = ReturnType<typeof event>;

/** Every finding of a change as an event, and one more where the change could not be determined. */
export function ocsfFindings(group: ChangeGroup): OcsfFinding[] {
  const events = foundIn(group).map(({ record, when, finding }) => event(group, record, { ...finding, when }));
  const why = undeterminedWhy(group);
  const end = group.change.records.findLast(({ body }) => body.kind === 'outcome');
  if (why === undefined || !end) return events;
  const statement = 'What cannot be read is not compliant.';
  return [
    ...events,
    event(group, end, { policy: 'undetermined', outcome: 'undetermined', statement, messages: [why], when: 'ended' }),
  ];
}
