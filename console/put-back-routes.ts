import * as z from 'zod';
import { acceptRemediation } from '../shared/aws/accept-remediation.ts';
import { readPutBackForm } from '../shared/model/answer-form.ts';
import { Endpoint } from '../shared/model/endpoint-ref.ts';
import { refusedPost } from '../web/form-post.ts';
import { changePath } from '../web/links.ts';
import { seeOther } from '../web/reply.ts';
import { notFound } from '../web/routing.ts';
import { showChangeOf } from './change-routes.ts';
import { type Action, action, Reason, refusal, signed, withCode } from './proven-actions.ts';
import { isPutBackToken } from './put-back-token.ts';
import { type Answer, bodyOf, type Route } from './visit.ts';

// An approver has a proposal carried out: with the form of the change's page, or as programs do; see proven-actions.ts.

/** Which change the path names, if it can name one. */
function changeIn({ account, region, endpoint, generation = '' }: Record<string, string>) {
  const ref = Endpoint.safeParse({ account, region, name: endpoint });
  const isNumber = /^[1-9]\d{0,8}$/.test(generation);
  return ref.success && isNumber ? { endpoint: ref.data, generation: Number(generation) } : undefined;
}

const LOGIN_FIRST = 'Log in first, and send it again.';
const NOT_YOURS =
  'The form is not of your login, or is about another change than it was made for. Look again and send it again.';

const takeForm: Answer = async (visit) => {
  const { services, event, session, parts } = visit;
  const body = bodyOf(event);
  const elsewhere = refusedPost(event.headers, body, services.config.consoleUrl);
  if (elsewhere) return elsewhere;
  const about = changeIn(parts);
  if (!about) return notFound('There is no such change.');
  const { endpoint, generation } = about;
  const read = readPutBackForm(body);
  const again = (status: number, reason: string) =>
    showChangeOf(visit, false, { status, refusal: { reason, typed: read.typed } });
  if (!session) return again(401, LOGIN_FIRST);
  if ('mistake' in read) return again(400, read.mistake);
  const { token, digest, reason, name } = read.fields;
  if (!isPutBackToken(token, session.secret, endpoint, generation, digest)) return again(403, NOT_YOURS);
  const given = { person: session.approver.id, reason, via: 'page' as const, digest, typedName: name };
  const reply = await acceptRemediation(services, { ...about, ...given });
  if (reply.reply !== 'refused') return seeOther(changePath(endpoint, generation));
  if (reply.code === 'wrong-name') return again(400, reply.reason);
  return again(reply.code === 'not-an-approver' ? 403 : 409, reply.reason);
};

const Fields = z.strictObject({
  reason: Reason,
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 hexadecimal digits that "remediate --dry-run" prints'),
});

const putBack: Action = async (doing, given) => {
  const about = changeIn(doing.parts);
  if (!about) return refusal(400, 'The path names no change.');
  const { services, person, via } = doing;
  return action(Fields, async (_doing, fields) => {
    const reply = await acceptRemediation(services, { ...about, person, via, ...fields });
    return reply.reply === 'recorded' ? { reply: reply.reply, ...about } : reply;
  })(doing, given);
};

const PATH = '/changes/{account}/{region}/{endpoint}/{generation}/put-back';

/** Having a refused change put back. */
export const putBackRoutes: readonly Route[] = [
  { method: 'POST', path: PATH, answer: takeForm },
  { method: 'POST', path: `/api${PATH}`, answer: signed(putBack) },
  { method: 'POST', path: `/code${PATH}`, answer: withCode(putBack) },
];
