import { timingSafeEqual } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readSecrets } from '../shared/aws/secrets.ts';
import type { With } from '../shared/aws/services.ts';
import { type Actor, actorFrom } from '../shared/model/actor.ts';
import { sha256 } from '../shared/model/canonical-json.ts';

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

/**
 * Does the request carry the access token of programs? Compared in constant time, by hash, so that not even its length
 * shows. Where none is set, nobody has it.
 */
export async function holdsAccessToken(event: APIGatewayProxyEventV2, services: With<'secrets'>): Promise<boolean> {
  const { accessToken } = await readSecrets(services);
  const given = /^Bearer (\S+)$/i.exec(event.headers.authorization ?? '')?.[1];
  if (accessToken === undefined || given === undefined) return false;
  return timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(accessToken)));
}
