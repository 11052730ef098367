import type { Mail, Runtime } from './runtime.ts';

/** An approver's browser: it keeps cookies, and says that forms come from the console's own pages. */
function browserOf({ call, config }: Runtime) {
  const cookies = new Map<string, string>();
  return async (address: string, fields?: Record<string, string>) => {
    const [rawPath = '', rawQueryString = ''] = address.split('?');
    const method = fields === undefined ? 'GET' : 'POST';
    const reply = (await call(rawPath.startsWith('/approvals/') ? 'take-answers' : 'show-console', {
      version: '2.0',
      rawPath,
      rawQueryString,
      headers: {
        host: new URL(config.consoleUrl).host,
        ...(fields && { 'content-type': 'application/x-www-form-urlencoded', origin: config.consoleUrl }),
      },
      cookies: [...cookies].map(([name, value]) => `${name}=${value}`),
      requestContext: { http: { method, path: rawPath } },
      ...(fields && { body: new URLSearchParams(fields).toString() }),
      isBase64Encoded: false,
    })) as { statusCode: number; body: string; cookies?: string[] };
    for (const line of reply.cookies ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return reply;
  };
}

/** Of an approval, as it stands in a mail. */
export const LINK = /\/approvals\/[a-z0-9]{26}\?to=[a-z0-9]{26}/;

/** An approver at a browser, which stays logged in as browsers do. */
export function approverAt(runtime: Runtime) {
  const visit = browserOf(runtime);

  /** Asks for a code, which is mailed, and gives it. */
  async function logIn(link: string, to: string | undefined): Promise<void> {
    await visit(`/login?${new URLSearchParams({ next: link })}`);
    await visit('/style.css');
    await visit('/login/code', { next: link });
    await visit(`/login/code?${new URLSearchParams({ next: link })}`);
    const isCode = (mail: Mail) => mail.to[0] === to && /Your code/.test(mail.text);
    // The outbox is in no order, and a code of a login before this one is of no use any more.
    const newest = (await runtime.mails())
      .filter(isCode)
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .at(-1);
    const code = /log in to Portcullis: (\S+)/.exec(newest?.text ?? '')?.[1] ?? '';
    await visit('/login/verify', { next: link, code });
  }

  /** Follows the link in the mail, logs in where that is asked for, approves, and is shown the page again. */
  return async ({ text, to }: Mail, endpoint: string): Promise<void> => {
    const link = LINK.exec(text)?.[0] ?? '';
    const [path = ''] = link.split('?');
    let page = await visit(link);
    if (page.statusCode !== 200) {
      await logIn(link, to[0]);
      page = await visit(link);
    }
    const form = page.body.slice(page.body.indexOf(`action="${path}/answer"`));
    const field = (name: string) => new RegExp(`name="${name}"[^>]*value="([0-9a-f]{64})"`).exec(form)?.[1] ?? '';
    const answer = { digest: field('digest'), token: field('token'), name: endpoint };
    const { statusCode } = await visit(`${path}/answer`, {
      ...answer,
      reason: 'The load test passed.',
      answer: 'approved',
    });
    if (statusCode !== 303) throw new Error(`The approval was answered with ${statusCode}.`);
    await visit(path);
  };
}
export type Approver = ReturnType<typeof approverAt>;
