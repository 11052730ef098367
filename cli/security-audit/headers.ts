import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { daysUntil, RENEW_DAYS } from '../../shared/model/certificates.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

const HERE = 'http://127.0.0.1:4510';
const PATHS = ['/', '/login', '/health', '/approvals', '/nothing-is-here'];
const TIMEOUT_MS = 5_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Headers that every answer has, and what must be in them. Written down again on purpose: it is not the code's list. */
const WANTED: readonly [header: string, means: RegExp, against: string][] = [
  [
    'content-security-policy',
    /default-src 'none'(?=[\s\S]*frame-ancestors 'none')(?=[\s\S]*base-uri 'none')/,
    'scripts, and frames around the page',
  ],
  ['x-frame-options', /^DENY$/, 'frames around the page'],
  ['x-content-type-options', /^nosniff$/, 'guessing of types'],
  ['referrer-policy', /^no-referrer$/, 'addresses told to other sites'],
  ['cross-origin-opener-policy', /^same-origin$/, 'windows that hold on to the page'],
  ['cache-control', /no-store/, 'copies that stay on the way'],
];

/** Where other machines come over TLS, what keeps browsers from coming in plain, for months. */
const OVER_TLS: typeof WANTED = [['strict-transport-security', /max-age=\d{8,}/, 'a first request in plain HTTP']];

/** What is wrong with the headers of an answer. */
export function answerWeaknesses(url: URL, response: Response): Weakness[] {
  const where = `GET ${url.pathname}`;
  const wanted = url.protocol === 'https:' && !LOOPBACK.test(url.hostname) ? [...WANTED, ...OVER_TLS] : WANTED;
  const missing = wanted.flatMap(([header, means, against]) => {
    const value = response.headers.get(header);
    return value !== null && means.test(value)
      ? []
      : [
          {
            where,
            why: `${header} is ${value === null ? 'missing' : JSON.stringify(value)}; it is there against ${against}.`,
            todo: 'Answer with SECURITY_HEADERS (web/reply.ts), and let no proxy take them off.',
          },
        ];
  });
  const unsafe = /unsafe-(inline|eval)/.exec(response.headers.get('content-security-policy') ?? '')?.[0];
  const cookies = response.headers.getSetCookie().flatMap((cookie) => {
    const lacks = [
      /;\s*httponly/i,
      /;\s*samesite=(strict|lax)/i,
      ...(url.protocol === 'https:' ? [/;\s*secure/i] : []),
    ];
    return lacks.every((attribute) => attribute.test(cookie)) ? [] : [cookie.split('=')[0] ?? ''];
  });
  return [
    ...missing,
    ...(unsafe ? [{ where, why: `content-security-policy has ${unsafe}.`, todo: 'Take it out.' }] : []),
    ...cookies.map((name) => ({
      where,
      why: `The cookie ${name} is not kept from scripts, other sites or plain http.`,
      todo: 'Set it with HttpOnly, SameSite and, over https, Secure (web/cookies.ts).',
    })),
    ...(response.headers.has('x-powered-by')
      ? [{ where, why: 'x-powered-by tells what runs here.', todo: 'Take it off.' }]
      : []),
  ];
}

const get = (url: URL) =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS), headers: { accept: 'text/html' } });

/** When the certificate that a server shows ends (ISO 8601). Whether it is a good one, `fetch` has found out. */
const endOfCertificate = ({ hostname, port }: URL) =>
  new Promise<string>((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(port || 443), ...(isIP(host) === 0 && { servername: host }) });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`${host} does not answer`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(new Date(socket.getPeerCertificate().valid_to).toISOString());
      socket.destroy();
    });
  });

/** A certificate that nobody renews ends the console on a known day. */
async function certificateWeaknesses(base: URL, now: string): Promise<Weakness[]> {
  const end = await endOfCertificate(base);
  const days = daysUntil(end, now);
  if (days >= RENEW_DAYS) return [];
  const why = `Its certificate ends at ${end}, in ${days} days.`;
  return [{ where: base.origin, why, todo: 'Renew it, as deployment/runbooks/key_rotation.md says.' }];
}

/** What the running console sends with its answers. Without an address, that on this machine, if it runs. */
export async function checkHeaders({ url, env, now }: Audited): Promise<Seen> {
  const base = url ?? env.PORTCULLIS_CONSOLE_URL ?? HERE;
  if (!URL.canParse(base)) return unseen(`${base} is no address`);
  let health: Response;
  try {
    health = await get(new URL('/health', base));
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    const reason = `nothing answers at ${base} (${cause?.code ?? message})`;
    return url === undefined ? seen(`no server: ${reason}`) : unseen(reason);
  }
  if (health.status !== 200 || !/"status":\s*"ok"/.test(await health.text()))
    return unseen(`what answers at ${base} is no console of Portcullis: /health gave ${health.status}`);

  const weaknesses: Weakness[] = [];
  const { protocol, hostname } = new URL(base);
  if (protocol !== 'https:' && !LOOPBACK.test(hostname))
    weaknesses.push({
      where: base,
      why: 'Sessions go over plain http, where they can be read on the way.',
      todo: 'Serve it over https.',
    });
  if (protocol === 'https:') weaknesses.push(...(await certificateWeaknesses(new URL(base), now)));
  for (const path of PATHS) {
    const address = new URL(path, base);
    weaknesses.push(...answerWeaknesses(address, await get(address)));
  }
  return seen(`${PATHS.length} answers of ${base}`, weaknesses);
}
