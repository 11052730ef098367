import { approvalRules } from '../shared/aws/approvals.ts';
import { beginLogin, finishLogin } from '../shared/aws/oidc-login.ts';
import { sendCode, takeCode } from '../shared/aws/one-time-codes.ts';
import { personOfLink } from '../shared/aws/personal-link.ts';
import { type Authentication, endSession, startSession } from '../shared/aws/sessions.ts';
import { formToken, isFormToken } from '../shared/model/form-token.ts';
import { clearCookie, cookieIn, setCookie } from '../web/cookies.ts';
import { refusedPost } from '../web/form-post.ts';
import { backFromProviderPage, codePage, loginPage, toProviderPage } from '../web/login-page.ts';
import { loginPath, nextPath, personalLink } from '../web/next-path.ts';
import { type Problem, pageReply, type Reply, seeOther } from '../web/reply.ts';
import { loginWay, providerOf } from './login-way.ts';
import { type Answer, bodyOf, type Route, type Showing, type Visit } from './visit.ts';

const BINDING_SECONDS = 600;
const REFUSED =
  'That is not the code, or it does not work any more. It works once, in the browser that asked for it, for ten minutes and five tries.';

const nextOf = ({ event }: Visit<Showing>) => nextPath(new URLSearchParams(event.rawQueryString).get('next'));

async function showLogin(visit: Visit<Showing>): Promise<Reply> {
  const { services, session } = visit;
  const next = nextOf(visit);
  const visitor = session && {
    name: session.approver.name,
    until: session.expiresAt,
    token: formToken(session.secret, 'logout'),
  };
  return pageReply(loginPage({ next, visitor, ...loginWay(services, next) }));
}

/** Takes a form's fields, or says why it is not looked at. */
function fieldsOf({ event, services }: Visit<Showing>): URLSearchParams | Problem {
  const body = bodyOf(event);
  return refusedPost(event.headers, body, services.config.consoleUrl) ?? new URLSearchParams(body);
}

/** A route that takes a form. */
const form =
  (take: (fields: URLSearchParams, visit: Visit<Showing>) => Promise<Reply | Problem>): Answer<Showing> =>
  async (visit) => {
    const fields = fieldsOf(visit);
    return 'happened' in fields ? fields : take(fields, visit);
  };

const notThisWay = (happened: string, why: string): Problem => ({
  status: 404,
  happened,
  why,
  todo: 'Open the login page and follow what it says.',
});

const codePath = (next: string) => `/login/code?${new URLSearchParams({ next })}`;

/** Whom to mail a code: the one whose link it is, or whose address was typed. */
async function personMeant(fields: URLSearchParams, next: string, services: Showing): Promise<string | undefined> {
  const email = fields.get('email')?.trim().toLowerCase();
  if (email) return approvalRules(services).approvers.find((each) => each.email.toLowerCase() === email)?.id;
  const link = personalLink(next);
  return link && personOfLink(services, link);
}

const askForCode = form(async (fields, { services }) => {
  if (providerOf(services) !== undefined) {
    return notThisWay('No codes here', 'A login provider is configured, so no codes are mailed.');
  }
  const { consoleUrl } = services.config;
  const next = nextPath(fields.get('next'));
  const { binding } = await sendCode(services, await personMeant(fields, next, services));
  return seeOther(codePath(next), [setCookie('portcullis-login', binding, BINDING_SECONDS, consoleUrl)]);
});

async function showCode(visit: Visit<Showing>): Promise<Reply> {
  const next = nextOf(visit);
  return pageReply(codePage({ next, again: loginPath(next) }));
}

const bindingOf = ({ event, services }: Visit<Showing>) =>
  cookieIn(event.cookies ?? [], 'portcullis-login', services.config.consoleUrl) ?? '';

