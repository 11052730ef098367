import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { streamOf } from '../model/endpoint-ref.ts';
import type { LedgerRecord, RecordOf } from '../model/ledger-record.ts';
import { withLivePrices } from '../model/live-prices.ts';
import type { RegionPrices } from '../model/price-table.ts';
import type { PolicySettings } from '../policies/settings.ts';
import { gateStream } from './gate-stream.ts';
import { placesOf } from './member-accounts.ts';
import type { With } from './services.ts';

/** Where the prices of a region are on record. */
export const priceStream = (services: With, region: string) =>
  gateStream(services, 'settings', `live-prices-${region}`);

/** Regions whose endpoints the gate looks after. */
export const regionsOf = (services: With): string[] => [...new Set(placesOf(services).map(({ region }) => region))];

/** The newest record of a region's prices; undefined where none were ever read. */
export async function readLivePrices(
  services: With<'dynamodb'>,
  region: string,
): Promise<RecordOf<'prices-read'> | undefined> {
  const { Items = [] } = await services.dynamodb.send(
    new QueryCommand({
      TableName: services.config.tables.ledger,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: streamOf(priceStream(services, region)) } },
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: 1,
    }),
  );
  const { body } = JSON.parse(Items[0]?.record?.S ?? '{}') as Partial<LedgerRecord>;
  return body?.kind === 'prices-read' ? body : undefined;
}

/** Does the owner of the gate want prices that were read, or are theirs the ones that count? */
export const wantsLivePrices = ({ config }: With): boolean =>
  config.file.prices.live && config.file.prices.file === undefined;

// Whoever asks for the same prices again is given the same settings: digests and costs are kept by them.
const made = new WeakMap<PolicySettings, { of: string; settings: PolicySettings }>();

/** The limits and the prices that count now: those that were read, where there are any, or else the table's. */
export async function settingsNow(services: With<'dynamodb'>): Promise<PolicySettings> {
  const own = services.config.policySettings;
  if (!wantsLivePrices(services)) return own;
  const live = await services.cache.get('live-prices', async () => {
    const found = await Promise.all(regionsOf(services).map((region) => readLivePrices(services, region)));
    return found.filter((each) => each !== undefined);
  });
  const of = live.map(({ region, asOf, generation }) => `${region} ${asOf} ${generation}`).join(',');
  if (of === '') return own;
  const known = made.get(own);
  if (known?.of === of) return known.settings;
  const tables = live.map(({ region, asOf, source, prices, processing, asynchronous }): [string, RegionPrices] => [
    region,
    { asOf, source, prices, ...(processing && { processing }), ...(asynchronous && { asynchronous }) },
  ]);
  const settings = { ...own, prices: withLivePrices(own.prices, Object.fromEntries(tables)) };
  made.set(own, { of, settings });
  return settings;
}
