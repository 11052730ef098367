import chromium from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium as driver, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deploy, eventually, outcomeOf, requestOf } from './gate.ts';
import { Runtime } from './runtime.ts';

/** What an approver goes through, in a real browser with scripts turned off: mailbox, link, page, code, answer. */
// The bounds are for machines that do other things as well; alone it takes some ten seconds.
describe('an approval in the browser', { timeout: 60_000 }, () => {
  const PHONE = { width: 390, height: 844 };
  const NAME = 'fraud-prod';
  let runtime: Runtime;
  let browser: Browser;
  let desk: BrowserContext;
  let phone: BrowserContext;
  let page: Page;
  /** Ben's tab, opened while the request still waited. */
  let late: Page;

  beforeAll(async () => {
    runtime = new Runtime();
    const started = runtime.start().then(async () => {
      await deploy(runtime, NAME, { environment: 'prod', instances: 2, monitor: true, who: 'eve-role' });
      await requestOf(runtime, NAME);
    });
    const flags = ['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
    browser = await driver.launch({
      executablePath: await chromium.executablePath(),
      args: [...chromium.args, ...flags],
    });
    await started;
    desk = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
    phone = await browser.newContext({ javaScriptEnabled: false, viewport: PHONE, isMobile: true });
    for (const context of [desk, phone]) context.setDefaultTimeout(30_000);
    page = await desk.newPage();
    late = await desk.newPage();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await runtime.remove();
  });

  // biome-ignore lint/performance/useDomNodeTextContent: what is seen, not what is in the source
  const seen = (what: Locator) => what.innerText();
  const main = (of: Page) => seen(of.locator('main'));
  /** The mail to somebody, on the page that stands in for everybody's mailbox. */
  const mailTo = async (of: Page, who: string) => {
    await of.goto(`${runtime.ready.consoleUrl}/outbox`);
    return of.locator('li.card', { hasText: `to ${who}` });
  };
  const codeIn = async (mail: Locator) => /code for this request: (\S+)/.exec(await seen(mail))?.[1] ?? '';
  const answer = async (of: Page, code: string, reason: string, button: 'Approve' | 'Reject') => {
    await of.getByLabel('Your personal code').fill(code);
    await of.getByLabel('Reason').fill(reason);
    const [response] = await Promise.all([
      of.waitForResponse((each) => each.request().method() === 'POST'),
      of.getByRole('button', { name: button }).click(),
    ]);
    await of.waitForLoadState();
    return response.status();
  };
  /** CSS pixels by which the page is wider than the window. */
  const overflow = (of: Page) =>
    of.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

  test('the link in the mail opens a page that says everything needed to decide', async () => {
    const mail = await mailTo(page, 'ada@example.com');
    expect(await mail.count()).toBe(1);
    expect(await page.locator('li.card', { hasText: 'to eve@example.com' }).count()).toBe(0);
    await Promise.all([page.waitForURL('**/approvals/*'), mail.getByRole('link').first().click()]);
    expect(await page.title()).toContain(`Approve ${NAME} in prod?`);
    expect(await seen(page.getByRole('heading', { level: 1 }))).toBe(`Approve ${NAME} in prod?`);
    const summary = await seen(page.locator('dl.summary').first());
    expect(summary).toMatch(/Endpoint\s+fraud-prod\s+000000000000 · us-east-1/);
    expect(summary).toMatch(/Environment\s+prod\s+tag environment=prod/);
    expect(summary).toMatch(/Changed by\s+eve-role/);
    const section = (heading: string) =>
      page.locator('section', { has: page.getByRole('heading', { name: heading, level: 2, exact: true }) });
    expect(await seen(section('What is different'))).toContain('ml.m5.large');
    expect(await seen(section('Cost'))).toMatch(/\$0\.23/);
    expect(await seen(section('Findings'))).not.toContain('prod-min-instances');
    await section('Findings').getByText('6 met, 4 not applicable').click();
    const findings = await seen(section('Findings'));
    expect(findings).toContain('All production deployments require explicit human approval.');
    expect(findings).toContain('Production models must have instance_count >= 2 for high availability.');
    expect(await seen(section('What your answer does'))).toContain('lets exactly this deployment stand in prod');
    expect(await seen(section('Digest'))).toMatch(/[0-9a-f]{64}/);
    const panel = await seen(page.getByRole('complementary', { name: 'Decision' }));
    expect(panel).toContain('0 of 1 approval given');
    expect(panel).toContain('Nobody has answered.');
  });

  test('looking ten times changes nothing, and neither does pressing Enter in a form half filled in', async () => {
    const now = async () => JSON.stringify([await runtime.records(NAME), await runtime.mails()]);
    let before = await now();
    await eventually('rest', async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const last = before;
      before = await now();
      return before === last;
    });
    for (let time = 0; time < 10; time += 1) expect((await page.reload())?.status()).toBe(200);
    const posts: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') posts.push(request.url());
    });
    await page.getByLabel('Your personal code').fill('anything');
    await page.getByLabel('Your personal code').press('Enter');
    await page.getByRole('button', { name: 'Approve' }).click();
    expect(posts).toEqual([]);
    page.removeAllListeners('request');
    expect(await now()).toBe(before);
  });

  test('no page needs scripts, and none is wider than a phone', async () => {
    const mobile = await phone.newPage();
    const asked = new URL(page.url()).pathname;
    const change = await page.getByRole('link', { name: /^change \d+$/ }).getAttribute('href');
    for (const path of [asked, '/outbox', '/', '/approvals', change ?? '', '/quarantine']) {
      expect((await mobile.goto(runtime.ready.consoleUrl + path))?.status(), path).toBe(200);
      expect(await mobile.locator('script').count(), path).toBe(0);
      expect(await mobile.evaluate<number>('window.innerWidth'), path).toBe(PHONE.width);
      expect(await overflow(mobile), path).toBeLessThanOrEqual(0);
    }
    await mobile.goto(runtime.ready.consoleUrl + asked);
    await mobile.getByRole('link', { name: 'Go to the decision' }).click();
    await mobile.getByRole('button', { name: 'Approve' }).click({ trial: true });
    await mobile.close();
  });

  test('a wrong code is refused, and the reason need not be typed again', async () => {
    expect(await answer(page, 'WRONG-CODE', 'load test <b>passed</b>', 'Approve')).toBe(403);
    expect(await page.title()).toMatch(/^Not recorded: /);
    expect(await seen(page.getByRole('alert'))).toContain('That is not the code from your message');
    expect(await page.getByLabel('Reason').inputValue()).toBe('load test <b>passed</b>');
    expect(await page.getByLabel('Your personal code').inputValue()).toBe('');
    await page.setViewportSize(PHONE);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await runtime.bodies(NAME, 'approval-given')).toEqual([]);
  });

  test('the code from the mailbox approves, and the change ends as approved', async () => {
    const asked = page.url();
    const ben = await mailTo(late, 'ben@example.com');
    const bens = await codeIn(ben);
    await late.goto(asked);
    await late.getByLabel('Your personal code').fill(bens);
    const code = await codeIn(await mailTo(page, 'ada@example.com'));
    expect(code).not.toBe(bens);
    await page.goto(asked);
    // As people retype it: small letters, no hyphens.
    expect(await answer(page, code.toLowerCase().replaceAll('-', ' '), 'load test passed', 'Approve')).toBe(303);
    expect(page.url()).toBe(asked);
    expect(await main(page)).toMatch(/approved by Ada, .*\n.*load test passed/i);
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await outcomeOf(runtime, NAME)).toMatchObject({ result: 'approved', decision: 'compliant' });
    await page.reload();
    expect(await main(page)).toMatch(/Change \d+ ended: approved/i);
  });

  test('whoever answers after that gets the first answer', async () => {
    const code = await late.getByLabel('Your personal code').inputValue();
    expect(code).toMatch(/^\S{8,}$/);
    expect(await answer(late, code, 'too expensive', 'Reject')).toBe(409);
    expect(await seen(late.getByRole('alert'))).toContain('The request was approved before your answer came.');
    expect(await main(late)).toMatch(/approved by Ada, .*\n.*load test passed/i);
    const given = await runtime.bodies(NAME, 'approval-given');
    expect(given).toMatchObject([{ approver: 'ada', answer: 'approved', decides: true, reason: 'load test passed' }]);
  });
});
