import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { respond } from '../../local/http-api.ts';
import { storeToken } from '../../shared/aws/approvals.ts';
import type { Services } from '../../shared/aws/services.ts';
import * as a from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

export const ORIGIN = 'https://gate.example.com';
/** A task token that must turn up nowhere. */
export const TASK_TOKEN = 'canary-task-token-AQDEAAAAKgAAAAM';
/** The personal ids of the links that the two approvers were mailed. */
export const LINK_OF = { asha: 'a'.repeat(26), ben: 'b'.repeat(26) } as const;
export const REQUEST_PATH = `/approvals/${a.REQUEST}`;

export type Sent = { method?: string; headers?: Record<string, string>; body?: string; cookies?: string[] };

/** A console on one's own machine, which may be read without logging in. */
export const HOME = 'http://127.0.0.1:4510';

/** A request as API Gateway hands it to the function, or as the console on this machine does. */
export function eventFor(address: string, { method = 'GET', headers = {}, body, cookies }: Sent = {}, atHome = false) {
  const [rawPath = '', rawQueryString = ''] = address.split('?');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: { host: atHome ? '127.0.0.1:4510' : 'gate.example.com', ...headers },
    ...(cookies && { cookies }),
    requestContext: { http: { method, path: rawPath, sourceIp: atHome ? '127.0.0.1' : '203.0.113.7' } },
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
}

/** A form on a page: where it goes, what it brings along, what is to be filled in, and its buttons. */
export type PageForm = {
  action: string;
  method: string;
  hidden: Record<string, string>;
  inputs: string[];
  buttons: [name: string, value: string][];
};

const attribute = (tag: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
const plain = (text: string) =>
  text
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

export function formsOf(html: string): PageForm[] {
  return [...html.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head = '', inside = '']) => {
    const inputs = [...inside.matchAll(/<(?:input|textarea|select)[^>]*>/g)].map(([tag]) => tag);
    const isHidden = (tag: string) => attribute(tag, 'type') === 'hidden';
    const named = (tag: string) => attribute(tag, 'name') ?? '';
    return {
      action: plain(attribute(head, 'action') ?? ''),
      method: (attribute(head, 'method') ?? 'get').toUpperCase(),
      hidden: Object.fromEntries(
        inputs.filter(isHidden).map((tag) => [named(tag), plain(attribute(tag, 'value') ?? '')]),
      ),
      inputs: inputs.filter((tag) => !isHidden(tag)).map(named),
      buttons: [...inside.matchAll(/<button[^>]*>/g)]
        .filter(([tag]) => !tag.includes('disabled'))
        .map(([tag]) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? '']),
    };
  });
}

/** Addresses of ours that a page links to, forms left out. */
export const linksOf = (html: string): string[] => [
  ...new Set(
    [...html.matchAll(/\shref="([^"#]+)"/g)].map(([, href = '']) => plain(href)).filter((href) => href.startsWith('/')),
  ),
];

export type Page = { status: number; headers: Record<string, string>; body: string; cookies: string[] };

const pageFrom = ({
  statusCode = 0,
  headers = {},
  body = '',
  cookies = [],
}: APIGatewayProxyStructuredResultV2): Page => ({
  status: statusCode,
  headers: headers as Record<string, string>,
  body,
  cookies,
});

/** Somebody's browser: it keeps cookies, says where forms come from, and runs no scripts. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #services: Services;
  constructor(services: Services) {
    this.#services = services;
  }

  async send(address: string, sent: Sent = {}): Promise<Page> {
    const cookies = [...this.cookies].map(([name, value]) => `${name}=${value}`);
    const atHome = this.#services.config.consoleUrl === HOME;
    const page = pageFrom(await respond(eventFor(address, { cookies, ...sent }, atHome), this.#services));
    for (const line of page.cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return page;
  }

  get(address: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.send(address, { headers: { 'sec-fetch-site': 'none', ...headers } });
  }

  /** Sends a form as browsers do from a page under `no-referrer`: the origin withheld, the site named. */
  post(address: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    return this.send(address, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'null',
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    });
  }

  /** The hidden fields of a form on a page, as the page has them now. */
  async fieldsOf(address: string, action: string): Promise<Record<string, string>> {
    const { body } = await this.get(address);
    return formsOf(body).find((form) => form.action.endsWith(action))?.hidden ?? {};
  }
}

/** The whole console over tables in memory, with one request that waits for asha or ben. */
export async function gateInMemory(overrides: Partial<Services> = {}, ...more: a.Written[]) {
  const aws = fakeAws(overrides);
  const tables = fakeTables(aws);
  tables.seed({ body: a.opened(), actor: a.person('mallory') }, a.findings(), a.requested(), ...more);
  await storeToken(
    aws.services,
    { id: a.REQUEST, endpoint: a.endpoint, generation: 1, expiresAt: a.requested().expiresAt },
    TASK_TOKEN,
  );
  const stored = tables.approvals.get(a.REQUEST) ?? {};
  const personal = Object.fromEntries(Object.entries(LINK_OF).map(([id, link]) => [id, { S: link }]));
  tables.approvals.set(a.REQUEST, { ...stored, personal: { M: personal }, notified: { BOOL: true } });

  const browser = () => new Browser(aws.services);
  const codeIn = (to: string) => {
    const mail = aws.world.mails.findLast((each) => each.to === to && each.text.includes('Your code'));
    return /Portcullis: (\S+)/.exec(mail?.text ?? '')?.[1] ?? '';
  };
  return {
    aws,
    tables,
    services: aws.services,
    browser,
    /** The code in the newest mail to somebody. */
    codeIn,
    /** A browser in which this person has logged in by the link that they were mailed. */
    loggedIn: async (person: keyof typeof LINK_OF): Promise<Browser> => {
      const one = browser();
      const next = `${REQUEST_PATH}?to=${LINK_OF[person]}`;
      await one.post('/login/code', { next });
      await one.post('/login/verify', { next, code: codeIn(`${person}@example.com`) });
      return one;
    },
    /** Whatever was decided or said, beyond what the gate began with. */
    said: () => tables.records().slice(3 + more.length),
  };
}
export type GateInMemory = Awaited<ReturnType<typeof gateInMemory>>;
