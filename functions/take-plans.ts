import { planRoutes } from '../console/plan-routes.ts';
import { respondWith } from '../console/respond.ts';
import type { Planning, Route } from '../console/visit.ts';
import { waiverRoutes } from '../console/waiver-routes.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { lambda } from '../shared/lambda.ts';

/** Plans and waivers, which come from programs and the command line. */
export const ROUTES: readonly Route<Planning>[] = [...planRoutes, ...waiverRoutes];

export const respond = respondWith(ROUTES);

/** Called by AWS. */
export const handler = lambda({ dynamodb, secrets, sfn }, respond);
