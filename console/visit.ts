import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { With } from '../shared/aws/services.ts';
import type { Session } from '../shared/aws/sessions.ts';
import type { Problem, Reply } from '../web/reply.ts';
import type { Route as AnyRoute } from '../web/routing.ts';

/** What it takes to show pages and to let people in, */
export type Showing = With<'dynamodb' | 'secrets' | 'ses'>;
/** to take plans and waivers, */
export type Planning = With<'dynamodb' | 'secrets' | 'sfn'>;
/** and to take people's answers, which wakes who waits for them. */
export type Answering = Showing & Planning & With<'kms'>;
/** What answers a route is given: the parts of its path, who has logged in, and the event for the rest. */
export type Visit<Services = Answering> = {
  parts: Record<string, string>;
  event: APIGatewayProxyEventV2;
  services: Services;
  session: Session | undefined;
};
export type Answer<Services = Answering> = (visit: Visit<Services>) => Promise<Reply | Problem>;
export type Route<Services = Answering> = AnyRoute<Answer<Services>>;

/** The text of a request's body. */
export function bodyOf({ body = '', isBase64Encoded }: APIGatewayProxyEventV2): string {
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString('utf8');
}
