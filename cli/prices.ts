import { readLivePrices, regionsOf, wantsLivePrices } from '../shared/aws/live-prices.ts';
import { refreshPrices } from '../shared/aws/refresh-prices.ts';
import { formatUsd } from '../shared/model/hourly-cost.ts';
import { type AwsOptions, servicesOfGate } from './context.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';
import { unreachable } from './unreachable.ts';

type Options = AwsOptions & { json?: boolean };

/** `portcullis prices refresh`: reads the AWS Price List, as the scheduled function does once a day. */
export async function pricesRefresh(options: Options, output: Output): Promise<number> {
  const services = servicesOfGate(options);
  const results = await refreshPrices(services).catch((error) => {
    throw unreachable(error);
  });
  const rows = results.map((result) => {
    if (!('error' in result)) return result;
    // In words that say what to do, where the SDK's say it.
    return { region: result.region, error: unreachable(result.error).message };
  });
  const failed = rows.some((row) => 'error' in row);
  if (options.json) output.out(json(rows));
  else {
    for (const row of rows) {
      if ('error' in row) output.err(`${row.region}: not refreshed; the prices of before count. ${row.error}`);
      else {
        const moved = `${row.moves.length} ${row.moves.length === 1 ? 'price' : 'prices'} moved`;
        output.out(
          `${row.region}: ${row.types} hosting prices as of ${row.asOf}, ${row.changed ? moved : 'the same as before'}.`,
        );
        for (const { endpoint, limit, fromUsd, toUsd, limitUsd } of row.crossings)
          output.out(
            `  ${endpoint?.name ?? 'the whole environment'} rose from ${formatUsd(fromUsd)} to ${formatUsd(toUsd)} an hour, above ${formatUsd(limitUsd)} (${limit}).`,
          );
      }
    }
    if (!wantsLivePrices(services))
      output.out('They do not count: portcullis.yaml has a table of its own (prices.file) or prices.live is false.');
  }
  return failed ? EXIT.couldNotCheck : EXIT.fine;
}

/** `portcullis prices show`: the prices that count, where they come from, and of which day they are. */
export async function pricesShow(options: Options & { type?: string }, output: Output): Promise<number> {
  const services = servicesOfGate(options);
  const region = services.config.region;
  const { prices: shipped } = services.config.policySettings;
  const live = wantsLivePrices(services)
    ? await readLivePrices(services, region).catch((error) => {
        throw unreachable(error);
      })
    : undefined;
  const own = region === shipped.region || services.config.policySettings.pricesAlsoFor.includes(region);
  const from = live ?? (own ? shipped : undefined);
  if (!from) {
    const known = regionsOf(services).join(', ');
    throw new CliError(
      `No prices are known for ${region}. "portcullis prices refresh" reads those of the gate's regions (${known}).`,
    );
  }
  const wanted = Object.entries(from.prices)
    .filter(([type]) => options.type === undefined || type === options.type)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (wanted.length === 0) {
    throw new CliError(`${options.type} has no hosting price in ${region} as of ${from.asOf}: its cost is unknown.`);
  }
  const { asOf, source } = from;
  if (options.json) output.out(json({ region, asOf, source, prices: Object.fromEntries(wanted) }));
  else {
    output.out(`${region}, as of ${asOf}: ${source}`);
    output.out(
      table(
        ['TYPE', 'USD/HOUR'],
        wanted.map(([type, usd]) => [type, String(usd)]),
      ),
    );
  }
  return EXIT.fine;
}
