import type { IncomingMessage, Server } from 'node:http';
import type { LocalDynamoDb } from './dynamodb.ts';
import { AwsError, type Caller, type ServiceTable } from './loopback.ts';

// An import by name looks at everything in it, which loads fetch: 50 ms of the processor at each start.
const { createServer } = process.getBuiltinModule('node:http');

/** A fault to answer with instead of doing what was asked, for tests: so many times, then no more. */
export type Fault = { operation: string; code: string; status: number; times: number };

export type ServerParts = {
  account: string;
  region: string;
  dynamodb: LocalDynamoDb;
  /** Where checkpoints of the ledger are kept, and how to have one now. */
  checkpoints: { directory: string; flush: () => void };
  /** From now on events are lost on their way, or not any more. */
  loseEvents: (lost: boolean) => void;
  /** By the name in `X-Amz-Target` or the request's path: SageMaker, GraniteServiceVersion20100801, AnyScaleFrontendService, ... */
  services: Record<string, ServiceTable>;
  s3: (
    request: S3Request,
    caller: Caller,
  ) => { status: number; headers: Record<string, string>; body: string | Buffer };
};
export type S3Request = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
};

/** A request as it comes over HTTP or from the gate itself, with its body read. */
export type WireRequest = {
  method: string;
  /** Path and query. */
  url: string;
  headers: Record<string, string | string[] | undefined>;
  body: Uint8Array | string;
};
export type WireAnswer = { status: number; headers: Record<string, string>; body: Uint8Array | string };

/** Where all services but S3 are asked, as most requests are. */
const ROOT = new URL('http://loopback/');
const MAX_BODY = 20 * 1024 * 1024;

const textOf = (body: Uint8Array | string): string =>
  typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY)
      throw new AwsError('RequestEntityTooLarge', `A request may be ${MAX_BODY} bytes at most.`, 413);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** `AWS4-HMAC-SHA256 Credential=<access key id>/20261120/us-east-1/sagemaker/aws4_request, ...` */
function callerOf({ headers }: WireRequest, account: string, region: string): Caller {
  const [, accessKeyId, , scope] =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\//.exec(String(headers.authorization ?? '')) ?? [];
  return { accessKeyId: accessKeyId ?? 'anonymous', account, region: scope && scope !== 'us-east-1' ? scope : region };
}

/** How a protocol reads a request and writes an answer. */
type Protocol = {
  read: (body: string) => Record<string, unknown>;
  write: (value: unknown) => WireAnswer;
  error: (error: AwsError) => WireAnswer;
};

const answerOf = (status: number, type: string, body: string, extra: Record<string, string> = {}): WireAnswer => ({
  status,
  headers: { 'content-type': type, ...extra },
  body,
});

const json: Protocol = {
  read: (body) => (body.length > 0 ? (JSON.parse(body) as Record<string, unknown>) : {}),
  write: (value) => answerOf(200, 'application/x-amz-json-1.1', JSON.stringify(value ?? {})),
  error: ({ status, code, message }) =>
    answerOf(status, 'application/x-amz-json-1.1', JSON.stringify({ __type: code, message, Message: message }), {
      'x-amzn-errortype': code,
    }),
};

const xml = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
/** The query protocol, for STS only: flat parameters in, flat members out. */
const queryProtocol: Protocol = {
  read: (body) => Object.fromEntries(new URLSearchParams(body)),
  write: (value) => {
    const { Action, ...members } = value as Record<string, string>;
    const fields = Object.entries(members).map(([name, text]) => `<${name}>${xml(text)}</${name}>`);
    const result = `<${Action}Result>${fields.join('')}</${Action}Result>`;
    return answerOf(
      200,
      'text/xml',
      `<${Action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</${Action}Response>`,
    );
  },
  error: ({ status, code, message }) =>
    answerOf(
      status,
      'text/xml',
      `<ErrorResponse><Error><Code>${xml(code)}</Code><Message>${xml(message)}</Message></Error></ErrorResponse>`,
    ),
};

