import { approvalApiRoutes } from '../console/approval-api-routes.ts';
import { approvalRoutes } from '../console/approval-routes.ts';
import { putBackRoutes } from '../console/put-back-routes.ts';
import { respondWith } from '../console/respond.ts';
import { slackRoutes } from '../console/slack-routes.ts';
import type { Answering, Route } from '../console/visit.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { kms } from '../shared/aws/clients/kms.ts';
import { secrets } from '../shared/aws/clients/secrets.ts';
import { ses } from '../shared/aws/clients/ses.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { lambda } from '../shared/lambda.ts';

/** Requests for approval and what people answer, on pages, in Slack and with programs; and what they want put back. */
export const ROUTES: readonly Route<Answering>[] = [
  ...approvalRoutes,
  ...approvalApiRoutes,
  ...putBackRoutes,
  ...slackRoutes,
];

export const respond = respondWith(ROUTES);

/** Called by AWS. */
export const handler = lambda({ dynamodb, kms, secrets, ses, sfn }, respond);
