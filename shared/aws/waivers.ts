import type { RemarkReply } from '../model/approval.ts';
import type { EndpointHistory } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { recheckAfterWaiver } from '../model/recheck.ts';
import { grantOf, revocationOf, type WaiverRequest } from '../model/waiver-grant.ts';
import { waivability } from '../policies/index.ts';
import { actorOf, unlessUnreadable } from './approvals.ts';
import { startExecution } from './executions.ts';
import { append, readStream } from './ledger.ts';
import type { With } from './services.ts';

type Waiving = With<'dynamodb' | 'sfn'>;

/** What somebody is told; `looksAgain` is the number of the change in which the endpoint is judged again, if it is. */
export type WaiverReply<Body> = RemarkReply<Body> & { looksAgain?: number | undefined };

/**
 * Appends what `say` makes of the endpoint's stream, and has the endpoint judged again. `person` is the id of an
 * approver, and the caller has made sure that it is them.
 */
async function say<Body extends RecordOf<'waiver-granted' | 'waiver-revoked'>>(
  services: Waiving,
  endpoint: EndpointRef,
  person: string,
  idOf: (body: Body) => string,
  reply: (history: EndpointHistory) => RemarkReply<Body>,
): Promise<WaiverReply<Body>> {
  let said: RemarkReply<Body> | undefined;
  const after = await unlessUnreadable(async () => {
    const { history } = await append(services, await readStream(services, endpoint), (past) => {
      const approver = services.readApprovals().approvers.find(({ id }) => id === person);
      said = reply(past);
      if (said.reply !== 'recorded' || !approver) return undefined;
      return { id: idOf(said.record), body: said.record, actor: actorOf(approver) };
    });
    return { reply: 'said' as const, told: said as unknown as RemarkReply<Body>, history };
  });
  if (after.reply === 'refused') return after;
  const { told, history } = after;
  if (told.reply !== 'recorded') return told;
  const change = recheckAfterWaiver(history, endpoint, told.record, person, services.now());
  if (!change) return told;
  const generation = history.generation + 1;
  await startExecution(services, change, generation);
  return { ...told, looksAgain: generation };
}

/** Grants a waiver of one policy for one endpoint. */
export async function grantWaiver(
  services: Waiving,
  { endpoint, ...given }: WaiverRequest & { endpoint: EndpointRef },
): Promise<WaiverReply<RecordOf<'waiver-granted'>>> {
  const { history: plans } = await readStream(services, { ...endpoint, planned: true });
  return say<RecordOf<'waiver-granted'>>(
    services,
    endpoint,
    given.person,
    ({ waiver }) => `waiver#${waiver.id}`,
    (history) =>
      grantOf(history, plans, given, {
        rules: services.readApprovals(),
        policies: waivability,
        maxDays: services.config.policySettings.waiverMaxDays,
        now: services.now(),
        newId: services.newId,
      }),
  );
}

/** Ends a waiver before its time. */
export function revokeWaiver(
  services: Waiving,
  { endpoint, ...given }: { endpoint: EndpointRef; waiver: string; person: string; reason: string },
): Promise<WaiverReply<RecordOf<'waiver-revoked'>>> {
  return say<RecordOf<'waiver-revoked'>>(
    services,
    endpoint,
    given.person,
    ({ waiver }) => `waiver-revoked#${waiver}`,
    (history) => revocationOf(history, given, services.readApprovals(), services.now()),
  );
}
