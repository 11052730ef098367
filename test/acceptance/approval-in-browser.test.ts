import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import chromium from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium as driver, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deploy, eventually, outcomeOf, requestOf, update } from './gate.ts';
import { ACCOUNT, Runtime } from './runtime.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Where to keep pictures of the pages for people to look at; without it none are taken. */
const PICTURES = process.env.PORTCULLIS_SCREENSHOTS;

/** What an approver goes through, in a real browser with scripts turned off: mailbox, link, code, page, answer. */
// The bounds are for machines that do other things as well; alone it takes some ten seconds.
describe('an approval in the browser', { timeout: 60_000 }, () => {
  const PHONE = { width: 390, height: 844 };
  const NAME = 'fraud-prod';
  const HISTORY = `/endpoints/${ACCOUNT}/us-east-1/${NAME}`;
  let runtime: Runtime;
  let browser: Browser;
  /** Ada's phone, scripts off, worked by the keyboard alone. */
  let phone: BrowserContext;
  /** A desk from which everything may be read and nothing decided. */
  let desk: BrowserContext;
  let page: Page;
  let mailbox: Page;

  beforeAll(async () => {
    runtime = new Runtime();
    const started = runtime.start().then(async () => {
      await deploy(runtime, NAME, { environment: 'prod', instances: 2, monitor: true, who: 'eve-role' });
      await requestOf(runtime, NAME);
    });
    // No graphics card is emulated: pages of text look the same without, and it took a third of this test.
    chromium.setGraphicsMode = false;
    const flags = [
      '--disable-gpu',
      '--disable-software-rasterizer',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ];
    browser = await driver.launch({
      executablePath: await chromium.executablePath(),
      args: [...chromium.args, ...flags],
    });
    await started;
    phone = await browser.newContext({ javaScriptEnabled: false, viewport: PHONE, isMobile: true });
    desk = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
    for (const context of [desk, phone]) context.setDefaultTimeout(20_000);
    page = await phone.newPage();
    mailbox = await desk.newPage();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await runtime.remove();
  });

  // biome-ignore lint/performance/useDomNodeTextContent: what is seen, not what is in the source
  const seen = (what: Locator) => what.innerText();
  const main = (of: Page) => seen(of.locator('main'));
  const picture = async (of: Page, name: string) => {
    if (PICTURES) await of.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: !name.includes('first') });
  };
  /** The newest mail to somebody, on the page that stands in for everybody's mailbox. */
  const mailTo = async (who: string) => {
    await mailbox.goto(`${runtime.ready.consoleUrl}/outbox`);
    return mailbox.locator('li.card', { hasText: `to ${who}` }).first();
  };
  const codeFor = async (who: string) =>
    /log in to Portcullis: (\S+)/.exec(
      (await runtime.mails()).findLast(({ to, text }) => to === who && text.includes('Your code'))?.text ?? '',
    )?.[1] ?? '';
  /** CSS pixels by which the page is wider than the window. */
  const overflow = (of: Page) =>
    of.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  /** Presses Tab until the focus is there, as people without a mouse do. */
  const tabTo = async (target: Locator) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error('The keyboard does not get there.');
  };
  const pressed = async (target: Locator, key = 'Enter') => {
    await tabTo(target);
    const [response] = await Promise.all([
      page.waitForResponse((each) => each.request().method() === 'POST'),
      page.waitForEvent('load'),
      page.keyboard.press(key),
    ]);
    return response.status();
  };
  const type = async (target: Locator, text: string) => {
    await tabTo(target);
    await page.keyboard.type(text);
  };
  const onRecord = async () => JSON.stringify([await runtime.records(NAME), await runtime.mails()]);
  /** What is on record once nothing comes any more: events of a deployment may be late. */
  const atRest = async () => {
    let before = await onRecord();
    return eventually('rest', async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const last = before;
      before = await onRecord();
      return before === last && before;
    });
  };
  const requestPath = async () => `/approvals/${(await requestOf(runtime, NAME)).request}`;

  test('the link in the mail opens a page that says on its first screen what approving does', async () => {
    const mail = await mailTo('ada@example.com');
    const link = /https?:\S+\/approvals\/\S+/.exec(await seen(mail))?.[0] ?? '';
    expect(link).toMatch(/\/approvals\/[a-z0-9]{26}\?to=[a-z0-9]{26}$/);
    expect(await mailbox.locator('li.card', { hasText: 'to eve@example.com' }).count()).toBe(0);
    await page.goto(link);
    expect(await page.title()).toContain(`Approve ${NAME} in prod?`);
    const glance = page.locator('dl.glance');
    const text = await seen(glance);
    expect(text).toMatch(/Changes\s+The first deployment on record/);
    expect(text).toMatch(/Asked by\s+eve-role/);
    expect(text).toMatch(/Cost\s+\$0\.23 an hour; prod now \$0\S* of \$50\.00, after \$0\.23/);
    expect(text).toContain('All production deployments require explicit human approval.');
    // Types, encryption, budget, instances; that the monitor has not run yet and that nothing can be rolled back is advice.
    expect(text).toMatch(/\b4 met/);
    expect(text).toMatch(/Approvals\s+0 of 1 given/);
    expect(text).toMatch(/Expires\s+in 23 h/);
    const box = await glance.boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? PHONE.height)).toBeLessThanOrEqual(PHONE.height);
    await picture(page, 'approval-phone-first-screen');
    await picture(page, 'approval-phone-nobody');
    expect(await seen(page.locator('#decide'))).toContain('This link was sent to Ada.');
  });

  test('looking ten times changes nothing', async () => {
    const before = await atRest();
    for (let time = 0; time < 10; time += 1) expect((await page.reload())?.status()).toBe(200);
    expect(await onRecord()).toBe(before);
  });

  test('no page needs scripts, and none is wider than a phone', async () => {
    const mobile = await phone.newPage();
    const change = await page.getByRole('link', { name: /^change \d+$/ }).getAttribute('href');
    for (const path of [
      await requestPath(),
      '/outbox',
      '/',
      '/changes',
      HISTORY,
      '/approvals',
      change ?? '',
      '/cost',
      '/quarantine',
      '/login',
      '/login/code',
    ]) {
      expect((await mobile.goto(runtime.ready.consoleUrl + path))?.status(), path).toBe(200);
      expect(await mobile.locator('script').count(), path).toBe(0);
      expect(await mobile.evaluate<number>('window.innerWidth'), path).toBe(PHONE.width);
      expect(await overflow(mobile), path).toBeLessThanOrEqual(0);
    }
    // Where the navigation is wider than the phone it stays one row, moved sideways to where one is.
    await mobile.setViewportSize({ width: 320, height: 640 });
    await mobile.goto(`${runtime.ready.consoleUrl}/quarantine`);
    expect(await overflow(mobile)).toBeLessThanOrEqual(0);
    expect((await mobile.locator('.top nav').boundingBox())?.height).toBeLessThan(48);
    const here = await mobile.getByRole('link', { name: 'Quarantine', exact: true }).boundingBox();
    expect((here?.x ?? 0) + (here?.width ?? 999)).toBeLessThanOrEqual(320);
    await mobile.close();
  });

  test('by the keyboard alone, a code is asked for and typed, a wrong one first', async () => {
    const asked = page.url();
    await pressed(page.getByRole('button', { name: 'Mail me a code' }));
    expect(new URL(page.url()).pathname).toBe('/login/code');
    await picture(page, 'code-phone');
    await type(page.getByLabel('Code from the mail'), 'WRONG-CODE');
    expect(await pressed(page.getByRole('button', { name: 'Log in' }))).toBe(403);
    expect(await seen(page.getByRole('alert'))).toContain('That is not the code');
    expect(await page.getByLabel('Code from the mail').inputValue()).toBe('');
    const code = await codeFor('ada@example.com');
    // As people retype it: small letters, a space instead of the hyphen. Enter sends it.
    await type(page.getByLabel('Code from the mail'), code.toLowerCase().replace('-', ' '));
    expect(await pressed(page.getByLabel('Code from the mail'))).toBe(303);
    expect(page.url()).toBe(asked);
    expect(await seen(page.locator('#decide'))).toContain('You are Ada.');
    await picture(page, 'approval-phone-light');
  });

  test('a code that is typed in another browser is worthless', async () => {
    const thief = await desk.newPage();
    await thief.goto(`${runtime.ready.consoleUrl}/login/code`);
    await thief.getByLabel('Code from the mail').fill(await codeFor('ada@example.com'));
    await Promise.all([thief.waitForEvent('load'), thief.getByRole('button', { name: 'Log in' }).click()]);
    expect(await thief.title()).toContain('Not logged in');
    await thief.close();
  });

  test('pressing Enter in a form half filled in sends nothing', async () => {
    const posts: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') posts.push(request.url());
    });
    await type(page.getByLabel(`Type ${NAME}`), 'fraud');
    await page.keyboard.press('Enter');
    await tabTo(page.getByRole('button', { name: 'Approve', exact: true }));
    await page.keyboard.press('Enter');
    expect(posts).toEqual([]);
    page.removeAllListeners('request');
  });

  test('an answer with the wrong name is refused, and nothing need be typed again', async () => {
    await type(page.getByLabel('Reason').first(), 'load test <b>passed</b>');
    expect(await pressed(page.getByRole('button', { name: 'Approve', exact: true }))).toBe(400);
    expect(await page.title()).toMatch(/^Not recorded: /);
    expect(await seen(page.getByRole('alert'))).toContain("Type the endpoint's name");
    expect(await page.getByLabel('Reason').first().inputValue()).toBe('load test <b>passed</b>');
    expect(await page.getByLabel(`Type ${NAME}`).inputValue()).toBe('fraud');
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await picture(page, 'refused-phone');
    expect(await runtime.bodies(NAME, 'approval-given')).toEqual([]);
  });

  test('axe finds nothing on any page, in light and in dark', async () => {
    const asked = await requestPath();
    // Scripts are on here: axe is one, and the pages have none of their own.
    const context = await browser.newContext({ storageState: await phone.storageState(), viewport: PHONE });
    const looked = await context.newPage();
    const violations = async (options: object) => {
      const found = await looked.evaluate<{
        violations: { id: string; nodes: { html: string }[] }[];
        passes: unknown[];
      }>(`axe.run(${JSON.stringify({ resultTypes: ['violations'], ...options })})`);
      expect(found.passes.length, looked.url()).toBeGreaterThan(0);
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    };
    const change = `/changes/${ACCOUNT}/us-east-1/${NAME}/1`;
    const pages = [asked, '/login', '/login/code', '/approvals', '/', '/cost', '/changes', HISTORY, change];
    for (const path of [...pages, 'nobody']) {
      if (path === 'nobody') await context.clearCookies();
      await looked.goto(runtime.ready.consoleUrl + (path === 'nobody' ? asked : path));
      await looked.emulateMedia({ colorScheme: 'light' });
      await looked.evaluate(AXE);
      expect(await violations({}), path).toEqual([]);
      const name = path === asked ? 'approval' : path.replaceAll('/', '-');
      await picture(looked, `${name}-phone-light`);
      // All that the scheme changes is colours.
      await looked.emulateMedia({ colorScheme: 'dark' });
      expect(await violations({ runOnly: ['color-contrast'] }), `${path} in the dark`).toEqual([]);
      await picture(looked, `${name}-phone-dark`);
      if (PICTURES && path === asked) {
        await looked.setViewportSize({ width: 1280, height: 900 });
        await picture(looked, 'approval-desktop-dark');
        await looked.emulateMedia({ media: 'print', colorScheme: 'light' });
        await picture(looked, 'approval-print');
        await looked.emulateMedia({ media: null });
        await looked.setViewportSize(PHONE);
      }
    }
    // The context stays until the browser ends: in its single process, closing one may take the others along.
    await looked.close();
  });

  test('the answer approves, and the change ends as approved', async () => {
    const field = page.getByLabel(`Type ${NAME}`);
    await tabTo(field);
    await page.keyboard.press('End');
    await page.keyboard.type('-prod');
    expect(await pressed(page.getByRole('button', { name: 'Approve', exact: true }), 'Space')).toBe(303);
    expect(new URL(page.url()).pathname).toBe(await requestPath());
    expect(await main(page)).toMatch(/approved by Ada, .*\n.*load test <b>passed<\/b>/i);
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await outcomeOf(runtime, NAME)).toMatchObject({ result: 'approved', decision: 'compliant' });
    await page.reload();
    expect(await main(page)).toMatch(/Change \d+ ended: approved/i);
    await picture(page, 'approved-phone');
    const given = await runtime.bodies(NAME, 'approval-given');
    expect(given).toMatchObject([{ approver: 'ada', answer: 'approved', via: 'page', decides: true }]);
  });

  test('the next change is compared with that one, and is superseded by the one after it', async () => {
    await update(runtime, NAME, `${NAME}-2`, { instances: 3, who: 'eve-role' });
    const second = `/approvals/${(await requestOf(runtime, NAME, 2)).request}`;
    await page.goto(runtime.ready.consoleUrl + second);
    const glance = page.locator('dl.glance');
    const text = await seen(glance);
    expect(text).toMatch(/lowest instance count: 2 \u2192 3/);
    expect(text).toMatch(/Cost\s+\$0\.23 \u2192 \$0\.345 an hour; prod now \$0\.23 of \$50\.00, after \$0\.35/);
    expect(text).toMatch(/Before\s+Approved by Ada/);
    const box = await glance.boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? PHONE.height)).toBeLessThanOrEqual(PHONE.height);
    await picture(page, 'compared-phone-first-screen');
    await update(runtime, NAME, `${NAME}-3`, { instances: 4, who: 'eve-role' });
    await requestOf(runtime, NAME, 3);
    await outcomeOf(runtime, NAME, { result: 'superseded' });
    await page.reload();
    expect(await main(page)).toContain('A newer change took its place.');
    await picture(page, 'superseded-phone');
  });

  /** Goes where a link leads, as people without a mouse do. */
  const follow = async (link: Locator) => {
    await tabTo(link);
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    expect(await overflow(page), page.url()).toBeLessThanOrEqual(0);
  };

  test('by the keyboard, from the overview to what happened: list, filter, history, timeline', async () => {
    await atRest();
    await page.goto(`${runtime.ready.consoleUrl}/`);
    expect(await seen(page.locator('.tasks li').first())).toMatch(/For you\s+fraud-prod, change \d/);
    const chart = page.getByRole('img', {
      name: /How changes ended\. \d changes in 12 weeks: \d accepted, 1 went away/,
    });
    expect(await chart.locator('rect').count()).toBe(2);
    await tabTo(page.locator('.figures-table summary').first());
    await page.keyboard.press('Enter');
    expect(await seen(page.locator('.figures-table').first())).toMatch(
      /Accepted[\s\S]*[A-Z][a-z]{2} \d+\s+\d\s+0\s+0\s+1\s*$/,
    );
    await picture(page, 'overview-phone');
    await follow(page.getByRole('link', { name: 'Changes', exact: true }));
    const all = await page.locator('tbody tr').count();
    expect(all).toBeGreaterThanOrEqual(3);
    await type(page.getByLabel('Endpoint'), 'FRAUD');
    await tabTo(page.getByLabel('Result'));
    await page.keyboard.type('Super');
    await follow(page.getByRole('button', { name: 'Show' }));
    expect(new URL(page.url()).search).toMatch(/endpoint=FRAUD.*&result=superseded/);
    expect(await page.locator('tbody tr').count()).toBe(1);
    expect(await page.getByLabel('Result').inputValue()).toBe('superseded');
    const csv = await page.getByRole('link', { name: /as CSV/ }).getAttribute('href');
    const file = await phone.request.get(runtime.ready.consoleUrl + csv);
    expect(file.headers()['content-disposition']).toMatch(/^attachment; filename="portcullis-changes-.*\.csv"$/);
    expect((await file.text()).trim().split('\r\n')).toHaveLength(2);
    await follow(page.getByRole('link', { name: `history of ${NAME}` }));
    // Events that joined a change under way have a place in the history, and are no change in the list.
    const timeline = page.locator('.timeline > li');
    expect(await timeline.filter({ hasNotText: /Joined change/i }).count()).toBe(all);
    await tabTo(page.locator('.what-changed summary').first());
    await page.keyboard.press('Enter');
    expect(await seen(page.locator('.what-changed').first())).toMatch(/lowest instance count/);
    await picture(page, 'history-phone');
    // Far down the page; that the keyboard gets to links is shown by now.
    await page.getByRole('link', { name: 'change 1', exact: true }).last().click();
    await page.waitForURL(/\/changes\/.*\/1$/);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    const steps = await page.locator('.timeline-title').allInnerTexts();
    expect(steps.map((step) => /^[A-Z][a-z]+/.exec(step)?.[0])).toEqual(
      expect.arrayContaining(['It', 'Opened', 'Policies', 'Approval', 'Answered', 'Monitors', 'Ended']),
    );
    await picture(page, 'timeline-phone');
  });

  test('logging out ends the session', async () => {
    await page.goto(`${runtime.ready.consoleUrl}/login`);
    expect(await main(page)).toMatch(/as Ada/);
    await pressed(page.getByRole('button', { name: 'Log out' }));
    expect(await seen(page.getByRole('heading', { level: 1 }))).toBe('Log in');
  });
});
