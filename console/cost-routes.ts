import { readCostReport } from '../shared/aws/cost-report.ts';
import { costPage } from '../web/cost-page.ts';
import { pageReply } from '../web/reply.ts';
import type { Route, Showing } from './visit.ts';

/** What the environments cost, for anybody who may read the console. */
export const costRoutes: readonly Route<Showing>[] = [
  {
    method: 'GET',
    path: '/cost',
    answer: async ({ services }) => pageReply(costPage(await readCostReport(services))),
  },
];
