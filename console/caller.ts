import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readSecrets } from '../shared/aws/secrets.ts';
import type { With } from '../shared/aws/services.ts';
import { type Actor, actorFrom } from '../shared/model/actor.ts';
import { showsToken } from '../shared/model/bearer-token.ts';

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

/** Does the request carry the access token of programs? Where authentication is switched off, it need not. */
export async function holdsAccessToken(event: APIGatewayProxyEventV2, services: With<'secrets'>): Promise<boolean> {
  if (services.config.off.includes('authentication')) return true;
  return showsToken(event.headers.authorization, (await readSecrets(services)).accessToken);
}
