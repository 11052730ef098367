import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type Actor, actorFrom } from '../model/actor.ts';
import type { With } from './services.ts';

/** The account that the credentials belong to; undefined where AWS does not say. */
export async function readAccountId({ config }: With): Promise<string | undefined> {
  const { Account } = await new STSClient({ region: config.region }).send(new GetCallerIdentityCommand({}));
  return Account;
}

/** Whose credentials these are, as far as AWS says. */
export async function readCaller({ config }: With): Promise<Actor> {
  const { Arn } = await new STSClient({ region: config.region }).send(new GetCallerIdentityCommand({}));
  const userName = /:user\/(?:.+\/)?([^/]+)$/.exec(Arn ?? '')?.[1];
  const type = userName ? 'IAMUser' : /:root$/.test(Arn ?? '') ? 'Root' : 'AssumedRole';
  return actorFrom({ type, arn: Arn, userName });
}