/** S3 answers errors as XML, and to HEAD with the status alone. */
const s3Error = (method: string, { status, code, message }: AwsError): WireAnswer =>
  answerOf(
    status,
    'application/xml',
    method === 'HEAD' ? '' : `<Error><Code>${xml(code)}</Code><Message>${xml(message)}</Message></Error>`,
  );

/** What the AWS of a service would say of what went wrong. */
function awsErrorOf(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  const { code, name, message } = error as Error & { code?: string };
  const known = typeof code === 'string' && /^[A-Z][A-Za-z]+$/.test(code);
  return known ? new AwsError(code, message) : new AwsError('InternalFailure', `${name}: ${message}`, 500);
}

/** The answer of a service that speaks JSON, as what is asked of it comes to. */
export async function jsonAnswer(
  body: Uint8Array | string,
  run: (input: Record<string, unknown>) => unknown,
): Promise<WireAnswer> {
  try {
    return json.write(await run(json.read(textOf(body))));
  } catch (error) {
    return json.error(awsErrorOf(error));
  }
}

type Route = { service: string; operation: string; protocol: Protocol };

/** Which service and operation a request is for; undefined is S3. The body may have to be read for it. */
function routeOf(request: WireRequest, url: URL): Route | undefined {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    // Some clients write CloudTrail's as `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents`.
    const [service = '', operation = ''] = target.split('.').slice(-2);
    return { service, operation, protocol: json };
  }
  if (url.pathname === '/v2/email/outbound-emails' && request.method === 'POST') {
    return { service: 'SESv2', operation: 'SendEmail', protocol: json };
  }
  if (
    request.method === 'POST' &&
    url.pathname === '/' &&
    /x-www-form-urlencoded/.test(String(request.headers['content-type'] ?? ''))
  ) {
    return { service: 'STS', operation: '', protocol: queryProtocol };
  }
  return undefined;
}

