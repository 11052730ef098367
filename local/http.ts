import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { respond } from '../functions/http-api.ts';
import type { Services } from '../shared/aws/services.ts';
import { type OutboxMail, outboxPage } from '../web/outbox-page.ts';
import { jsonReply, pageReply } from '../web/reply.ts';

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

/** The console on this machine: the HTTP function, and a page that stands in for everybody's mailbox. */
export function createConsole(services: Services, outbox: () => Promise<OutboxMail[]>): Server {
  return createServer((request, response) => {
    const answer = async (): Promise<APIGatewayProxyStructuredResultV2> => {
      const event = await eventFrom(request);
      if (!event) return { statusCode: 413, body: 'The request is too large.\n' };
      const reading = event.requestContext.http.method === 'GET' || event.requestContext.http.method === 'HEAD';
      if (event.rawPath === '/outbox' && reading) {
        const mails = await outbox();
        const { status, headers, body } =
          event.queryStringParameters?.format === 'json' ? jsonReply(mails) : pageReply(outboxPage(mails));
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
