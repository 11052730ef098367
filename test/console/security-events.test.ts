import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { type SecurityEvent, securityLine } from '../../shared/model/security-event.ts';
import * as a from '../builders.ts';
import { gateInMemory, REQUEST_PATH } from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

async function setUp() {
  const events: SecurityEvent[] = [];
  const gate = await gateInMemory({ note: (event) => events.push(event) });
  events.length = 0;
  return {
    ...gate,
    events,
    told: () => events.map(({ event, actor, route, status }) => [event, actor, route, status]),
  };
}

test('who logs in and out is told of, with how they showed who they are', async () => {
  const { loggedIn, events } = await setUp();
  const asha = await loggedIn('asha');
  expect(events).toContainEqual({ event: 'login', actor: 'asha', detail: 'mailed-code' });
  await asha.post('/logout', await asha.fieldsOf('/login', '/logout'));
  expect(events).toContainEqual({ event: 'logout', actor: 'asha' });
});

test('a wrong code is a denial, and what was typed is not told', async () => {
  const { browser, told, events } = await setUp();
  const one = browser();
  await one.post('/login/code', { email: 'asha@example.com' });
  await one.post('/login/verify', { code: 'CANARY-CODE' });
  expect(told()).toContainEqual(['denial', 'nobody', 'POST /login/verify', 403]);
  expect(JSON.stringify(events)).not.toMatch(/canary/i);
});

test('whoever may not is told of by name, and who shows no token as nobody', async () => {
  const { browser, told } = await setUp();
  await browser().post('/token/plans', {});
  await browser().post(`${REQUEST_PATH}/answer`, { answer: 'approved' });
  expect(told()).toEqual(
    expect.arrayContaining([
      ['denial', 'nobody', 'POST /token/plans', 401],
      ['denial', 'nobody', 'POST /approvals/{id}/answer', 401],
    ]),
  );
});

test('what is looked at is told of by its route, never by its address, and pages with nothing in them are not', async () => {
  const { loggedIn, events, told } = await setUp();
  const asha = await loggedIn('asha');
  events.length = 0;
  for (const path of ['/style.css', '/health', '/login', `${REQUEST_PATH}?to=canary`, '/changes?q=canary'])
    await asha.get(path);
  expect(told()).toEqual([
    ['retrieve', 'asha', 'GET /approvals/{id}', 200],
    ['retrieve', 'asha', 'GET /changes', 200],
  ]);
  expect(JSON.stringify(events)).not.toContain('canary');
});

test('an answer is a decision of whoever gave it, the key that opens the token is used, and no line holds a secret', async () => {
  const { loggedIn, events, codeIn } = await setUp();
  const asha = await loggedIn('asha');
  const hidden = await asha.fieldsOf(REQUEST_PATH, '/answer');
  const typed = { answer: 'rejected', reason: 'canary reason', name: a.endpoint.name };
  expect((await asha.post(`${REQUEST_PATH}/answer`, { ...hidden, ...typed })).status).toBe(303);
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'decision', actor: 'asha', detail: 'approval-given' }),
  );
  expect(events).toContainEqual(expect.objectContaining({ event: 'key-use', detail: 'open' }));
  const lines = events.map((event) => securityLine('now', event)).join('\n');
  expect(lines).not.toMatch(/canary/);
  expect(lines).not.toContain(a.REQUEST);
  expect(lines).not.toContain(codeIn('asha@example.com'));
});
