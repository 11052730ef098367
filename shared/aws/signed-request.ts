import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Checksum, HttpRequest, SourceData } from '@smithy/types';
import type { With } from './services.ts';

const bytesOf = (data: SourceData): string | Uint8Array => {
  if (typeof data === 'string') return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data as ArrayBuffer);
};

/** SHA-256 with or without a key, as the signer wants it. */
class Sha256 implements Checksum {
  readonly #secret: SourceData | undefined;
  #hash: Hash | Hmac;
  constructor(secret?: SourceData) {
    this.#secret = secret;
    this.#hash = this.#begin();
  }
  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#secret));
  }
  update(data: Uint8Array): void {
    this.#hash.update(bytesOf(data));
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }
  reset(): void {
    this.#hash = this.#begin();
  }
}

export type SignedRequest = {
  url: string;
  method?: 'GET' | 'POST';
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
};

/**
 * Asks a route of the gate's HTTP API that is for AWS identities, signed (Signature Version 4, service `execute-api`)
 * with the ordinary AWS credentials and region of the environment. Redirects are not followed: the signature is for one
 * address.
 */
export async function signedRequest(services: With<'sts'>, request: SignedRequest): Promise<Response> {
  const { method = 'GET', body, headers = {} } = request;
  const url = new URL(request.url);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const { credentials, region } = services.sts.config;
  const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });
  const unsigned: HttpRequest = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: {
      ...headers,
      host: url.host,
      ...(text !== undefined && { 'content-type': 'application/json' }),
    },
    ...(text !== undefined && { body: text }),
  };
  const signed = await signer.sign(unsigned, { signingDate: new Date(services.now()) });
  // The host is sent by fetch itself, the same one that was signed.
  const { host: _host, ...sent } = signed.headers;
  return services.fetch(url, {
    method,
    headers: sent,
    redirect: 'manual',
    ...(text !== undefined && { body: text }),
  });
}
