import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type Actor, actorFrom } from '../shared/model/actor.ts';

type WithIam = { authorizer?: { iam?: { userArn?: unknown } } };

/** The ARN that API Gateway has verified by the request's signature; undefined where it was not signed. */
export function userArnOf({ requestContext }: APIGatewayProxyEventV2): string | undefined {
  const arn = (requestContext as unknown as WithIam).authorizer?.iam?.userArn;
  return typeof arn === 'string' && arn.startsWith('arn:') ? arn : undefined;
}

/** Who signed the request, as CloudTrail would name them; undefined where nobody did. */
export function callerByIam(event: APIGatewayProxyEventV2): Actor | undefined {
  const arn = userArnOf(event);
  if (arn === undefined) return undefined;
  const userName = /:user\/(?:.+\/)?([^/]+)$/.exec(arn)?.[1];
  const type = arn.endsWith(':root') ? 'Root' : userName === undefined ? 'AssumedRole' : 'IAMUser';
  return actorFrom({ type, arn, userName });
}
