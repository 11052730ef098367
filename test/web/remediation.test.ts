import { describe, expect, test } from 'vitest';
import { remediationMessage } from '../../web/remediation-message.ts';
import { remediationSection } from '../../web/remediation-section.ts';
import * as a from '../builders.ts';

const { digest } = a.opened();
const HOSTILE = '<script>alert(1)</script>';
const call = {
  api: 'sagemaker:UpdateEndpoint' as const,
  input: { EndpointName: 'fraud-prod', EndpointConfigName: HOSTILE },
};
const to = { generation: 1, digest: a.HEX, configName: 'fraud-prod-cfg-18' };
const proposed = {
  ...({ kind: 'remediation-proposed', generation: 2, digest, of: 'deployment', to } as const),
  ...{ calls: [call], others: [], notes: [] },
};
const refused: a.Written[] = [
  a.opened(2),
  a.findings(2),
  a.outcome(2, 'blocked', { reason: 'Violates prod-min-instances.' }),
];
const changeWith = (...more: a.Written[]) => {
  const change = a.history(...refused, ...more).changes.at(-1);
  if (!change) throw new Error('There is no change.');
  return change;
};
const approver = { kind: 'approver', name: 'Asha', token: a.HEX } as const;
const section = (...more: a.Written[]) => String(remediationSection(a.endpoint, changeWith(...more), approver) ?? '');

describe('the section of a change that was refused', () => {
  test('is not there where nothing was found out about putting it back', () => {
    expect(section()).toBe('');
  });
  test('shows the exact calls, and the form with the name to type in prod', () => {
    const shown = section(proposed);
    expect(shown).toContain('sagemaker:UpdateEndpoint');
    expect(shown).toContain('&quot;EndpointConfigName&quot;: &quot;&lt;script&gt;');
    expect(shown).toContain('action="/changes/111122223333/us-east-1/fraud-prod/2/put-back"');
    expect(shown).toMatch(/Type <span class="name">fraud-prod<\/span>/);
    expect(shown).not.toContain('<script>');
  });
  test('has no form where there is nothing that the gate could call', () => {
    const shown = section({ ...proposed, calls: [], others: [call], notes: ['Its config does not exist any more.'] });
    expect(shown).toContain('Calls that only people can make');
    expect(shown).toContain('Its config does not exist any more.');
    expect(shown).not.toContain('<form');
  });
  test('has no form once somebody wanted it, and says how it ended', () => {
    const accepted = {
      kind: 'remediation-accepted',
      generation: 2,
      digest,
      person: 'asha',
      reason: 'back',
      via: 'page',
    } as const;
    expect(section(proposed, accepted)).toContain('<strong>asha had it carried out.</strong>');
    expect(section(proposed, accepted)).not.toContain('<form');
    const done = {
      kind: 'remediation-done',
      generation: 2,
      digest,
      result: 'failed',
      reason: 'AWS refused it.',
    } as const;
    expect(section(proposed, accepted, done)).toContain('<strong>It could not be put back.</strong> AWS refused it.');
  });
  test('asks nobody in particular to log in first, and then leads back', () => {
    const shown = String(remediationSection(a.endpoint, changeWith(proposed), { kind: 'nobody', next: '/changes/x' }));
    expect(shown).toContain('href="/login?next=%2Fchanges%2Fx"');
    expect(shown).not.toContain('<form');
  });
  test('keeps what was typed into a form that did not count', () => {
    const refusal = { reason: 'Give a reason.', typed: { name: 'fraud-dev' } };
    const shown = String(remediationSection(a.endpoint, changeWith(proposed), { ...approver, refusal }));
    expect(shown).toContain('Give a reason.');
    expect(shown).toContain('value="fraud-dev"');
  });
});

describe('the message about it', () => {
  test.each([
    ['proposed', 'Refused, and how to put it back: fraud-prod (prod), change 2', 'Calls that the gate would make'],
    ['stopped', 'Put back too often, so the gate stops: fraud-prod (prod), change 2', 'Why it was refused'],
  ] as const)('that it is %s says which endpoint, and where to look', (news, subject, head) => {
    const about = { endpoint: a.endpoint, change: changeWith(proposed), consoleUrl: 'https://gate.example.com' };
    const mail = remediationMessage(about, news).mail({ name: 'Asha' });
    expect(mail.subject).toBe(subject);
    expect(mail.text).toContain(head);
    expect(mail.text).toContain('https://gate.example.com/changes/111122223333/us-east-1/fraud-prod/2');
    expect(mail.html).not.toContain('<script>');
  });
});
