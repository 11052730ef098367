import { describe, expect, test } from 'vitest';
import { waitingPage } from '../../web/waiting-page.ts';
import { endpoint, later, NOW } from '../builders.ts';

const request = { id: 'soon', endpoint, generation: 1, expiresAt: later(60) };
const show = (more: Partial<Parameters<typeof waitingPage>[0]> = {}) =>
  waitingPage({ requests: [request], now: NOW, ...more }).toString();

describe('the waiting page', () => {
  test('leads on where there is more, and back to the beginning', () => {
    expect(show()).not.toMatch(/More|From the beginning/);
    expect(show({ next: '2026-11-20T10:00:00.000Z_a' })).toContain(
      'href="/approvals?after=2026-11-20T10%3A00%3A00.000Z_a">More',
    );
    expect(show({ continued: true })).toContain('href="/approvals">From the beginning');
  });
  test('says that nothing waits, and what that means on a later page', () => {
    expect(show({ requests: [] })).toContain('Nothing waits for a decision.');
    expect(show({ requests: [], continued: true })).toContain('Nothing more waits for a decision.');
  });
  test('shows broken glass until it is reviewed', () => {
    expect(show()).not.toContain('Broken glass');
    const html = show({ reviews: [{ request: 'broken', endpoint, generation: 2, since: NOW }] });
    expect(html).toMatch(/Broken glass[\s\S]*href="\/approvals\/broken"[\s\S]*change 2/);
  });
  test('tells a plan from a change, and links to its page', () => {
    const html = show({ requests: [{ ...request, endpoint: { ...endpoint, planned: true } }] });
    expect(html).toMatch(/href="\/plans\/111122223333\/us-east-1\/fraud-prod\/1">plan 1/);
  });
});
