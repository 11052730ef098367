import { lookup } from 'node:dns/promises';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request } from 'node:https';
import { isPublicAddress } from './public-address.ts';

type Address = { address: string; family: number };
/** How names are resolved and requests made; replaced in tests. */
export type Way = {
  resolve: (host: string) => Promise<Address[]>;
  isPublic: (address: string) => boolean;
  request: (options: RequestOptions, answer: (message: IncomingMessage) => void) => ReturnType<typeof request>;
};
const WAY: Way = { resolve: (host) => lookup(host, { all: true }), isPublic: isPublicAddress, request };

/** Whoever is called may answer with a word or a small page; more is not read. */
const MAX_ANSWER = 64 * 1024;

/** The call was not made, or its answer is not taken. */
export class RefusedCallError extends Error {
  override readonly name = 'RefusedCallError';
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    size += (chunk as Buffer).length;
    if (size > MAX_ANSWER) throw new RefusedCallError('The answer is too long.');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends it to these addresses and no others, under the name of the host, whose certificate is what counts. */
function send(url: URL, init: RequestInit, addresses: readonly Address[], way: Way): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = way.request(
    {
      host: url.hostname,
      port: url.port || 443,
      path: `${url.pathname}${url.search}`,
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      // A connection that is kept would outlive what was found out about its address.
      agent: false,
      lookup: (_host, { all }, found) => {
        const [first] = addresses;
        if (all) found(null, [...addresses]);
        else found(null, first?.address ?? '', first?.family);
      },
      ...(init.signal && { signal: init.signal }),
    },
    resolve,
  );
  sent.on('error', reject);
  sent.end(init.body ?? undefined);
  return promise;
}

/** What it comes to, or the signal's reason where that is first: a name that is being resolved cannot be aborted. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return Promise.race([work, promise]);
}

/**
 * `fetch` for addresses that somebody outside may have a say in: https only; the name is resolved once, every address of
 * it must be on the public internet, and those are the ones that are called, so that a name which leads elsewhere a
 * moment later leads nowhere; a redirect is an error. Throws RefusedCallError, or what went wrong on the way.
 */
export async function pinnedFetch(input: string, init: RequestInit = {}, way: Way = WAY): Promise<Response> {
  const url = new URL(input);
  if (url.protocol !== 'https:') throw new RefusedCallError('Only https is called.');
  init.signal?.throwIfAborted();
  try {
    const addresses = await orAborted(way.resolve(url.hostname.replace(/^\[|\]$/g, '')), init.signal);
    if (addresses.length === 0 || !addresses.every(({ address }) => way.isPublic(address))) {
      throw new RefusedCallError('The host has an address that is not on the public internet.');
    }
    init.signal?.throwIfAborted();
    const message = await send(url, init, addresses, way);
    const { statusCode = 0 } = message;
    if (statusCode >= 300 && statusCode < 400) {
      message.destroy();
      throw new RefusedCallError('A redirect is not followed.');
    }
    const headers = Object.entries(message.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const body = await textOf(message);
    return new Response(statusCode === 204 ? null : body, { status: statusCode, headers });
  } catch (error) {
    // Node says only that it was aborted; whoever asked wants to know why.
    if (init.signal?.aborted) throw init.signal.reason;
    throw error;
  }
}
