import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { LocalDynamoDb } from './dynamodb.ts';
import { AwsError, type Caller, type ServiceTable } from './loopback.ts';

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

const MAX_BODY = 20 * 1024 * 1024;

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
function callerOf(request: IncomingMessage, account: string, region: string): Caller {
  const [, accessKeyId, , scope] =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
  return { accessKeyId: accessKeyId ?? 'anonymous', account, region: scope && scope !== 'us-east-1' ? scope : region };
}

/** How a protocol reads a request and writes an answer. */
type Protocol = {
  read: (body: Buffer) => Record<string, unknown>;
  write: (response: ServerResponse, status: number, value: unknown) => void;
  error: (response: ServerResponse, error: AwsError) => void;
};

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array, extra = {}): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...extra });
  response.end(body);
}

const json: Protocol = {
  read: (body) => (body.length > 0 ? (JSON.parse(body.toString('utf8')) as Record<string, unknown>) : {}),
  write: (response, status, value) => send(response, status, 'application/x-amz-json-1.1', JSON.stringify(value ?? {})),
  error: (response, { status, code, message }) =>
    send(response, status, 'application/x-amz-json-1.1', JSON.stringify({ __type: code, message, Message: message }), {
      'x-amzn-errortype': code,
    }),
};

const xml = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
/** The query protocol, for STS only: flat parameters in, flat members out. */
const queryProtocol: Protocol = {
  read: (body) => Object.fromEntries(new URLSearchParams(body.toString('utf8'))),
  write: (response, status, value) => {
    const { Action, ...members } = value as Record<string, string>;
    const fields = Object.entries(members).map(([name, text]) => `<${name}>${xml(text)}</${name}>`);
    const result = `<${Action}Result>${fields.join('')}</${Action}Result>`;
    send(
      response,
      status,
      'text/xml',
      `<${Action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</${Action}Response>`,
    );
  },
  error: (response, { status, code, message }) =>
    send(
      response,
      status,
      'text/xml',
      `<ErrorResponse><Error><Code>${xml(code)}</Code><Message>${xml(message)}</Message></Error></ErrorResponse>`,
    ),
};

/** S3 answers errors as XML, and to HEAD with the status alone. */
function s3Error(response: ServerResponse, method: string | undefined, { status, code, message }: AwsError): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    method === 'HEAD' ? undefined : `<Error><Code>${xml(code)}</Code><Message>${xml(message)}</Message></Error>`,
  );
}

type Route = { service: string; operation: string; protocol: Protocol };

/** Which service and operation a request is for; undefined is S3. The body may have to be read for it. */
function routeOf(request: IncomingMessage, url: URL): Route | undefined {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    const [service = '', operation = ''] = target.split('.');
    return { service, operation, protocol: json };
  }
  if (url.pathname === '/v2/email/outbound-emails' && request.method === 'POST') {
    return { service: 'SESv2', operation: 'SendEmail', protocol: json };
  }
  if (
    request.method === 'POST' &&
    url.pathname === '/' &&
    /x-www-form-urlencoded/.test(request.headers['content-type'] ?? '')
  ) {
    return { service: 'STS', operation: '', protocol: queryProtocol };
  }
  return undefined;
}

/** One HTTP port that speaks enough of AWS for the gate, the AWS CLI and the SDKs. */
export function createLoopbackServer({
  account,
  region,
  dynamodb,
  checkpoints,
  loseEvents,
  services,
  s3,
}: ServerParts): Server {
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
  const control = async (request: IncomingMessage, response: ServerResponse, path: string) => {
    if (path === '/_loopback/checkpoints') {
      if (request.method === 'POST') checkpoints.flush();
      send(response, 200, 'application/json', JSON.stringify({ directory: checkpoints.directory }));
      return;
    }
    if (path === '/_loopback/calls' && request.method === 'DELETE') calls.clear();
    else if (path === '/_loopback/faults' && request.method === 'POST') {
      faults.push(JSON.parse((await bodyOf(request)).toString('utf8')) as Fault);
    } else if (path === '/_loopback/faults' && request.method === 'DELETE') faults.length = 0;
    else if (path === '/_loopback/latency' && request.method === 'POST') {
      latencyMs = (JSON.parse((await bodyOf(request)).toString('utf8')) as { ms: number }).ms;
    } else if (path === '/_loopback/throttle' && request.method === 'POST') {
      const wanted = (JSON.parse((await bodyOf(request)).toString('utf8')) as { callsPerSecond: number | null })
        .callsPerSecond;
      callsPerSecond = wanted ?? Number.POSITIVE_INFINITY;
      tokens.clear();
      refused = 0;
    } else if (path === '/_loopback/throttle') {
      send(response, 200, 'application/json', JSON.stringify({ refused }));
      return;
    } else if (path === '/_loopback/events' && request.method === 'POST') {
      loseEvents((JSON.parse((await bodyOf(request)).toString('utf8')) as { lost: boolean }).lost);
    } else if (path !== '/_loopback/calls') throw new AwsError('NotFound', `There is no ${path}.`, 404);
    send(response, 200, 'application/json', JSON.stringify(Object.fromEntries(calls)));
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://loopback');
    if (url.pathname.startsWith('/_loopback/')) {
      await control(request, response, url.pathname).catch((error: AwsError) =>
        json.error(response, new AwsError(error.code ?? 'InvalidRequest', error.message, error.status ?? 400)),
      );
      return;
    }
    const caller = callerOf(request, account, region);
    const route = routeOf(request, url);
    if (route?.service === 'DynamoDB_20120810') {
      count(caller, `DynamoDB.${route.operation}`);
      dynamodb.serve(request, response);
      return;
    }
    const protocol = route?.protocol ?? json;
    try {
      const body = await bodyOf(request);
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
      if (!route) {
        const name = `S3.${request.method}${url.searchParams.has('encryption') ? 'Encryption' : ''}`;
        count(caller, name);
        injected(name);
        const headers = request.headers;
        const answer = s3(
          { method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, headers, body },
          caller,
        );
        response.writeHead(answer.status, answer.headers);
        response.end(request.method === 'HEAD' ? undefined : answer.body);
        return;
      }
      const input = protocol.read(body);
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
      protocol.write(response, 200, await run(input, caller));
    } catch (error) {
      if (error instanceof AwsError) {
        if (route) protocol.error(response, error);
        else s3Error(response, request.method, error);
      } else {
        const { code, name, message } = error as Error & { code?: string };
        const known = typeof code === 'string' && /^[A-Z][A-Za-z]+$/.test(code);
        protocol.error(
          response,
          known ? new AwsError(code, message) : new AwsError('InternalFailure', `${name}: ${message}`, 500),
        );
      }
    }
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => {
      response.destroy(error);
    });
  });
  server.keepAliveTimeout = 60_000;
  return server;
}
