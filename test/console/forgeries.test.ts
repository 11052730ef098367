import { createHash, createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { respond } from '../../local/http-api.ts';
import { formToken } from '../../shared/model/form-token.ts';
import * as a from '../builders.ts';
import {
  Browser,
  eventFor,
  type GateInMemory,
  gateInMemory,
  LINK_OF,
  REQUEST_PATH,
  type Sent,
} from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

// All of them take a minute or two; a fortieth of them runs with every test. `PORTCULLIS_PROOF=full` runs all.
const SHARE = process.env.PORTCULLIS_PROOF === 'full' ? 1 : 40;
const REPLAYS = 10_000 / SHARE;
const FORGERIES = 60_000 / SHARE;

/** The same numbers in every run, so that what fails once fails again. */
function numbers(seed: string) {
  let state = createHash('sha256').update(seed).digest();
  return (below: number): number => {
    state = createHash('sha256').update(state).digest();
    return state.readUInt32BE(0) % below;
  };
}
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const id = (pick: (below: number) => number) => Array.from({ length: 26 }, () => ALPHABET[pick(32)]).join('');
const hex = (pick: (below: number) => number) =>
  Array.from({ length: 64 }, () => '0123456789abcdef'[pick(16)]).join('');
/** A text with one character of it changed. */
const spoilt = (text: string, pick: (below: number) => number) => {
  const at = pick(text.length);
  return text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
};

const FORM = { 'content-type': 'application/x-www-form-urlencoded', origin: 'null', 'sec-fetch-site': 'same-origin' };
const posted = (fields: Record<string, string>, cookie?: string, headers = {}): Sent => ({
  method: 'POST',
  headers: { ...FORM, ...headers },
  body: new URLSearchParams(fields).toString(),
  cookies: cookie === undefined ? [] : [`__Host-portcullis=${cookie}`],
});

const digest = a.opened().digest;
const answer = { digest, reason: 'looks right', name: 'fraud-prod', answer: 'approved' };
type Attempt = { address: string; sent: Sent };

/** Statuses of what was sent, counted. Sent in batches, as many at once as a busy function sees. */
async function sendAll({ services }: GateInMemory, attempts: readonly Attempt[]): Promise<Map<number, number>> {
  const counted = new Map<number, number>();
  for (let start = 0; start < attempts.length; start += 50) {
    const batch = attempts.slice(start, start + 50);
    const replies = await Promise.all(batch.map(({ address, sent }) => respond(eventFor(address, sent), services)));
    for (const { statusCode = 0 } of replies) counted.set(statusCode, (counted.get(statusCode) ?? 0) + 1);
  }
  return counted;
}

describe('replays', () => {
  test(`of answers, codes and sessions, ${REPLAYS} of them, write nothing more`, async () => {
    const gate = await gateInMemory();
    const [asha, ben] = [gate.browser(), await gate.loggedIn('ben')];
    await asha.post('/login/code', { next: `${REQUEST_PATH}?to=${LINK_OF.asha}` });
    const binding = asha.cookies.get('__Host-portcullis-login') ?? '';
    const code = gate.codeIn('asha@example.com');
    await asha.post('/login/verify', { next: '/', code });
    const secret = asha.cookies.get('__Host-portcullis') ?? '';
    const fields = { ...(await asha.fieldsOf(REQUEST_PATH, '/answer')), ...answer };
    const bens = { ...(await ben.fieldsOf(REQUEST_PATH, '/answer')), ...answer, answer: 'rejected' };
    expect((await asha.post(`${REQUEST_PATH}/answer`, fields)).status).toBe(303);
    const [records, sessions] = [gate.tables.records(), gate.tables.approvals.size];
    const bensSecret = ben.cookies.get('__Host-portcullis') ?? '';
    const every: Attempt[] = [
      { address: `${REQUEST_PATH}/answer`, sent: posted(fields, secret) },
      { address: `${REQUEST_PATH}/answer`, sent: posted({ ...fields, answer: 'rejected' }, secret) },
      { address: `${REQUEST_PATH}/answer`, sent: posted(bens, bensSecret) },
      { address: `${REQUEST_PATH}/answer`, sent: posted(fields, bensSecret) },
      {
        address: '/login/verify',
        sent: { ...posted({ next: '/', code }), cookies: [`__Host-portcullis-login=${binding}`] },
      },
    ];
    const counted = await sendAll(
      gate,
      Array.from({ length: REPLAYS }, (_, at) => every[at % every.length] as Attempt),
    );
    expect(gate.tables.records()).toEqual(records);
    expect(gate.tables.approvals.size).toBe(sessions);
    // The same answer of the same person leads to the page again; everything else is refused.
    expect([...counted.keys()].sort()).toEqual([303, 403, 409]);
    expect(counted.get(303)).toBe(REPLAYS / 5);
    // After logging out even that does not work any more.
    await asha.post('/logout', await asha.fieldsOf('/login', '/logout'));
    const after = await sendAll(
      gate,
      Array.from({ length: 50 }, () => every[0] as Attempt),
    );
    expect([...after.keys()]).toEqual([401]);
  }, 120_000);
});

describe('forgeries', () => {
  test(`of links, forms and sessions, ${FORGERIES} of them, write nothing`, async () => {
    const gate = await gateInMemory();
    const asha = await gate.loggedIn('asha');
    const secret = asha.cookies.get('__Host-portcullis') ?? '';
    const { token = '' } = await asha.fieldsOf(REQUEST_PATH, '/answer');
    const stored = [...gate.tables.approvals.keys()].find((key) => key.startsWith('session#')) ?? '';
    const pick = numbers('forgeries');
    const path = `${REQUEST_PATH}/answer`;
    const kinds: (() => Attempt)[] = [
      // Sessions: invented, one character off, the hash that is stored, none.
      () => ({ address: path, sent: posted({ ...answer, token }, id(pick)) }),
      () => ({ address: path, sent: posted({ ...answer, token }, spoilt(secret, pick)) }),
      () => ({ address: path, sent: posted({ ...answer, token }, stored.slice(8)) }),
      () => {
        const forged = id(pick);
        return {
          address: path,
          sent: posted({ ...answer, token: formToken(forged, 'answer', a.REQUEST, digest) }, forged),
        };
      },
      () => ({ address: path, sent: posted({ ...answer, token }) }),
      // Forms of a living session, which another site might send if it could: with any token but the right one.
      () => ({ address: path, sent: posted({ ...answer, token: hex(pick) }, secret) }),
      () => ({ address: path, sent: posted({ ...answer, token: spoilt(token, pick) }, secret) }),
      () => ({
        address: path,
        sent: posted({ ...answer, token: formToken(secret, 'comment', a.REQUEST, digest) }, secret),
      }),
      () => ({
        address: path,
        sent: posted({ ...answer, token: formToken(secret, 'answer', id(pick), digest) }, secret),
      }),
      () => {
        const guessed = createHmac('sha256', id(pick)).update(`answer${a.REQUEST}${digest}`).digest('hex');
        return { address: path, sent: posted({ ...answer, token: guessed }, secret) };
      },
      // About another deployment than the page showed.
      () => ({ address: path, sent: posted({ ...answer, digest: hex(pick), token }, secret) }),
      () => {
        const other = hex(pick);
        const right = formToken(secret, 'answer', a.REQUEST, other);
        return { address: path, sent: posted({ ...answer, digest: other, token: right }, secret) };
      },
      // Perfect forms that come from elsewhere.
      () => ({
        address: path,
        sent: posted({ ...answer, token }, secret, {
          origin: `https://${id(pick)}.example.com`,
          'sec-fetch-site': 'cross-site',
        }),
      }),
      () => ({ address: path, sent: posted({ ...answer, token }, secret, { 'sec-fetch-site': 'same-site' }) }),
      // Links: answers in the address, and requests that there are not.
      () => ({
        address: `${REQUEST_PATH}?to=${id(pick)}&${new URLSearchParams({ ...answer, token })}`,
        sent: { cookies: [`__Host-portcullis=${secret}`] },
      }),
      () => ({ address: `/approvals/${id(pick)}/answer`, sent: posted({ ...answer, token }, secret) }),
      // Codes, with a binding that is invented.
      () => ({
        address: '/login/verify',
        sent: {
          ...posted({ next: '/', code: id(pick).slice(0, 10) }),
          cookies: [`__Host-portcullis-login=${id(pick)}`],
        },
      }),
      // Logins with a provider that there is not.
      () => ({ address: '/login/callback', sent: posted({ code: id(pick), state: id(pick) }) }),
    ];
    const [records, kept] = [gate.tables.records(), JSON.stringify([...gate.tables.approvals])];
    const attempts = Array.from({ length: FORGERIES }, (_, at) => (kinds[at % kinds.length] as () => Attempt)());
    const counted = await sendAll(gate, attempts);
    expect([...counted.keys()].sort()).toEqual([200, 401, 403, 404, 409]);
    // The only ones that are shown anything are the links, which only show.
    expect(counted.get(200)).toBe(attempts.filter(({ sent }) => sent.method === undefined).length);
    expect(gate.tables.records()).toEqual(records);
    expect(JSON.stringify([...gate.tables.approvals])).toBe(kept);
    // And the true one is taken.
    const true_ = new Browser(gate.services);
    true_.cookies.set('__Host-portcullis', secret);
    expect((await true_.post(path, { ...answer, token })).status).toBe(303);
    expect(gate.said()).toHaveLength(1);
  }, 300_000);
});
