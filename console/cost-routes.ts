import { readCostReport } from '../shared/aws/cost-report.ts';
import { costPage } from '../web/cost-page.ts';
import { pageReply } from '../web/reply.ts';
import type { Route } from './visit.ts';

/** What the environments cost, for anybody who may read the console. */
export const costRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/cost',
    answer: async ({ services }) => pageReply(costPage(await readCostReport(services))),
  },
];
