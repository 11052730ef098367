import * as z from 'zod';
import { grantWaiver, revokeWaiver } from '../shared/aws/waivers.ts';
import { Endpoint } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import { type Action, action, type Doing, Reason, refusal, signed, withCode } from './proven-actions.ts';
import type { Planning, Route } from './visit.ts';

// Waivers are granted and revoked by approvers, who prove who they are as for approvals; see proven-actions.ts.

const Moment = z.iso.datetime({ error: 'must be a time in UTC such as 2026-12-31T00:00:00Z' });

const endpointIn = ({ parts: { account, region, endpoint } }: Doing<Planning>) =>
  Endpoint.safeParse({ account, region, name: endpoint });

/** Does something about the endpoint that the path names, if it can be one. */
const about =
  (run: (endpoint: Endpoint) => Action<Planning>): Action<Planning> =>
  async (doing, given) => {
    const { data, error } = endpointIn(doing);
    if (!data)
      return refusal(400, `The path names no endpoint: ${error.issues.map(({ message }) => message).join('; ')}`);
    return run(data)(doing, given);
  };

const ACTIONS: Record<string, Action<Planning>> = {
  grant: about((endpoint) =>
    action(
      z.strictObject({
        policy: z.string('must be the id of a policy'),
        from: Moment.optional(),
        until: Moment,
        reason: Reason,
        environment: Environment.optional(),
      }),
      async ({ services, person }: Doing<Planning>, given) =>
        shown(await grantWaiver(services, { endpoint, person, ...given })),
    ),
  ),
  revoke: about((endpoint) =>
    action(
      z.strictObject({ waiver: z.string('must be the id of a waiver'), reason: Reason }),
      async ({ services, person }: Doing<Planning>, given) =>
        shown(await revokeWaiver(services, { endpoint, person, ...given })),
    ),
  ),
};

type Told = Awaited<ReturnType<typeof grantWaiver | typeof revokeWaiver>>;

/** What the caller is told: the waiver, and not whatever else the record holds. */
function shown(reply: Told) {
  if (reply.reply !== 'recorded') return reply;
  const { record, looksAgain } = reply;
  const waiver = record.kind === 'waiver-granted' ? record.waiver.id : record.waiver;
  return { reply: reply.reply, waiver, ...(looksAgain !== undefined && { looksAgain }) };
}

const PATH = 'waivers/{account}/{region}/{endpoint}';

/** Waivers, for programs and the command line. */
export const waiverRoutes: readonly Route<Planning>[] = Object.entries(ACTIONS).flatMap(
  ([name, run]): Route<Planning>[] => [
    { method: 'POST', path: `/api/${PATH}/${name}`, answer: signed(run) },
    { method: 'POST', path: `/code/${PATH}/${name}`, answer: withCode(run) },
  ],
);
