import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type Actor, actorFrom } from '../model/actor.ts';
import type { With } from './services.ts';

/** Whose credentials these are, and of which account; undefined where AWS does not say. */
export async function readCaller({ config }: With): Promise<{ actor: Actor; account: string | undefined }> {
  const { Account, Arn } = await new STSClient({ region: config.region }).send(new GetCallerIdentityCommand({}));
  const userName = /:user\/(?:.+\/)?([^/]+)$/.exec(Arn ?? '')?.[1];
  const type = userName ? 'IAMUser' : /:root$/.test(Arn ?? '') ? 'Root' : 'AssumedRole';
  return { actor: actorFrom({ type, arn: Arn, userName }), account: Account };
}
