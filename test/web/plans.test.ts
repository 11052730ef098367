import { expect, test } from 'vitest';
import { historyOf } from '../../shared/model/endpoint-history.ts';
import { changePage } from '../../web/change-page.ts';
import { changesPage } from '../../web/changes-page.ts';
import { changePath } from '../../web/links.ts';
import { planSection } from '../../web/plan-section.ts';
import {
  endpoint,
  findings,
  opened,
  openedPlan,
  outcome,
  plan,
  plannedEndpoint,
  REQUEST,
  records,
  type Written,
} from '../builders.ts';
import { changesModel, row } from './web-builders.ts';

const pageOf = (ref: typeof endpoint, ...written: Written[]) => {
  const history = historyOf(records(...written).map((record) => ({ ...record, endpoint: ref })));
  const [change] = history.changes;
  if (!change) throw new Error('there is no change');
  return changePage({ endpoint: ref, change, history, approval: undefined }).toString();
};

test('a plan has a page of its own, beside that of the change with its number', () => {
  expect(changePath(endpoint, 3)).toBe('/changes/111122223333/us-east-1/fraud-prod/3');
  expect(changePath(plannedEndpoint, 3)).toBe('/plans/111122223333/us-east-1/fraud-prod/3');
});

test('the list of changes marks plans, and links to their pages and their requests', () => {
  const rows = [row({ planned: true, request: REQUEST }), row()];
  const page = changesPage(changesModel({ rows })).toString();
  expect(page).toContain('href="/plans/111122223333/us-east-1/fraud-prod/1"><strong>fraud-prod</strong> plan 1<');
  expect(page).toContain('href="/changes/111122223333/us-east-1/fraud-prod/1"><strong>fraud-prod</strong> #1<');
  expect(page.split(`/approvals/${REQUEST}`)).toHaveLength(2);
});

test('the page of a plan says so, what it says about itself, and which change carried it out', () => {
  const matched = { kind: 'plan-matched' as const, generation: 1, digest: opened().digest, change: 7 };
  const page = pageOf(plannedEndpoint, openedPlan(), findings(), outcome(), matched);
  for (const text of ['plan 1', 'The plan', 'fewer false alarms', 'Valid until', 'Submitted by', 'change 7'])
    expect(page).toContain(text);
  expect(page).toContain('href="/changes/111122223333/us-east-1/fraud-prod/7"');
});

test('the page of a change that carries out a plan links to it and names who approved it', () => {
  const authority = {
    generation: 2,
    digest: opened().digest,
    request: REQUEST,
    approvers: ['asha'],
    reason: 'r',
    approvedFor: [],
  };
  const page = pageOf(endpoint, opened(), findings(1, undefined, { plan: authority }));
  expect(page).toContain('href="/plans/111122223333/us-east-1/fraud-prod/2">plan 2</a>, approved by asha');
  expect(pageOf(endpoint, opened(), findings())).not.toContain('/plans/');
});

test('only a web address is made a link', () => {
  const ticketed = (changeTicket: string) => planSection(openedPlan(1, plan({ changeTicket })))?.toString() ?? '';
  expect(ticketed('https://tickets.example.com/1')).toContain('<a href="https://tickets.example.com/1"');
  for (const other of ['CHG-1', 'javascript:alert(1)', 'https://x" onclick="y', 'http://plain.example.com'])
    expect(ticketed(other)).not.toContain('<a ');
  expect(planSection(opened())).toBeUndefined();
});
