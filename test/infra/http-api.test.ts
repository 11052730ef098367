import { beforeAll, describe, expect, test } from 'vitest';
import * as showConsole from '../../functions/show-console.ts';
import * as takeAnswers from '../../functions/take-answers.ts';
import * as takePlans from '../../functions/take-plans.ts';
import { REQUEST_ACTIONS } from '../../web/links.ts';
import { ofType, readTemplate, type Template } from './packaged.ts';

let template: Template;
beforeAll(async () => {
  template = await readTemplate('prod');
}, 180_000);

const BY_CODE = 'the code from the mailbox of an approver says who it is; without it nothing happens';

const BY_SESSION = 'the function asks for the session of an approver, and sends everybody else to the login';
const BY_FORM = 'the function asks for a session, and for a form of a page of that session';

/** Routes that anybody may call, and why. */
const OPEN: Record<string, string> = {
  'GET /': BY_SESSION,
  'GET /changes': BY_SESSION,
  'GET /changes.csv': BY_SESSION,
  'GET /endpoints/{account}/{region}/{endpoint}': BY_SESSION,
  'GET /changes/{account}/{region}/{endpoint}/{generation}': BY_SESSION,
  'GET /plans/{account}/{region}/{endpoint}/{generation}': BY_SESSION,
  'GET /cost': BY_SESSION,
  'GET /quarantine': BY_SESSION,
  'GET /approvals': BY_SESSION,
  'GET /approvals/{id}': BY_SESSION,
  ...Object.fromEntries(REQUEST_ACTIONS.map((action) => [`POST /approvals/{id}/${action}`, BY_FORM])),
  'GET /login': 'it is where one logs in',
  'POST /login/code': 'it mails a code to an approver, a few an hour, and tells nobody whether it did',
  'GET /login/code': 'it is where the code is typed',
  'POST /login/verify': 'the code and the browser that asked for it say who it is',
  'POST /login/provider': 'it sends the browser to the login provider',
  'GET /login/callback': 'it is where the provider sends the browser back to; it only shows',
  'POST /login/callback': 'what the provider signed says who it is',
  'POST /logout': BY_FORM,
  'POST /slack/interactions': 'Slack signs what it sends, and who pressed is looked up among the approvers',
  'POST /token/plans': 'the access token says that it may; without one in the gate nobody may',
  'GET /token/plans/{account}/{region}/{endpoint}/{generation}': 'the access token, too',
  'POST /code': 'it mails a code to an approver, a few an hour, and tells nobody whether it did',
  'POST /code/approvals/{id}/answer': BY_CODE,
  'POST /code/approvals/{id}/comment': BY_CODE,
  'POST /code/approvals/{id}/withdraw': BY_CODE,
  'POST /code/approvals/{id}/again': BY_CODE,
  'POST /code/approvals/{id}/review': BY_CODE,
  'POST /code/waivers/{account}/{region}/{endpoint}/grant': BY_CODE,
  'POST /code/waivers/{account}/{region}/{endpoint}/revoke': BY_CODE,
  'POST /changes/{account}/{region}/{endpoint}/{generation}/put-back': BY_FORM,
  'POST /code/changes/{account}/{region}/{endpoint}/{generation}/put-back': BY_CODE,
  'GET /style.css': 'it is in the source',
  'GET /health': 'it says nothing but that it is there',
};

describe('the HTTP API', () => {
  const FUNCTIONS = {
    ShowConsoleLambdaFunction: showConsole.ROUTES,
    TakeAnswersLambdaFunction: takeAnswers.ROUTES,
    TakePlansLambdaFunction: takePlans.ROUTES,
  };
  const routes = () => ofType(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
  /** The function that answers a route. */
  const behind = ({ Target }: { Target: { 'Fn::Join': [string, (string | { Ref: string })[]] } }) => {
    const integration = Target['Fn::Join'][1].find((part) => typeof part === 'object');
    return template.Resources[integration?.Ref ?? '']?.Properties.IntegrationUri['Fn::GetAtt'][0] as string;
  };

  test.each(Object.entries(FUNCTIONS))('has the routes of %s, and no other', (id, own) => {
    expect(
      routes()
        .filter((route) => behind(route as never) === id)
        .map(({ RouteKey }) => RouteKey)
        .sort(),
    ).toEqual(own.map(({ method, path }) => `${method} ${path}`).sort());
    expect(own.length).toBeGreaterThan(7);
  });
  test('has no route besides', () => {
    const all = Object.values<readonly unknown[]>(FUNCTIONS).flat();
    expect(routes().length).toBe(all.length);
  });
  test('leaves everything that is about one address to one function', () => {
    const paths = Object.values(FUNCTIONS).map((own) => new Set(own.map(({ path }) => path)));
    expect(paths.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(paths.flatMap((each) => [...each])).size);
  });
  test('asks who is calling on every route, except where a reason is given', () => {
    const open = routes().filter(({ AuthorizationType = 'NONE' }) => AuthorizationType === 'NONE');
    expect(open.map(({ RouteKey }) => RouteKey).sort()).toEqual(Object.keys(OPEN).sort());
    for (const { RouteKey, AuthorizationType } of routes())
      if (!(RouteKey in OPEN)) expect(AuthorizationType, RouteKey).toMatch(/^(AWS_IAM|JWT|CUSTOM)$/);
  });
  test('gives the function payloads of format 2.0', () => {
    const integrations = ofType(template, 'AWS::ApiGatewayV2::Integration').map(([, { Properties }]) => Properties);
    expect(integrations.length).toBe(3);
    for (const integration of integrations)
      expect(integration).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
  });
  test('is throttled', () => {
    expect(template.Resources.HttpApiStage?.Properties.DefaultRouteSettings).toEqual({
      ThrottlingBurstLimit: 50,
      ThrottlingRateLimit: 20,
    });
  });
  test('logs the route and not the address, no query string and no header', () => {
    const { DestinationArn, Format } = template.Resources.HttpApiStage?.Properties.AccessLogSettings ?? {};
    expect(DestinationArn).toEqual({ 'Fn::GetAtt': ['AccessLogGroup', 'Arn'] });
    const fields = Object.values(JSON.parse(Format) as Record<string, string>);
    expect(fields.sort()).toEqual([
      '$context.error.responseType',
      '$context.identity.sourceIp',
      '$context.requestId',
      '$context.requestTime',
      '$context.responseLatency',
      '$context.responseLength',
      '$context.routeKey',
      '$context.status',
    ]);
  });
});
