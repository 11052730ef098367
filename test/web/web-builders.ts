import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ApprovalNeedState } from '../../shared/model/approval.ts';
import { canonicalJson } from '../../shared/model/canonical-json.ts';
import type { ChangeRow } from '../../shared/model/change-row.ts';
import { changeOf, type EndpointHistory, requestersOf } from '../../shared/model/endpoint-history.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { type LedgerRecord, recordHash, sortKey } from '../../shared/model/ledger-record.ts';
import type { ApprovalPage } from '../../web/approval-page.ts';
import type { Visitor } from '../../web/approval-visitor.ts';
import type { ChangesPage } from '../../web/changes-page.ts';
import { REQUEST_ACTIONS, type RequestAction } from '../../web/links.ts';
import type { OverviewPage } from '../../web/overview-page.ts';
import { endpoint, findings, history, NOW, opened, person, REQUEST, requested, type Written } from '../builders.ts';

/** Text that does harm wherever it is not escaped. */
export const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;\u202e`;

/** A change that waits for approval, made by mallory. */
export const waiting = (...more: Written[]): EndpointHistory =>
  history({ body: opened(), actor: person('mallory') }, findings(), requested(), ...more);

/** One approval, whoever it comes from, and none given. */
export const need = (overrides: Partial<ApprovalNeedState> = {}): ApprovalNeedState => ({
  group: null,
  because: 'whoever they come from',
  needed: 1,
  given: 0,
  ...overrides,
});

/** Asha, who has logged in and may decide. */
export const asha = (
  overrides: Partial<Extract<Visitor, { kind: 'approver' }>> = {},
): Extract<Visitor, { kind: 'approver' }> => ({
  kind: 'approver',
  id: 'asha',
  name: 'Asha Rao',
  tokens: Object.fromEntries(REQUEST_ACTIONS.map((action) => [action, `${action}-token`])) as Record<
    RequestAction,
    string
  >,
  isRequester: false,
  mayBreakGlass: false,
  mayAskAgain: false,
  ...overrides,
});

/** What the approval page is given for change 1 of a stream. */
export function approvalModel(from: EndpointHistory = waiting(), overrides: Partial<ApprovalPage> = {}): ApprovalPage {
  const change = changeOf(from, 1);
  if (!change?.opened || !change.request) throw new Error('The stream has no request.');
  return {
    change: { ...change, opened: change.opened, request: change.request },
    state: change.decided
      ? { state: 'decided', decided: change.decided }
      : { state: 'waiting', approvalsNeeded: 1, approvalsGiven: 0, needs: [need()] },
    requesters: requestersOf(from, 1),
    names: new Map([
      ['asha', 'Asha Rao'],
      ['ben', 'Ben Okafor'],
    ]),
    notified: true,
    notifyErrors: [],
    now: NOW,
    visitor: asha(),
    earlier: [],
    ...overrides,
  };
}

export const row = (overrides: Partial<ChangeRow> = {}): ChangeRow => ({
  endpoint: endpoint.name,
  account: endpoint.account,
  region: endpoint.region,
  environment: 'prod',
  generation: 1,
  planned: false,
  at: NOW,
  state: 'open',
  reason: null,
  cause: null,
  who: 'mallory',
  ...overrides,
});

/** What the list of changes is given: one page, with nothing before or after it. */
export const changesModel = (overrides: Partial<ChangesPage> = {}): ChangesPage => ({
  rows: [row()],
  filter: {},
  limit: 50,
  days: { from: '2026-09-01', to: '2026-11-20' },
  ...overrides,
});

/** What the overview is given where nothing has happened yet. */
export const overviewModel = (overrides: Partial<OverviewPage> = {}): OverviewPage => ({
  now: NOW,
  weeks: [
    { from: '2026-11-09', to: '2026-11-15', counts: {} },
    { from: '2026-11-16', to: '2026-11-22', counts: {} },
  ],
  waiting: [],
  moreWaiting: false,
  reviews: [],
  quarantined: { count: 0, more: false },
  costs: [],
  latest: [],
  ...overrides,
});

type Item = Record<string, AttributeValue>;

/** A record as the ledger's table keeps it. */
export const ledgerItem = (record: LedgerRecord): Item => ({
  pk: { S: streamOf(record.endpoint) },
  sk: { S: sortKey(record.sequence, record.previous) },
  hash: { S: recordHash(record) },
  record: { S: canonicalJson(record) },
});

/** A request as the approvals table keeps it, with things that must never be shown. */
export const requestItem = (overrides: Item = {}): Item => ({
  id: { S: REQUEST },
  account: { S: endpoint.account },
  region: { S: endpoint.region },
  endpoint: { S: endpoint.name },
  generation: { N: '1' },
  expiresAt: { S: requested().expiresAt },
  notified: { BOOL: true },
  notifyErrors: { L: [] },
  token: { B: new TextEncoder().encode('sealed-token') },
  open: { S: 'open' },
  ...overrides,
});

/** An item of the index by environment and month. */
export const indexItem = (fields: Record<string, string>): Item =>
  Object.fromEntries(
    Object.entries({
      pk: streamOf(endpoint),
      sk: 'x',
      endpoint: endpoint.name,
      environment: 'prod',
      generation: '1',
      ...fields,
    }).map(([name, value]) => [name, { S: value }]),
  );
