import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { sha256 } from '../../shared/model/canonical-json.ts';
import * as a from '../builders.ts';
import { awsError } from '../fake-aws.ts';
import { gateInMemory, LINK_OF, linksOf, REQUEST_PATH, TASK_TOKEN } from './gate-in-memory.ts';

const lines: string[] = [];
let spies: MockInstance[];
beforeEach(() => {
  lines.length = 0;
  const note = (...parts: unknown[]) => void lines.push(parts.map(String).join(' '));
  spies = (['error', 'log', 'warn', 'info'] as const).map((name) => vi.spyOn(console, name).mockImplementation(note));
});
afterEach(() => {
  for (const spy of spies) spy.mockRestore();
});

/** As it is, and as it could be written otherwise. */
const forms = (secret: string) => [
  secret,
  Buffer.from(secret).toString('base64'),
  encodeURIComponent(secret),
  sha256(secret),
];

test('task token, session, binding and code are on no page, in no address, in no log line and in no record', async () => {
  const gate = await gateInMemory();
  const one = gate.browser();
  const pages: string[] = [];
  const see = async (seen: Promise<{ body: string; headers: Record<string, string> }>) => {
    const page = await seen;
    pages.push(page.body, page.headers.location ?? '');
    return page;
  };
  const next = `${REQUEST_PATH}?to=${LINK_OF.asha}`;
  await see(one.post('/login/code', { next }));
  const binding = one.cookies.get('__Host-portcullis-login') ?? '';
  const code = gate.codeIn('asha@example.com');
  await see(one.post('/login/verify', { next, code: 'WRONG-CODE' }));
  await see(one.post('/login/verify', { next, code }));
  const session = one.cookies.get('__Host-portcullis') ?? '';
  for (const secret of [binding, code, session]) expect(secret.length).toBeGreaterThan(8);

  // Every page there is, as somebody who has logged in sees it, before and after the decision.
  const visited = new Set([REQUEST_PATH, '/', '/login', '/login/code']);
  // The list links to itself under many filters, which all show it the same way.
  const isNew = (link: string) =>
    !link.includes('?') ||
    ![...visited].some((each) => each.split('?')[0] === link.split('?')[0] && each.includes('?'));
  for (const address of visited)
    for (const link of linksOf((await see(one.get(address))).body)) if (isNew(link)) visited.add(link);
  expect(visited.size).toBeGreaterThan(6);
  await see(one.post(`${REQUEST_PATH}/answer`, { reason: 'x', answer: 'approved', digest: a.HEX, token: a.HEX }));
  const hidden = await one.fieldsOf(REQUEST_PATH, '/answer');
  await see(one.post(`${REQUEST_PATH}/answer`, { ...hidden, reason: 'fine', name: 'fraud-prod', answer: 'approved' }));
  for (const address of visited) await see(one.get(address));
  // And where everything fails.
  gate.aws.world.before = () => {
    throw awsError('InternalServerError', `table said: ${TASK_TOKEN} ${session} ${code}`);
  };
  for (const address of visited) await see(one.get(address));
  await see(one.post(`${REQUEST_PATH}/comment`, { ...hidden, text: 'x' }));
  expect(lines.length).toBeGreaterThan(5);

  const records = JSON.stringify(gate.tables.records());
  const mails = JSON.stringify(gate.aws.world.mails);
  for (const [name, secret] of Object.entries({ TASK_TOKEN, session, binding, code })) {
    for (const form of forms(secret)) {
      expect(
        pages.filter((page) => page.includes(form)),
        name,
      ).toEqual([]);
      expect(
        lines.filter((line) => line.includes(form)),
        name,
      ).toEqual([]);
      expect(records.includes(form), name).toBe(false);
    }
    // The code's own mail is where it belongs, and nothing else is in it.
    expect(mails.includes(secret), name).toBe(name === 'code');
  }
  expect(gate.aws.world.resumed).toEqual([TASK_TOKEN]);
});
