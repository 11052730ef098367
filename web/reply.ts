import { isLoopbackHost } from '../shared/model/loopback.ts';
import type { Html } from './html.ts';
import type { Message } from './message-page.ts';
import { style } from './style.ts';

/** What goes back to the browser. */
export type Reply = { status: number; headers: Record<string, string>; body: string; cookies?: readonly string[] };

/** What goes wrong in a way that the visitor is told of. `headers` are added to the page's. */
export type Problem = Message & { status: number; headers?: Record<string, string> };

const NOTHING = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'microphone',
  'midi',
  'payment',
  'serial',
  'usb',
];

/** On every answer, errors too. Pages run no script and load nothing but the stylesheet, so that is all they may. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': NOTHING.map((feature) => `${feature}=()`).join(', '),
  'cache-control': 'no-store',
};

/**
 * Where people come over TLS, browsers are told to come by nothing else for a year. A name of this machine itself is left
 * out: what else it serves under that name, on other ports, would become unreachable with it (RFC 6797, section 8.3).
 */
export function transportHeaders(consoleUrl: string): Record<string, string> {
  const { protocol, hostname } = new URL(consoleUrl);
  if (protocol !== 'https:' || isLoopbackHost(hostname)) return {};
  return { 'strict-transport-security': 'max-age=31536000' };
}

const reply = (status: number, contentType: string, body: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { ...SECURITY_HEADERS, 'content-type': contentType, ...headers },
  body,
});

export function pageReply(page: Html, status = 200, headers?: Record<string, string>): Reply {
  return reply(status, 'text/html; charset=utf-8', page.toString(), headers);
}

/** After a POST: go and look, so that reloading sends nothing twice. */
export function seeOther(location: string, cookies: readonly string[] = []): Reply {
  return { ...reply(303, 'text/plain; charset=utf-8', '', { location }), cookies };
}

export function styleReply(): Reply {
  return reply(200, 'text/css; charset=utf-8', style, { 'cache-control': 'public, max-age=3600' });
}

/** Text for programs. */
export function textReply(text: string): Reply {
  return reply(200, 'text/plain; charset=utf-8', text);
}

/** A table to be saved under this name. */
export function csvReply(csv: string, name: string): Reply {
  return reply(200, 'text/csv; charset=utf-8', csv, { 'content-disposition': `attachment; filename="${name}"` });
}

export function jsonReply(value: unknown, status = 200, headers?: Record<string, string>): Reply {
  return reply(status, 'application/json', JSON.stringify(value), headers);
}