/** Enough of AWS for the gate, the AWS CLI and the SDKs: whoever asks, and whichever way it comes in. */
export function createLoopback({
  account,
  region,
  dynamodb,
  checkpoints,
  loseEvents,
  services,
  s3,
}: ServerParts): (request: WireRequest) => Promise<WireAnswer> {
  /** Calls by `<access key id> <service>.<operation>`, for tests and benchmarks. */
  const calls = new Map<string, number>();
  const faults: Fault[] = [];
  /** How long every call but those to DynamoDB takes, as if AWS were far away. */
  let latencyMs = 0;
  const count = (caller: Caller, name: string) => {
    const key = `${caller.accessKeyId} ${name}`;
    calls.set(key, (calls.get(key) ?? 0) + 1);
  };
  /** Tokens left of each operation, where so many calls of one may come in a second; more are refused, as AWS does. */
  const tokens = new Map<string, { left: number; at: number }>();
  let callsPerSecond = Number.POSITIVE_INFINITY;
  let refused = 0;
  const throttle = (name: string) => {
    if (callsPerSecond === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    const { left, at } = tokens.get(name) ?? { left: callsPerSecond, at: now };
    const there = Math.min(callsPerSecond, left + ((now - at) * callsPerSecond) / 1_000);
    tokens.set(name, { left: there < 1 ? there : there - 1, at: now });
    if (there >= 1) return;
    refused += 1;
    throw new AwsError('ThrottlingException', 'Rate exceeded');
  };
  const injected = (name: string) => {
    throttle(name);
    const fault = faults.find(({ operation, times }) => operation === name && times > 0);
    if (!fault) return;
    fault.times -= 1;
    throw new AwsError(fault.code, `${fault.code} on request of a test.`, fault.status);
  };

  /** `GET /_loopback/checkpoints` tells the command line where they are, `POST` has one made now. `GET /_loopback/calls`, `DELETE /_loopback/calls`, `POST` and `DELETE /_loopback/faults`, `POST /_loopback/latency`, `POST /_loopback/throttle` (and `GET`: how many calls it refused), `POST /_loopback/events`: for tests and benchmarks; no bucket can have this name. */
  const control = (request: WireRequest, path: string): WireAnswer => {
    const told = (value: unknown) => answerOf(200, 'application/json', JSON.stringify(value));
    const sent = () => JSON.parse(textOf(request.body)) as unknown;
    if (path === '/_loopback/checkpoints') {
      if (request.method === 'POST') checkpoints.flush();
      return told({ directory: checkpoints.directory });
    }
    if (path === '/_loopback/calls' && request.method === 'DELETE') calls.clear();
    else if (path === '/_loopback/faults' && request.method === 'POST') faults.push(sent() as Fault);
    else if (path === '/_loopback/faults' && request.method === 'DELETE') faults.length = 0;
    else if (path === '/_loopback/latency' && request.method === 'POST') latencyMs = (sent() as { ms: number }).ms;
    else if (path === '/_loopback/throttle' && request.method === 'POST') {
      const wanted = (sent() as { callsPerSecond: number | null }).callsPerSecond;
      callsPerSecond = wanted ?? Number.POSITIVE_INFINITY;
      tokens.clear();
      refused = 0;
    } else if (path === '/_loopback/throttle') {
      return told({ refused });
    } else if (path === '/_loopback/events' && request.method === 'POST') {
      loseEvents((sent() as { lost: boolean }).lost);
    } else if (path !== '/_loopback/calls') throw new AwsError('NotFound', `There is no ${path}.`, 404);
    return told(Object.fromEntries(calls));
  };

  return async (request) => {
    const url = request.url === '/' ? ROOT : new URL(request.url, ROOT);
    if (url.pathname.startsWith('/_loopback/')) {
      try {
        return control(request, url.pathname);
      } catch (error) {
        const { code, message, status } = error as Partial<AwsError> & Error;
        return json.error(new AwsError(code ?? 'InvalidRequest', message, status ?? 400));
      }
    }
    const caller = callerOf(request, account, region);
    const route = routeOf(request, url);
    if (route?.service === 'DynamoDB_20120810') {
      count(caller, `DynamoDB.${route.operation}`);
      return dynamodb.answer(route.operation, request.headers, textOf(request.body));
    }
    const protocol = route?.protocol ?? json;
    try {
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
      if (!route) {
        const { method, headers } = request;
        const name = `S3.${method}${url.searchParams.has('encryption') ? 'Encryption' : ''}`;
        count(caller, name);
        injected(name);
        const body = Buffer.from(request.body);
        return s3({ method, path: url.pathname, query: url.searchParams, headers, body }, caller);
      }
      const input = protocol.read(textOf(request.body));
      const operation = route.operation || String(input.Action ?? '');
      const name = `${route.service}.${operation}`;
      count(caller, name);
      injected(name);
      const run = services[route.service]?.[operation];
      if (!run) {
        throw new AwsError(
          'UnknownOperationException',
          `The loopback AWS does not do ${name}. What it does is in docs/local-runtime.md.`,
        );
      }
      return protocol.write(await run(input, caller));
    } catch (error) {
      if (error instanceof AwsError && !route) return s3Error(request.method, error);
      return protocol.error(awsErrorOf(error));
    }
  };
}

/** The HTTP port through which everybody but the gate itself comes. */
export function createLoopbackServer(answer: (request: WireRequest) => Promise<WireAnswer>): Server {
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    bodyOf(request)
      .catch((error: AwsError) => error)
      .then((body) => (body instanceof Error ? json.error(body) : answer({ method, url, headers, body })))
      .then(({ status, headers, body }) => {
        // The answer to HEAD says the length of what it leaves out by itself, and 204 has none.
        const length = method === 'HEAD' || status === 204 ? {} : { 'content-length': Buffer.byteLength(body) };
        response.writeHead(status, { ...headers, ...length });
        response.end(method === 'HEAD' ? undefined : body);
      })
      .catch((error: Error) => response.destroy(error));
  });
  server.keepAliveTimeout = 60_000;
  return server;
}
