import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A GET of a page as its reader at home sends it to the function. */
export function eventOf(consoleUrl: string, address: string): APIGatewayProxyEventV2 {
  const { host, pathname, search } = new URL(address, consoleUrl);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: { host },
    requestContext: { http: { method: 'GET', path: pathname, sourceIp: '127.0.0.1' } },
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
}
