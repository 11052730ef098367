import { describe, expect, test } from 'vitest';
import { changeOf } from '../../shared/model/endpoint-history.ts';
import type { Asked } from '../../web/asking.ts';
import { type AskingInSlack, slackMessage } from '../../web/slack-message.ts';
import { given, opened, outcome, person, REQUEST } from '../builders.ts';
import { HOSTILE, waiting } from './web-builders.ts';

const askedIn = (from = waiting()): Asked => {
  const change = changeOf(from, 1);
  if (!change?.opened || !change.request) throw new Error('nobody was asked');
  return { ...change, opened: change.opened, request: change.request };
};
const message = (overrides: Partial<AskingInSlack> = {}) =>
  slackMessage({
    change: askedIn(),
    requesters: [person('mallory')],
    names: new Map([['asha', 'Asha Rao']]),
    occasion: 'asked',
    consoleUrl: 'https://gate.example.com',
    buttons: true,
    ...overrides,
  });
type Button = { action_id: string; value: string; confirm: object; url?: string };
type Block = { type: string; elements?: Button[]; text?: { type: string; text: string } };
const typesOf = (made: ReturnType<typeof message>) => (made.blocks as Block[]).map(({ type }) => type);
const buttonsOf = (made: ReturnType<typeof message>) =>
  (made.blocks as Block[]).flatMap(({ type, elements = [] }) => (type === 'actions' ? elements : []));

test('it says what, who, what it costs and until when, and links to the page', () => {
  const { text, blocks } = message();
  expect(text).toBe('Approve fraud-prod (prod)?');
  const said = JSON.stringify(blocks);
  for (const words of ['Changed by\\nmallory', 'Cost\\n$0.23 an hour', 'What prod-human-approval says.', 'UTC'])
    expect(said).toContain(words);
  expect(said).toContain(`<https://gate.example.com/approvals/${REQUEST}|See what approving does, and decide>`);
});

describe('buttons', () => {
  test('are two, each with a reason to fill in, a second question, and which request and digest it is for', () => {
    expect(typesOf(message())).toContain('input');
    expect(
      buttonsOf(message()).map(({ action_id, value, confirm }) => [action_id, JSON.parse(value), Boolean(confirm)]),
    ).toEqual([
      ['approve', { request: REQUEST, digest: opened().digest, answer: 'approved' }, true],
      ['reject', { request: REQUEST, digest: opened().digest, answer: 'rejected' }, true],
    ]);
  });
  test.each([
    ['where they are not wanted', { buttons: false }],
    ['once it is decided', { change: askedIn(waiting(given())) }],
    ['once the change has ended', { change: askedIn(waiting(outcome())) }],
  ])('are not there %s', (_, overrides) => {
    expect(typesOf(message(overrides))).not.toContain('input');
    expect(buttonsOf(message(overrides))).toEqual([]);
  });
});

test('once it is decided it says by whom, and why', () => {
  const { text, blocks } = message({ change: askedIn(waiting(given({ answer: 'rejected', reason: 'too large' }))) });
  expect(text).toBe('Rejected: fraud-prod (prod)');
  expect(JSON.stringify(blocks)).toContain('Rejected by Asha Rao: too large');
});
test('an approval by broken glass asks for its review', () => {
  const change = askedIn(waiting(given({ breakGlass: true })));
  expect(message({ change, occasion: 'break-glass' }).text).toMatch(/^Approved in an emergency, to be reviewed/);
  expect(JSON.stringify(message({ change, occasion: 'break-glass' }).blocks)).toContain('who broke the glass');
});

test('what others wrote is never read as marks: no link, no mention, no command', () => {
  const written = `${HOSTILE} <!channel> <https://evil.example|Approve> *bold* &`;
  const change = askedIn(waiting(given({ decides: false, reason: written })));
  const { text, blocks } = message({ change, requesters: [person(written)] });
  expect(text).not.toMatch(/<!|<http/);
  const marked = JSON.stringify(blocks).match(/"type":"mrkdwn","text":"[^"]*"/g);
  expect(marked).toHaveLength(1);
  expect(marked?.[0]).not.toContain('evil');
  expect(JSON.stringify(blocks)).not.toContain('\u202e');
});
