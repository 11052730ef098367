import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../functions/http-api.ts';
import { ofType, readTemplate, type Template } from './packaged.ts';

let template: Template;
beforeAll(async () => {
  template = await readTemplate('prod');
}, 180_000);

/** Routes that anybody may call, and why. */
const OPEN: Record<string, string> = {
  'GET /approvals/{id}':
    'approvers come from a mail; the id of 130 bits is what lets them look, and looking changes nothing',
  'POST /approvals/{id}': 'the personal code in the mail says who decides; without it nothing is decided',
  'GET /style.css': 'it is in the source',
  'GET /health': 'it says nothing but that it is there',
};

describe('the HTTP API', () => {
  const routes = () => ofType(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);

  test('has the routes of the function, and no other', () => {
    expect(
      routes()
        .map(({ RouteKey }) => RouteKey)
        .sort(),
    ).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
    expect(routes().length).toBeGreaterThan(7);
  });
  test('asks who is calling on every route, except where a reason is given', () => {
    const open = routes().filter(({ AuthorizationType = 'NONE' }) => AuthorizationType === 'NONE');
    expect(open.map(({ RouteKey }) => RouteKey).sort()).toEqual(Object.keys(OPEN).sort());
    for (const { RouteKey, AuthorizationType } of routes())
      if (!(RouteKey in OPEN)) expect(AuthorizationType, RouteKey).toMatch(/^(AWS_IAM|JWT|CUSTOM)$/);
  });
  test('gives the function payloads of format 2.0', () => {
    const integrations = ofType(template, 'AWS::ApiGatewayV2::Integration').map(([, { Properties }]) => Properties);
    expect(integrations).toMatchObject([
      {
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: { 'Fn::GetAtt': ['HttpApiLambdaFunction', 'Arn'] },
        PayloadFormatVersion: '2.0',
      },
    ]);
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
