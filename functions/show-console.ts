import { changeRoutes } from '../console/change-routes.ts';
import { costRoutes } from '../console/cost-routes.ts';
import { endpointRoutes } from '../console/endpoint-routes.ts';
import { loginRoutes } from '../console/login-routes.ts';
import { overviewRoutes } from '../console/overview-routes.ts';
import { respondWith } from '../console/respond.ts';
import type { Route, Showing } from '../console/visit.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { lambda } from '../shared/lambda.ts';
import { jsonReply, styleReply } from '../web/reply.ts';

/** Looking around, and logging in and out. Nothing here writes to the ledger. */
export const ROUTES: readonly Route<Showing>[] = [
  ...overviewRoutes,
  ...changeRoutes,
  ...endpointRoutes,
  ...costRoutes,
  ...loginRoutes,
  { method: 'GET', path: '/style.css', answer: async () => styleReply() },
  { method: 'GET', path: '/health', answer: async () => jsonReply({ status: 'ok' }) },
];

export const respond = respondWith(ROUTES);

/** Called by AWS. */
export const handler = lambda({ dynamodb, secrets, ses }, respond);
