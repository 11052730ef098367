import { formatUsd, type HourlyCost } from '../shared/model/hourly-cost.ts';
import { type Html, html } from './html.ts';
import { table } from './table.ts';

/** Two figures and how they came about; where something has no price, that comes first. */
export function costSection(cost: HourlyCost): Html {
  const { floorUsd, ceilingUsd, unknown, variants } = cost;
  return html`${
    unknown.length > 0 &&
    html`<div class="notice"><p><strong>The sums leave out what has no known price:</strong></p><ul>${unknown.map((what) => html`<li>${what}</li>`)}</ul></div>`
  }
<p class="figures"><span><b>${formatUsd(floorUsd)}</b> an hour at the lowest instance count</span>
<span><b>${formatUsd(ceilingUsd)}</b> an hour at the highest</span></p>
${
  variants.length > 0 &&
  table(
    'Cost by variant',
    [
      { head: 'Variant', cell: ({ variant }) => variant },
      { head: 'How', cell: ({ explanation }) => explanation },
      { head: 'Lowest', narrow: true, cell: (each) => formatUsd(each.floorUsd) },
      { head: 'Highest', narrow: true, cell: (each) => formatUsd(each.ceilingUsd) },
    ],
    variants,
  )
}
<p class="muted">${cost.pricesSource} as of ${cost.pricesAsOf}; instances only, without storage and traffic.</p>`;
}
