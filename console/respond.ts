import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { With } from '../shared/aws/services.ts';
import { messagePage } from '../web/message-page.ts';
import { type Problem, pageReply, type Reply, transportHeaders } from '../web/reply.ts';
import { routeFor } from '../web/routing.ts';
import { turnedAway, visitorOf } from './access.ts';
import type { Route } from './visit.ts';

const FAILED: Problem = {
  status: 500,
  happened: 'Something went wrong',
  why: 'The page could not be made. What is on record stays on record.',
  todo: 'Try again in a moment. If it stays like this, give the error id to whoever runs Portcullis.',
};

/** The page for what went wrong, and one line in the log with the same id: no query strings, no bodies, no messages. */
function problemReply(problem: Problem, route: string, services: With, error?: unknown): Reply {
  const errorId = services.newId();
  const line = { level: error ? 'ERROR' : 'WARN', message: problem.happened, errorId, status: problem.status, route };
  console.error(JSON.stringify(error ? { ...line, error: (error as Error).name } : line));
  return pageReply(messagePage(problem, errorId), problem.status, problem.headers);
}

/** Routes that give out nothing of the trail. */
const NOTHING_OF_IT = /^\/(login(\/.*)?|code(\/.*)?|style\.css|health)$/;

/** Whoever was turned away, and whoever was shown something of the trail, is told of in the security log. */
function noteAnswer(
  { method, path }: Pick<Route, 'method' | 'path'>,
  { status }: Reply | Problem,
  person: string | undefined,
  services: With,
) {
  const about = { actor: person ?? 'nobody', route: `${method} ${path}`, status };
  if (status === 401 || status === 403) services.note({ event: 'denial', ...about });
  else if (method === 'GET' && status === 200 && !NOTHING_OF_IT.test(path))
    services.note({ event: 'retrieve', ...about });
}

/** What a route answers to whoever may ask it. */
async function answerOf<Services extends With<'dynamodb'>>(
  route: Route<Services>,
  parts: Record<string, string>,
  event: APIGatewayProxyEventV2,
  services: Services,
): Promise<Reply | Problem> {
  const session = await visitorOf(event, services);
  const answer = await (turnedAway(event, session, services) ?? route.answer({ parts, event, services, session }));
  noteAnswer(route, answer, session?.approver.id, services);
  return answer;
}

/**
 * What answers one request of an API Gateway HTTP API (payload format 2.0), by its route. GET only reads; HEAD goes with
 * it. Whatever fails inside becomes a page.
 */
export const respondWith =
  <Services extends With<'dynamodb'>>(routes: readonly Route<Services>[]) =>
  async (event: APIGatewayProxyEventV2, services: Services): Promise<APIGatewayProxyStructuredResultV2> => {
    const { method } = event.requestContext.http;
    const found = routeFor(routes, method, event.rawPath);
    const name = 'route' in found ? `${found.route.method} ${found.route.path}` : 'none';
    let reply: Reply;
    try {
      const answer = 'route' in found ? await answerOf(found.route, found.parts, event, services) : found;
      reply = 'happened' in answer ? problemReply(answer, name, services) : answer;
    } catch (error) {
      reply = problemReply(FAILED, name, services, error);
    }
    const { status, headers, body, cookies = [] } = reply;
    return {
      statusCode: status,
      headers: { ...headers, ...transportHeaders(services.config.consoleUrl) },
      body: method === 'HEAD' ? '' : body,
      ...(cookies.length > 0 && { cookies: [...cookies] }),
    };
  };
