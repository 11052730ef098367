import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as showConsole from '../functions/show-console.ts';
import * as takeAnswers from '../functions/take-answers.ts';
import * as takePlans from '../functions/take-plans.ts';
import { type Route, routeFor } from '../web/routing.ts';

/** A function of the HTTP API; the one that takes answers needs all that any of them does. */
type Answering = { ROUTES: readonly Route<unknown>[]; respond: typeof takeAnswers.respond };

const FUNCTIONS: readonly Answering[] = [showConsole, takeAnswers, takePlans];

/** Every address there is. */
export const ROUTES = FUNCTIONS.flatMap((each) => each.ROUTES);

function knows({ ROUTES: own }: Answering, { rawPath, requestContext }: APIGatewayProxyEventV2): boolean {
  const found = routeFor(own, requestContext.http.method, rawPath);
  return 'route' in found || found.status === 405;
}

/** As API Gateway does it: a request goes to the function that has its route. What nobody has, the first one is asked. */
export const respond: Answering['respond'] = (event, services) =>
  (FUNCTIONS.find((each) => knows(each, event)) ?? showConsole).respond(event, services);