/** Begins the session, forgets what the login was tied to, and goes where the person wanted. */
async function letIn({ services }: Visit<Showing>, person: string, how: Authentication, next: string): Promise<Reply> {
  const { consoleUrl, file } = services.config;
  const { secret } = await startSession(services, person, how);
  return seeOther(next, [
    setCookie('portcullis', secret, Math.floor(file.login.sessionHours * 3600), consoleUrl),
    clearCookie('portcullis-login', consoleUrl),
  ]);
}

const takeTypedCode = form(async (fields, visit) => {
  const next = nextPath(fields.get('next'));
  const code = fields.get('code') ?? '';
  const person = await takeCode(visit.services, { binding: bindingOf(visit), code });
  if (person === undefined) return pageReply(codePage({ next, again: loginPath(next), refused: REFUSED }), 403);
  return letIn(visit, person, 'mailed-code', next);
});

const goToProvider = form(async (fields, { services }) => {
  const provider = providerOf(services);
  if (provider === undefined) return notThisWay('No provider here', 'No login provider is configured.');
  const { url, binding } = await beginLogin(services, nextPath(fields.get('next')));
  return {
    ...pageReply(toProviderPage(url, provider)),
    cookies: [setCookie('portcullis-login', binding, BINDING_SECONDS, services.config.consoleUrl)],
  };
});

const NOT_CONFIRMED: Problem = {
  status: 403,
  happened: 'Not logged in',
  why: 'The login was not confirmed: it was begun in another browser, more than ten minutes ago, used already, or broken off at the provider.',
  todo: 'Open the login page and begin again.',
};

/** Only shows: the navigation from the provider's site brings no cookie, and a GET changes nothing. */
async function showBack({ event }: Visit<Showing>): Promise<Reply | Problem> {
  const given = new URLSearchParams(event.rawQueryString);
  const [code, state] = [given.get('code'), given.get('state')];
  if (!code || !state) return NOT_CONFIRMED;
  return pageReply(backFromProviderPage({ code, state, iss: given.get('iss') ?? undefined }));
}

const comeBack = form(async (fields, visit) => {
  const { services } = visit;
  if (providerOf(services) === undefined) return notThisWay('No provider here', 'No login provider is configured.');
  const [code, state] = [fields.get('code') ?? '', fields.get('state') ?? ''];
  const login = await finishLogin(services, bindingOf(visit), { code, state, iss: fields.get('iss') ?? undefined });
  if (!login) return NOT_CONFIRMED;
  // By subject only: a mail address at the provider may be typed by whoever has it, and may be given to another.
  const person = approvalRules(services).approvers.find(({ oidcSubject }) => oidcSubject === login.subject);
  if (person) return letIn(visit, person.id, 'oidc', login.next);
  return {
    status: 403,
    happened: 'You are no approver here',
    why: `The provider says that you are ${login.subject}, and no approver has that as oidcSubject.`,
    todo: 'Ask whoever runs Portcullis to add it to portcullis.yaml if you are to approve.',
  };
});

const logOut = form(async (fields, { session, services }) => {
  const { consoleUrl } = services.config;
  if (session && isFormToken(fields.get('token') ?? '', session.secret, 'logout')) {
    await endSession(services, session);
    return seeOther('/login', [clearCookie('portcullis', consoleUrl)]);
  }
  return seeOther('/login');
});

/** Logging in and out. Nothing here decides anything, and what is shown is the same for everybody. */
export const loginRoutes: readonly Route<Showing>[] = [
  { method: 'GET', path: '/login', answer: showLogin },
  { method: 'POST', path: '/login/code', answer: askForCode },
  { method: 'GET', path: '/login/code', answer: showCode },
  { method: 'POST', path: '/login/verify', answer: takeTypedCode },
  { method: 'POST', path: '/login/provider', answer: goToProvider },
  { method: 'GET', path: '/login/callback', answer: showBack },
  { method: 'POST', path: '/login/callback', answer: comeBack },
  { method: 'POST', path: '/logout', answer: logOut },
];
