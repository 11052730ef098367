import { formatUsd, type HourlyCost } from '../shared/model/hourly-cost.ts';
import { type Html, html, type Value } from './html.ts';
import { table } from './table.ts';

/** Instances of the monitors, which come on top while their jobs run. */
function monitors({ monitors: list = [] }: HourlyCost): Value {
  if (list.length === 0) return undefined;
  const each = list.map(
    ({ name, instanceType, instances, hourlyUsd }) =>
      html`<li>${name}: ${instances} x ${instanceType}, ${hourlyUsd === null ? 'not priced' : html`${formatUsd(hourlyUsd)} for each hour that its jobs run`}</li>`,
  );
  return html`<p>Monitoring jobs run on instances of their own, which no sum counts:</p><ul>${each}</ul>`;
}

/** The figures and how they came about; where something has no price, that comes first. */
export function costSection(cost: HourlyCost): Html {
  const { floorUsd, steadyUsd, ceilingUsd, peakUsd, unknown, variants } = cost;
  const scales = floorUsd !== ceilingUsd;
  return html`${
    unknown.length > 0 &&
    html`<div class="notice"><p><strong>The sums leave out what has no known price:</strong></p><ul>${unknown.map((what) => html`<li>${what}</li>`)}</ul></div>`
  }
<p class="figures"><span><b>${formatUsd(floorUsd)}</b> an hour at the lowest instance count</span>
${scales && steadyUsd !== undefined && html`<span><b>${formatUsd(steadyUsd)}</b> as it stands now</span>`}
<span><b>${formatUsd(ceilingUsd)}</b> an hour at the highest</span>
${peakUsd !== undefined && html`<span><b>${formatUsd(peakUsd)}</b> at most while it replaces what ran before</span>`}</p>
${
  variants.length > 0 &&
  table(
    'Cost by variant',
    [
      { head: 'Variant', cell: ({ variant }) => variant },
      { head: 'How', cell: ({ explanation }) => explanation },
      { head: 'Lowest an hour', narrow: true, cell: (each) => formatUsd(each.floorUsd) },
      { head: 'Highest an hour', narrow: true, cell: (each) => formatUsd(each.ceilingUsd) },
    ],
    variants,
  )
}
${monitors(cost)}
<p class="muted">${cost.pricesSource} as of ${cost.pricesAsOf}; instances only, without storage and traffic.</p>`;
}
