import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import * as a from '../builders.ts';
import {
  Browser,
  formsOf,
  type GateInMemory,
  gateInMemory,
  HOME,
  LINK_OF,
  linksOf,
  ORIGIN,
  REQUEST_PATH,
} from './gate-in-memory.ts';

let logged: MockInstance<typeof console.error>;
beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

const RUNS = 100;
const FULL = process.env.PORTCULLIS_PROOF === 'full';
const LINK = `${REQUEST_PATH}?to=${LINK_OF.asha}`;
/** What stands in the first mail: the link, and what else a reader could take for something to type. */
const FIRST_MAIL = [
  `${ORIGIN}${LINK}`,
  'fraud-prod',
  'asha',
  'asha@example.com',
  a.REQUEST,
  LINK_OF.asha,
  a.opened().digest,
];

type Profile = (gate: GateInMemory, run: number) => Promise<void>;

const agent = (name: string, more: Record<string, string> = {}) => ({ 'user-agent': name, ...more });
const CHROME = 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/153.0 Safari/537.36';

/** Goes where redirects and pages that go on by themselves lead, as browsers do. */
async function open(browser: Browser, address: string, headers: Record<string, string>) {
  let page = await browser.get(address, headers);
  for (let hops = 0; hops < 5; hops += 1) {
    const refresh = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&');
    const next = page.headers.location ?? refresh;
    if (!next?.startsWith('/')) return page;
    page = await browser.get(next, { ...headers, 'sec-fetch-site': 'same-origin' });
  }
  return page;
}

/** Fills in every form of a page with these words and presses every button; returns the pages that came back. */
async function submitAll(browser: Browser, body: string, words: readonly string[], headers: Record<string, string>) {
  const pages: string[] = [];
  for (const { action, method, hidden, inputs, buttons } of formsOf(body)) {
    for (const [index, [name, value]] of (buttons.length > 0 ? buttons : [['', ''] as const]).entries()) {
      const typed = inputs.map((input, at) => [input, words[(at + index) % words.length] ?? ''] as const);
      const fields = { ...hidden, ...Object.fromEntries(typed), ...(name && { [name]: value }) };
      const page =
        method === 'POST'
          ? await browser.post(action, fields, headers)
          : await browser.get(`${action}?${new URLSearchParams(fields)}`, headers);
      pages.push(page.headers.location ? (await open(browser, page.headers.location, headers)).body : page.body);
    }
  }
  return pages;
}

/** Follows every link of every page, up to so many pages. */
async function crawl(browser: Browser, start: string, headers: Record<string, string>, most = 8) {
  const seen = new Set([start]);
  for (const address of seen) {
    if (seen.size > most) return;
    for (const link of linksOf((await open(browser, address, headers)).body)) seen.add(link);
  }
}

const WORDS = ['yes', 'approved', 'fraud-prod', 'asha@example.com'];

