import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { turnedAway, visitorOf } from '../console/access.ts';
import { approvalApiRoutes } from '../console/approval-api-routes.ts';
import { approvalRoutes } from '../console/approval-routes.ts';
import { changeRoutes } from '../console/change-routes.ts';
import { costRoutes } from '../console/cost-routes.ts';
import { endpointRoutes } from '../console/endpoint-routes.ts';
import { loginRoutes } from '../console/login-routes.ts';
import { overviewRoutes } from '../console/overview-routes.ts';
import { planRoutes } from '../console/plan-routes.ts';
import { putBackRoutes } from '../console/put-back-routes.ts';
import { slackRoutes } from '../console/slack-routes.ts';
import type { Answering, Route } from '../console/visit.ts';
import { waiverRoutes } from '../console/waiver-routes.ts';
import { dynamodb, kms, secrets, ses, sfn } from '../shared/aws/clients.ts';
import { lambda } from '../shared/lambda.ts';
import { messagePage } from '../web/message-page.ts';
import { jsonReply, type Problem, pageReply, type Reply, styleReply, transportHeaders } from '../web/reply.ts';
import { routeFor } from '../web/routing.ts';

/** Every address there is. What answers GET only reads; HEAD goes with it. */
export const ROUTES: readonly Route[] = [
  ...overviewRoutes,
  ...changeRoutes,
  ...endpointRoutes,
  ...costRoutes,
  ...approvalRoutes,
  ...approvalApiRoutes,
  ...planRoutes,
  ...waiverRoutes,
  ...loginRoutes,
  ...putBackRoutes,
  ...slackRoutes,
  { method: 'GET', path: '/style.css', answer: async () => styleReply() },
  { method: 'GET', path: '/health', answer: async () => jsonReply({ status: 'ok' }) },
];

const FAILED: Problem = {
  status: 500,
  happened: 'Something went wrong',
  why: 'The page could not be made. What is on record stays on record.',
  todo: 'Try again in a moment. If it stays like this, give the error id to whoever runs Portcullis.',
};

/** The page for what went wrong, and one line in the log with the same id: no query strings, no bodies, no messages. */
function problemReply(problem: Problem, route: string, services: Answering, error?: unknown): Reply {
  const errorId = services.newId();
  const line = { level: error ? 'ERROR' : 'WARN', message: problem.happened, errorId, status: problem.status, route };
  console.error(JSON.stringify(error ? { ...line, error: (error as Error).name } : line));
  return pageReply(messagePage(problem, errorId), problem.status, problem.headers);
}

/** Routes that give out nothing of the trail. */
const NOTHING_OF_IT = /^\/(login(\/.*)?|code(\/.*)?|style\.css|health)$/;

/** Whoever was turned away, and whoever was shown something of the trail, is told of in the security log. */
function noteAnswer(
  { method, path }: Route,
  { status }: Reply | Problem,
  person: string | undefined,
  services: Answering,
) {
  const about = { actor: person ?? 'nobody', route: `${method} ${path}`, status };
  if (status === 401 || status === 403) services.note({ event: 'denial', ...about });
  else if (method === 'GET' && status === 200 && !NOTHING_OF_IT.test(path))
    services.note({ event: 'retrieve', ...about });
}

/** What a route answers to whoever may ask it. */
async function answerOf(
  route: Route,
  parts: Record<string, string>,
  event: APIGatewayProxyEventV2,
  services: Answering,
): Promise<Reply | Problem> {
  const session = await visitorOf(event, services);
  const answer = await (turnedAway(event, session, services) ?? route.answer({ parts, event, services, session }));
  noteAnswer(route, answer, session?.approver.id, services);
  return answer;
}

/** Answers one request of an API Gateway HTTP API (payload format 2.0). Whatever fails inside becomes a page. */
export async function respond(
  event: APIGatewayProxyEventV2,
  services: Answering,
): Promise<APIGatewayProxyStructuredResultV2> {
  const { method } = event.requestContext.http;
  const found = routeFor(ROUTES, method, event.rawPath);
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
}

/** Called by AWS. */
export const handler = lambda({ dynamodb, kms, secrets, ses, sfn }, respond);
