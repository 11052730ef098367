import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { With } from '../shared/aws/services.ts';
import { readSession, type Session } from '../shared/aws/sessions.ts';
import { isLoopbackHost, isLoopbackUrl } from '../shared/model/loopback.ts';
import { againPage, againPath, wasSentAgain } from '../web/again-page.ts';
import { cookieIn } from '../web/cookies.ts';
import { loginPath, nextPath } from '../web/next-path.ts';
import { type Problem, pageReply, type Reply, seeOther } from '../web/reply.ts';

/** Pages that are for everybody, and what asks for other proof than a session. Whatever is not here needs a session. */
const OPEN = /^\/(login(\/.*)?|style\.css|health|api\/.*|code(\/.*)?|token\/.*|slack\/.*)$/;
const WITHOUT_SESSION = /^\/(style\.css|health|api\/.*|code(\/.*)?|token\/.*|slack\/.*)$/;

/** Who has logged in, by the cookie of this request. */
export async function visitorOf(
  event: APIGatewayProxyEventV2,
  services: With<'dynamodb'>,
): Promise<Session | undefined> {
  if (WITHOUT_SESSION.test(event.rawPath)) return undefined;
  const secret = cookieIn(event.cookies ?? [], 'portcullis', services.config.consoleUrl);
  return secret === undefined ? undefined : readSession(services, secret);
}

/**
 * A console on one's own machine is read by its owner without logging in. All three must say so: the settings, where
 * the request came from, and the name it was sent to, which a page elsewhere may have pointed at this machine.
 */
function isAtHome({ headers, requestContext }: APIGatewayProxyEventV2, { config }: With<'dynamodb'>): boolean {
  const { sourceIp = '' } = requestContext.http;
  return isLoopbackUrl(config.consoleUrl) && isLoopbackHost(sourceIp) && isLoopbackHost(headers.host ?? '');
}

const LOGIN_FIRST: Problem = {
  status: 401,
  happened: 'Log in first',
  why: 'You have not logged in, or not lately, so nothing was done.',
  todo: 'Go back, where what you typed may still be; log in in another tab, and send it again.',
};

/** What somebody gets who may not have this page, or not yet; undefined for everybody else. */
export function turnedAway(
  event: APIGatewayProxyEventV2,
  session: Session | undefined,
  services: With<'dynamodb'>,
): Reply | Problem | undefined {
  const { rawPath, rawQueryString, headers, requestContext } = event;
  if (OPEN.test(rawPath) || session || services.config.off.includes('authentication')) return undefined;
  const reading = requestContext.http.method === 'GET' || requestContext.http.method === 'HEAD';
  const address = rawQueryString === '' ? rawPath : `${rawPath}?${rawQueryString}`;
  const hasCookie = cookieIn(event.cookies ?? [], 'portcullis', services.config.consoleUrl) !== undefined;
  // A link on another site brings no SameSite=Strict cookie along. The same address asked for from our own page does.
  if (reading && headers['sec-fetch-site'] === 'cross-site' && !hasCookie && !wasSentAgain(rawQueryString)) {
    return pageReply(againPage(againPath(nextPath(address))));
  }
  if (isAtHome(event, services)) return undefined;
  return reading ? seeOther(loginPath(nextPath(address))) : LOGIN_FIRST;
}