const PROFILES: Record<string, Profile> = {
  'Slackbot, which unfurls links': async ({ browser }) => {
    await open(
      browser(),
      LINK,
      agent('Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)', { range: 'bytes=0-32768' }),
    );
  },
  'the previews of Teams': async ({ browser }) => {
    await open(browser(), LINK, agent('Mozilla/5.0 SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com'));
  },
  'the previews of WhatsApp': async ({ browser }) => {
    for (const method of ['HEAD', 'GET']) await browser().send(LINK, { method, headers: agent('WhatsApp/2.23.20.0') });
  },
  'Safe Links, which opens what it rewrites': async ({ browser }) => {
    await open(browser(), LINK, agent(CHROME, { 'sec-fetch-site': 'cross-site' }));
  },
  'Safe Links, which submits the forms that it finds': async ({ browser }) => {
    const one = browser();
    const { body } = await open(one, LINK, agent(CHROME, { 'sec-fetch-site': 'cross-site' }));
    await submitAll(one, body, WORDS, agent(CHROME));
  },
  'a detonator, which opens every link of the mail at once': async ({ browser }) => {
    const one = browser();
    const pages = await Promise.all(
      [LINK, REQUEST_PATH, '/approvals', '/', '/login'].map((link) => open(one, link, agent('Mozilla/5.0 Proofpoint'))),
    );
    await Promise.all(pages.map(({ body }) => submitAll(one, body, ['detonate'], agent('Mozilla/5.0 Proofpoint'))));
  },
  'headless Chrome, which submits every form and every form after that': async ({ browser }) => {
    const one = browser();
    let pages = [(await open(one, LINK, agent(CHROME))).body];
    for (let depth = 0; depth < 3; depth += 1) {
      pages = (await Promise.all(pages.map((body) => submitAll(one, body, WORDS, agent(CHROME))))).flat().slice(0, 4);
    }
  },
  'a prober that asks with HEAD and OPTIONS': async ({ browser }) => {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE'])
      await browser().send(LINK, { method, headers: agent('Mozilla/5.0 LinkCheck') });
  },
  'a browser that fetches links before they are followed': async ({ browser }) => {
    await open(browser(), LINK, agent(CHROME, { 'sec-purpose': 'prefetch;prerender', purpose: 'prefetch' }));
  },
  'a crawler that follows every link': async ({ browser }) => {
    await crawl(browser(), LINK, agent('Mozilla/5.0 (compatible; bingbot/2.0)'));
  },
  'a scanner that sends back every cookie it ever got': async ({ browser, services }, run) => {
    const first = browser();
    await submitAll(first, (await open(first, LINK, agent(CHROME))).body, WORDS, agent(CHROME));
    const again = new Browser(services);
    for (const [name, value] of first.cookies) {
      again.cookies.set(name, value);
      // A login under way is no session, by whatever name its secret is sent.
      again.cookies.set(name.replace('-login', ''), value);
    }
    const { body } = await open(again, LINK, agent(CHROME));
    await submitAll(again, body, [`guess ${run}`], agent(CHROME));
    await again.post(`${REQUEST_PATH}/answer`, {
      digest: a.opened().digest,
      token: a.HEX,
      reason: 'x',
      answer: 'approved',
    });
  },
  'a reader of the first mail, which types whatever stands in it': async ({ browser }, run) => {
    const one = browser();
    const words = FIRST_MAIL.map((_, at) => FIRST_MAIL[(at + run) % FIRST_MAIL.length] ?? '');
    const { body } = await open(one, LINK, agent(CHROME));
    const after = await submitAll(one, body, words, agent(CHROME));
    for (const page of after) await submitAll(one, page, words, agent(CHROME));
    await one.post('/login/verify', { next: LINK, code: words[0] ?? '' });
  },
};

describe('programs that open links and submit forms', () => {
  test('come in twelve kinds', () => expect(Object.keys(PROFILES)).toHaveLength(12));

  test.each(Object.entries(PROFILES))(
    `%s: ${RUNS} times, nothing is decided and nothing recorded`,
    async (_name, profile) => {
      // One console shows nothing without a login; the other, on one's own machine, shows the page to everybody.
      const gates = [await gateInMemory(), await gateInMemory({ config: a.config({ consoleUrl: HOME }) })];
      for (const gate of gates) {
        const before = gate.tables.records();
        for (let run = 0; run < RUNS / (FULL ? 1 : gates.length); run += 1) {
          await profile(gate, run);
          // Codes are limited per hour; an hour later everything that is mailed is mailed again.
          if (run % 10 === 9) gate.aws.clock.advance(3_601);
        }
        expect(gate.tables.records()).toEqual(before);
        expect(gate.aws.calls.filter((call) => call === 'ExecuteStatement' || call.startsWith('SendTask'))).toEqual([]);
        expect([...gate.tables.approvals.keys()].filter((key) => key.startsWith('session#'))).toEqual([]);
        // All the while the approver could have decided, and can now.
        const asha = await gate.loggedIn('asha');
        const hidden = await asha.fieldsOf(REQUEST_PATH, '/answer');
        const answer = { ...hidden, reason: 'looks right', name: 'fraud-prod', answer: 'approved' };
        expect((await asha.post(`${REQUEST_PATH}/answer`, answer)).status).toBe(303);
        expect(gate.said()).toHaveLength(1);
      }
    },
  );
});
