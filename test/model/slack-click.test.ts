import { describe, expect, test } from 'vitest';
import { readSlackClick } from '../../shared/model/slack-click.ts';
import { opened, REQUEST } from '../builders.ts';
import { formOf, payload, pressed, SLACK } from '../fake-slack.ts';

const read = (overrides: Record<string, unknown> = {}) => readSlackClick(formOf(payload(overrides)));

test('a press of a button says which request, which answer, and whose', () => {
  expect(read()).toEqual({
    request: REQUEST,
    digest: opened().digest,
    answer: 'approved',
    reason: 'looks right',
    appId: SLACK.appId,
    team: SLACK.team,
    userTeam: SLACK.team,
    user: 'U0ASHA',
    responseUrl: SLACK.responseUrl,
  });
});
test.each([
  ['no state', { state: undefined }],
  ['an empty input', { state: { values: { reason: { reason: { type: 'plain_text_input', value: null } } } } }],
  ['other inputs', { state: { values: { other: {} } } }],
])('with %s there is no reason, which is for whoever decides to refuse', (_, overrides) => {
  expect(read(overrides)?.reason).toBe('');
});
test('an app that is installed for a whole organization names no workspace', () => {
  expect(read({ team: null })?.team).toBeUndefined();
});

describe('it is no press of ours', () => {
  test.each([
    ['of another kind', { type: 'view_submission' }],
    ['without an action', { actions: [] }],
    ['with two at once', { actions: [pressed('approved'), pressed('rejected')] }],
    ['of a link', { actions: [{ type: 'button', action_id: 'open', url: 'https://gate.example.com' }] }],
    ['whose name and value disagree', { actions: [{ ...pressed('rejected'), action_id: 'approve' }] }],
    ['of a third answer', { actions: [{ ...pressed('approved', { answer: 'expired' }), action_id: 'approve' }] }],
    ['with more in its value', { actions: [pressed('approved', { approver: 'asha' })] }],
    ['about what is no request', { actions: [pressed('approved', { request: 'session#1' })] }],
    ['about what is no digest', { actions: [pressed('approved', { digest: 'x' })] }],
    ['by nobody', { user: undefined }],
  ])('%s', (_, overrides) => expect(read(overrides)).toBeUndefined());
  test.each([
    ['no payload', 'a=b'],
    ['two payloads', `${formOf(payload())}&${formOf(payload())}`],
    ['no JSON', 'payload={'],
    ['nothing', ''],
  ])('where the body has %s', (_, body) => expect(readSlackClick(body)).toBeUndefined());
});
