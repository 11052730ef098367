import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { With } from '../shared/aws/services.ts';
import type { Session } from '../shared/aws/sessions.ts';
import type { Problem, Reply } from '../web/reply.ts';
import type { Route as AnyRoute } from '../web/routing.ts';

/** What the pages need of AWS. */
export type Answering = With<'dynamodb' | 'kms' | 'sfn' | 'ses' | 'secrets'>;
/** What answers a route is given: the parts of its path, who has logged in, and the event for the rest. */
export type Visit = {
  parts: Record<string, string>;
  event: APIGatewayProxyEventV2;
  services: Answering;
  session: Session | undefined;
};
export type Answer = (visit: Visit) => Promise<Reply | Problem>;
export type Route = AnyRoute<Answer>;

/** The text of a request's body. */
export function bodyOf({ body = '', isBase64Encoded }: APIGatewayProxyEventV2): string {
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString('utf8');
}
