import { holdsAccessToken } from '../shared/aws/access-token.ts';
import { readPlanState } from '../shared/aws/plan-state.ts';
import { PlanBeingReadError, receivePlan } from '../shared/aws/receive-plan.ts';
import type { Actor } from '../shared/model/actor.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { planId } from '../shared/model/plan-state.ts';
import { changeFromPlan, readPlan } from '../shared/model/submitted-plan.ts';
import { changePath } from '../web/links.ts';
import { jsonReply, type Reply } from '../web/reply.ts';
import { callerByIam } from './caller.ts';
import { type Answer, bodyOf, type Planning, type Route, type Visit } from './visit.ts';

// Programs submit plans and ask how they stand: signed with AWS credentials below /api, with a bearer token below /token.

const refusal = (status: number, error: string, more: object = {}, headers: Record<string, string> = {}): Reply =>
  jsonReply({ error, ...more }, status, headers);

const notSigned = () => refusal(401, 'Sign the request with AWS credentials.');
const noToken = () =>
  refusal(
    401,
    'Send the access token as "Authorization: Bearer ...". Without one set in the gate, nobody is let in here.',
    {},
    { 'www-authenticate': 'Bearer' },
  );

function documentIn(text: string): { document: unknown } | undefined {
  try {
    return { document: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** The gate's own account and region, for plans that do not say. */
function homeOf({ config }: Planning) {
  const [, , , , account = ''] = config.stateMachineArn.split(':');
  return { account, region: config.region };
}

/**
 * A submission that is sent again after its answer got lost is the same one, if it says so by `idempotency-key`. Keys of
 * different callers are different.
 */
function submissionId({ event, services }: Visit<Planning>, caller: string): string {
  const key = event.headers['idempotency-key'];
  return key ? `submitted-${sha256(JSON.stringify([caller, key])).slice(0, 40)}` : `submitted-${services.newId()}`;
}

async function submit(visit: Visit<Planning>, actor: Actor | undefined): Promise<Reply> {
  const { event, services } = visit;
  const body = documentIn(bodyOf(event));
  if (!body) return refusal(400, 'The body is not JSON.', { mistakes: [] });
  const at = services.now();
  const reading = readPlan(body.document, at);
  if ('mistakes' in reading) return refusal(400, 'The plan cannot be used.', { mistakes: reading.mistakes });
  const eventId = submissionId(visit, actor?.arn ?? 'token');
  const change = changeFromPlan(reading.plan, homeOf(services), { eventId, at, ...(actor && { actor }) });
  const ref = EndpointRef.safeParse(change.endpoint);
  if (!ref.success) return refusal(400, 'The plan must name its account: the gate does not know its own.');
  try {
    const { as, detail, generation } = await receivePlan(services, change);
    const page = `${services.config.consoleUrl}${changePath(change.endpoint, generation)}`;
    return jsonReply({ id: planId(change.endpoint, generation), as, detail, page }, 202);
  } catch (error) {
    if (!(error instanceof PlanBeingReadError)) throw error;
    return refusal(503, error.message, {}, { 'retry-after': '2' });
  }
}

async function state({ parts, services }: Visit<Planning>): Promise<Reply> {
  const { account, region, endpoint, generation = '' } = parts;
  const ref = EndpointRef.safeParse({ account, region, name: endpoint });
  const number = /^[1-9]\d{0,8}$/.test(generation) ? Number(generation) : undefined;
  const found = ref.success && number !== undefined ? await readPlanState(services, ref.data, number) : undefined;
  if (!found) return refusal(404, 'There is no such plan.');
  const planned = { account: found.account, region: found.region, name: found.endpoint, planned: true } as const;
  return jsonReply({ ...found, page: `${services.config.consoleUrl}${changePath(planned, found.generation)}` });
}

const submitSigned: Answer<Planning> = async (visit) => {
  const actor = callerByIam(visit.event);
  return actor ? submit(visit, actor) : notSigned();
};
const submitWithToken: Answer<Planning> = async (visit) =>
  (await holdsAccessToken(visit.event.headers.authorization, visit.services)) ? submit(visit, undefined) : noToken();
const stateSigned: Answer<Planning> = async (visit) => (callerByIam(visit.event) ? state(visit) : notSigned());
const stateWithToken: Answer<Planning> = async (visit) =>
  (await holdsAccessToken(visit.event.headers.authorization, visit.services)) ? state(visit) : noToken();

const ONE = '{account}/{region}/{endpoint}/{generation}';

/** Plans, submitted and followed by programs; people look at them as at changes. */
export const planRoutes: readonly Route<Planning>[] = [
  { method: 'POST', path: '/api/plans', answer: submitSigned },
  { method: 'GET', path: `/api/plans/${ONE}`, answer: stateSigned },
  { method: 'POST', path: '/token/plans', answer: submitWithToken },
  { method: 'GET', path: `/token/plans/${ONE}`, answer: stateWithToken },
];
