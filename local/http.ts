import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { respond } from '../functions/http-api.ts';
import { readSecrets } from '../shared/aws/secrets.ts';
import type { Services } from '../shared/aws/services.ts';
import { showsToken } from '../shared/model/bearer-token.ts';
import { type OutboxMail, outboxPage } from '../web/outbox-page.ts';
import { jsonReply, pageReply, type Reply, textReply } from '../web/reply.ts';

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

/** What Prometheus reads: the text and its type. */
export type MetricsSource = { text: () => Promise<string>; contentType: string };

const LOOPBACK_PEERS = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** A program on this machine, and neither a proxy that speaks for another nor a browser that was told a name for this address. */
const isFromHere = ({ socket, headers }: IncomingMessage) =>
  LOOPBACK_PEERS.includes(socket.remoteAddress ?? '') &&
  LOOPBACK_HOST.test(headers.host ?? '') &&
  !['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers);

/** Metrics for a program on this machine, or for who has the access token. They name no endpoint and no person. */
async function answerMetrics(request: IncomingMessage, services: Services, metrics: MetricsSource): Promise<Reply> {
  if (!isFromHere(request)) {
    const { accessToken } = await readSecrets(services);
    if (!showsToken(request.headers.authorization, accessToken)) {
      services.note({ event: 'denial', actor: 'nobody', route: 'GET /metrics', status: 401 });
      const refused = textReply('Metrics are for programs on this machine, or with the access token of the gate.\n');
      return { ...refused, status: 401, headers: { ...refused.headers, 'www-authenticate': 'Bearer' } };
    }
  }
  const { headers, ...reply } = textReply(await metrics.text());
  return { ...reply, headers: { ...headers, 'content-type': metrics.contentType } };
}

/** The console on this machine: the HTTP function, a page that stands in for everybody's mailbox, and metrics. */
export function createConsole(
  services: Services,
  outbox: () => Promise<OutboxMail[]>,
  metrics?: MetricsSource,
): Server {
  return createServer((request, response) => {
    const answer = async (): Promise<APIGatewayProxyStructuredResultV2> => {
      const event = await eventFrom(request);
      if (!event) return { statusCode: 413, body: 'The request is too large.\n' };
      const reading = event.requestContext.http.method === 'GET' || event.requestContext.http.method === 'HEAD';
      if (event.rawPath === '/outbox' && reading) {
        const mails = await outbox();
        services.note({ event: 'retrieve', actor: 'nobody', route: 'GET /outbox', status: 200 });
        const { status, headers, body } =
          event.queryStringParameters?.format === 'json' ? jsonReply(mails) : pageReply(outboxPage(mails));
        return { statusCode: status, headers, body };
      }
      if (event.rawPath === '/metrics' && reading && metrics) {
        const { status, headers, body } = await answerMetrics(request, services, metrics);
        return { statusCode: status, headers, body };
      }
      return respond(event, services);
    };
    answer().then(
      ({ statusCode = 200, headers = {}, cookies = [], body = '', isBase64Encoded }) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
        if (cookies.length > 0) response.setHeader('set-cookie', cookies);
        response.writeHead(statusCode);
        response.end(request.method === 'HEAD' ? undefined : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
      },
      () => {
        response.writeHead(500);
        response.end();
      },
    );
  });
}
