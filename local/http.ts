import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { holdsAccessToken } from '../shared/aws/access-token.ts';
import type { Services } from '../shared/aws/services.ts';
import { isLoopbackHost } from '../shared/model/loopback.ts';
import { type OutboxMail, outboxPage } from '../web/outbox-page.ts';
import { jsonReply, pageReply, type Reply, textReply, transportHeaders } from '../web/reply.ts';
import { respond } from './http-api.ts';
import { serveNewest } from './newest-certificate.ts';
import type { ServedTls } from './serving.ts';

const MAX_BODY = 64 * 1024;

/** A request as API Gateway's payload format 2.0 has it, so that the console runs the function that AWS runs. */
async function eventFrom(request: IncomingMessage): Promise<APIGatewayProxyEventV2 | undefined> {
  const url = new URL(request.url ?? '/', 'http://local');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  const method = request.method ?? 'GET';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) => (name === 'cookie' ? [] : [[name, String(value)]])),
    ),
    // API Gateway takes them apart, and hands them over here only.
    cookies: (request.headers.cookie ?? '').split(';').flatMap((each) => (each.trim() === '' ? [] : [each.trim()])),
    queryStringParameters: Object.fromEntries(url.searchParams),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: 'local',
      domainPrefix: 'local',
      http: {
        method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: '',
      },
      requestId: 'local',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
    body: Buffer.concat(chunks).toString('base64'),
    isBase64Encoded: true,
  };
}

/** What Prometheus reads: the text and its type; and what is to be told when a certificate is served that ends then. */
export type MetricsSource = {
  text: () => Promise<string>;
  contentType: string;
  certificateEnds: (at: string) => void;
};

const LOOPBACK_PEERS = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];

/**
 * A program on this machine, and neither a proxy that speaks for another nor a browser that was told a name for this
 * address. Over TLS the console's own name will do, since no other has its certificate.
 */
function isFromHere({ socket, headers }: IncomingMessage, { config }: Services): boolean {
  const { protocol, host } = new URL(config.consoleUrl);
  return (
    LOOPBACK_PEERS.includes(socket.remoteAddress ?? '') &&
    (isLoopbackHost(headers.host ?? '') || (protocol === 'https:' && headers.host === host)) &&
    !['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers)
  );
}

function refused(text: string, status: 401 | 403, route: string, services: Services): Reply {
  services.note({ event: 'denial', actor: 'nobody', route, status });
  const { headers, ...reply } = textReply(text);
  return { ...reply, status, headers: { ...headers, ...(status === 401 && { 'www-authenticate': 'Bearer' }) } };
}

/** Everybody's mails, with the codes to log in: for who sits at this machine. */
async function answerOutbox(
  request: IncomingMessage,
  services: Services,
  outbox: () => Promise<OutboxMail[]>,
): Promise<Reply> {
  const route = 'GET /outbox';
  if (!isFromHere(request, services)) return refused('Mails are read on this machine only.\n', 403, route, services);
  const mails = await outbox();
  services.note({ event: 'retrieve', actor: 'nobody', route, status: 200 });
  const asJson = new URL(request.url ?? '', 'http://local').searchParams.get('format') === 'json';
  return asJson ? jsonReply(mails) : pageReply(outboxPage(mails));
}

/** Metrics for a program on this machine, or for who has the access token. They name no endpoint and no person. */
async function answerMetrics(request: IncomingMessage, services: Services, metrics: MetricsSource): Promise<Reply> {
  const known = isFromHere(request, services) || (await holdsAccessToken(request.headers.authorization, services));
  if (!known) {
    const text = 'Metrics are for programs on this machine, or with the access token of the gate.\n';
    return refused(text, 401, 'GET /metrics', services);
  }
  const { headers, ...reply } = textReply(await metrics.text());
  return { ...reply, headers: { ...headers, 'content-type': metrics.contentType } };
}

/** One of our own replies, as the function of AWS has its. */
const resultOf = ({ status, headers, body }: Reply, services: Services): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: { ...headers, ...transportHeaders(services.config.consoleUrl) },
  body,
});

/**
 * The console on this machine: the HTTP function, a page that stands in for everybody's mailbox, and metrics; over TLS
 * where it is given a certificate.
 */
export function createConsole(
  services: Services,
  outbox: () => Promise<OutboxMail[]>,
  metrics?: MetricsSource,
  tls?: ServedTls,
): Server | TlsServer {
  const answer = async (request: IncomingMessage): Promise<APIGatewayProxyStructuredResultV2> => {
    const event = await eventFrom(request);
    if (!event) return resultOf({ ...textReply('The request is too large.\n'), status: 413 }, services);
    const reading = event.requestContext.http.method === 'GET' || event.requestContext.http.method === 'HEAD';
    if (event.rawPath === '/outbox' && reading)
      return resultOf(await answerOutbox(request, services, outbox), services);
    if (event.rawPath === '/metrics' && reading && metrics)
      return resultOf(await answerMetrics(request, services, metrics), services);
    return respond(event, services);
  };
  const listener: RequestListener = (request, response) => {
    answer(request)
      .catch(() => resultOf({ ...textReply(''), status: 500 }, services))
      .then(({ statusCode = 200, headers = {}, cookies = [], body = '', isBase64Encoded }) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
        if (cookies.length > 0) response.setHeader('set-cookie', cookies);
        response.writeHead(statusCode);
        response.end(request.method === 'HEAD' ? undefined : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
      });
  };
  if (!tls) return createServer(listener);
  const server = createTlsServer(tls.pair, listener);
  serveNewest(server, tls, services, (at) => metrics?.certificateEnds(at));
  return server;
}
