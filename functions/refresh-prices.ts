import * as z from 'zod';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { pricing } from '../shared/aws/clients/pricing.ts';
import { refreshPrices } from '../shared/aws/refresh-prices.ts';
import { task } from '../shared/lambda.ts';

/** At least one region keeps its old prices, because no new ones could be read. The next day tries again. */
export class PricesNotRefreshedError extends Error {
  override readonly name = 'PricesNotRefreshedError';
}

/** Called by EventBridge Scheduler once a day. Reads prices and writes those that are new into the ledger. */
export const { handler, run } = task({
  clients: { dynamodb, pricing },
  input: z.unknown(),
  output: z.strictObject({ regions: z.int(), changed: z.int(), crossings: z.int() }),
  run: async (_event, services) => {
    const results = await refreshPrices(services);
    const failed = results.flatMap((result) => ('error' in result ? [result] : []));
    if (failed.length > 0) {
      const why = failed.map(({ region, error }) => `${region}: ${error.name}: ${error.message}`).join('; ');
      throw new PricesNotRefreshedError(why);
    }
    const read = results.flatMap((result) => ('error' in result ? [] : [result]));
    return {
      regions: read.length,
      changed: read.filter(({ changed }) => changed).length,
      crossings: read.reduce((sum, { crossings }) => sum + crossings.length, 0),
    };
  },
});
