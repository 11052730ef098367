import { table } from '../bench/ratio.ts';
import type { Bill } from './bill.ts';
import { ASSUMED, type Assumed } from './mix.ts';
import { type Line, sumOf } from './model.ts';
import { NAIVE_STATES } from './naive.ts';

const CHECKPOINTS = ['signings', 'checkpoint-puts', 'checkpoint-reads'];

/** Sums of thirds are not quite whole. */
const isWhole = (value: number) => Math.abs(value - Math.round(value)) < 1e-6;
const number = (value: number) =>
  value >= 1_000 || (value >= 1 && isWhole(value)) ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
const usd = (value: number, digits = 4) => value.toFixed(digits);

/** Prices that were not read from AWS's own list are marked. */
function unitPrice({ price }: Line): string {
  const per = price.per === 1 ? '' : ` / ${price.per.toLocaleString('en-US')}`;
  return `${price.usd}${per}${price.verified ? '' : ' (unverified)'}`;
}

function bill(title: string, lines: readonly Line[], digits = 4): string[] {
  const shown = lines.filter(({ quantity }) => quantity > 0);
  const rows = table([
    [title, 'quantity', 'unit', 'USD for a unit', 'USD'],
    ...shown.map((line) => [line.item, number(line.quantity), line.price.unit, unitPrice(line), usd(line.usd, digits)]),
    ['Total', '', '', '', usd(sumOf(lines), digits)],
  ]);
  const from = ['counted from', ...shown.map((line) => line.from), ''];
  return rows.map((row, index) => `${row}  ${from[index]}`.trimEnd());
}

/** Ours beside the naive design, line by line. */
function comparison(ours: readonly Line[], naive: readonly Line[]): string[] {
  return table([
    ['1,000 changes, USD', 'ours', 'naive'],
    ...ours
      .map((line) => ({ line, other: naive.find(({ id }) => id === line.id) }))
      .map(({ line, other }) => [line.item, usd(line.usd), usd(other?.usd ?? 0)]),
    ['Total', usd(sumOf(ours)), usd(sumOf(naive))],
  ]);
}

export function report(
  { changes, inSlack, naive, rest, kinds, readsPerReading, byMinutes, byPace, goals }: Bill,
  assumed: Assumed,
): string[] {
  return [
    ...bill('1,000 changes above the fixed cost', changes),
    `Signed checkpoints are ${usd(sumOf(changes.filter(({ id }) => CHECKPOINTS.includes(id))))} of it, and the time of their function.`,
    `Asked in Slack alone (notifications.mails: unless-slack): ${usd(sumOf(inSlack))}. Mails cost what SES takes for each who is asked.`,
    '',
    ...table([
      ['kind of change', 'of 1,000', 'states entered', 'naive', 'AWS reads', 'USD for 1,000'],
      ...kinds.map((kind) => [
        kind.name,
        number(kind.perThousand),
        number(kind.states),
        number(kind.naiveStates),
        number(kind.awsReads),
        usd(kind.usdPerThousand),
      ]),
    ]),
    `One reading of an endpoint takes at most ${readsPerReading} AWS reads with nothing remembered.`,
    '',
    ...bill('A month at rest', rest, 2),
    '',
    `The naive design: ${NAIVE_STATES.length} states (${NAIVE_STATES.join(', ')}), a Lambda for each but the choice.`,
    ...comparison(changes, naive),
    '',
    ...table([
      ['if a deployment takes', 'USD for 1,000', 'in Slack', 'of naive'],
      ...byMinutes.map(({ minutes, usdPerThousand, usdInSlack, ofNaive }) => [
        `${minutes} min`,
        usd(usdPerThousand),
        usd(usdInSlack),
        usd(ofNaive, 2),
      ]),
    ]),
    '',
    ...table([
      ['if 1,000 changes come within', 'USD, by mail', 'in Slack'],
      ...byPace.map(({ within, usdPerThousand, usdInSlack }) => [within, usd(usdPerThousand), usd(usdInSlack)]),
    ]),
    '',
    'Assumed, not counted:',
    ...Object.entries(ASSUMED).map(([name, { why }]) => `  ${name} ${assumed[name as keyof Assumed]}: ${why}`),
    '',
    ...table([
      ['goal', 'is', 'at most', ''],
      ...goals.map(({ name, value, goal, met }) => [name, usd(value, 3), String(goal), met ? 'met' : 'MISSED']),
    ]),
  ];
}
