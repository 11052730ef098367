import type { StreamRef } from '../model/endpoint-ref.ts';
import type { RecordBody } from '../model/ledger-record.ts';
import { readCaller } from './caller.ts';
import { append, readStream } from './ledger.ts';
import type { With } from './services.ts';

/**
 * Puts on record, in the gate's own stream of this month, what somebody did with the trail as a whole: took it along, or
 * held it against CloudTrail. In the name of whoever the credentials belong to, who must be allowed to append.
 */
export async function noteAudit(services: With<'dynamodb'>, id: string, body: RecordBody): Promise<void> {
  const { actor, account } = await readCaller(services);
  if (account === undefined) throw new Error('AWS did not say which account these credentials belong to.');
  const { region } = services.config;
  const ref: StreamRef = { account, region, name: services.now().slice(0, 7), about: 'audit' };
  await append(services, await readStream(services, ref), () => ({ id, body, actor }));
}
