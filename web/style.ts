/** Ink and paper for both schemes; [text, background] by tone. A test holds every pair to WCAG AA. */
export const PALETTE = {
  light: {
    canvas: '#f6f6f4',
    paper: '#ffffff',
    ink: '#1b1d20',
    muted: '#585d65',
    line: '#dcddda',
    edge: '#80858d',
    good: ['#155d33', '#e2f2e7'],
    bad: ['#96201d', '#fbe7e4'],
    ask: ['#6f4600', '#fcefcf'],
    note: ['#1d4b86', '#e4eefa'],
    plain: ['#474b52', '#e9e9e6'],
  },
  dark: {
    canvas: '#131416',
    paper: '#1a1c1f',
    ink: '#e9e9e6',
    muted: '#a5a9b0',
    line: '#33363b',
    edge: '#7d828a',
    good: ['#93d9ad', '#16301f'],
    bad: ['#ffaba2', '#3d1a18'],
    ask: ['#f3c97d', '#392b0e'],
    note: ['#a3c8f7', '#162b45'],
    plain: ['#c2c5ca', '#2b2e32'],
  },
} as const;

function variables(colours: (typeof PALETTE)['light' | 'dark']): string {
  return Object.entries(colours)
    .map(([name, value]) =>
      typeof value === 'string' ? `--${name}:${value};` : `--${name}:${value[0]};--${name}-bg:${value[1]};`,
    )
    .join('');
}

/** The one stylesheet. Colour is for outcomes only; everything else is ink on paper. */
export const style = `
:root { color-scheme: light dark; ${variables(PALETTE.light)}
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; }
@media (prefers-color-scheme: dark) { :root { ${variables(PALETTE.dark)} } }

*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--canvas); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
  overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
h1, h2, h3 { line-height: 1.2; margin: 0; text-wrap: balance; letter-spacing: -.012em; }
h1 { font-size: clamp(1.5rem, 1.2rem + 1.6vw, 2.1rem); font-weight: 650; }
h1 .muted { font-weight: 400; white-space: nowrap; }
h1 .name { display: inline-block; max-width: 100%; }
h2 { font-size: 1.2rem; font-weight: 640; margin: 0 0 .75rem; }
h3 { font-size: 1rem; font-weight: 640; }
p, ul, ol, dl, pre { margin: 0 0 .75rem; }
p { max-width: 68ch; }
section { margin-top: 2.5rem; }
h3:has(+ table) { margin: 1.5rem 0 .75rem; }
a { color: inherit; text-decoration-thickness: 1px; text-underline-offset: .18em; text-decoration-color: var(--edge); }
a:hover { text-decoration-color: currentColor; text-decoration-thickness: 2px; }
code, pre { font-family: var(--mono); font-size: .875em; }
pre { white-space: pre-wrap; }
q { font-style: italic; quotes: "\\201C" "\\201D"; }
:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; border-radius: 3px; }
[tabindex="-1"]:focus { outline: none; }
.muted, .hint { color: var(--muted); }
small, .hint { font-size: .875rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.plain { list-style: none; padding: 0; margin: 0; }
.plain > li + li { margin-top: .35rem; }

.skip { position: absolute; left: -100vw; top: .5rem; background: var(--ink); color: var(--paper); padding: .5rem .9rem; border-radius: 4px; z-index: 1; }
.skip:focus { left: .5rem; }
.top, main, .foot { padding-inline: max(clamp(1rem, 4vw, 2.25rem), calc((100% - 70rem) / 2)); }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 2rem; padding-block: .8rem; border-bottom: 1px solid var(--line); }
.brand { display: inline-flex; align-items: center; gap: .55rem; font-weight: 680; letter-spacing: -.01em; text-decoration: none; }
.top ul { display: flex; gap: .25rem; list-style: none; margin: 0; padding: 0; }
.top nav { margin-left: -.7rem; }
.top nav a { display: block; padding: .4rem .7rem; white-space: nowrap; text-decoration: none; color: var(--muted); border-radius: 5px; }
.top nav a:hover, .top nav a[aria-current] { color: var(--ink); }
.top nav a[aria-current] { font-weight: 600; box-shadow: inset 0 -2px 0 var(--ink); border-radius: 0; }
main { padding-block: clamp(1.5rem, 4vw, 2.75rem) 3rem; min-height: 70vh; }
.foot { padding-block: 1rem 2rem; border-top: 1px solid var(--line); color: var(--muted); font-size: .875rem; }
.foot p { margin: 0; }
.crumb { margin-bottom: .35rem; font-size: .9375rem; color: var(--muted); }
.crumb::before { content: "\\2190\\00a0"; }
.lead { margin: .6rem 0 1.5rem; font-size: 1.0625rem; color: var(--muted); }
.lead .badge { margin-right: .3rem; }
.lead:has(+ .gist) { margin-bottom: .5rem; }
.gist { margin-bottom: .8rem; }

.badge { display: inline-block; padding: .08em .65em .1em; border-radius: 99px; font-size: .875rem; font-weight: 600; line-height: 1.5; white-space: nowrap; color: var(--plain); background: var(--plain-bg); }
.badge::before { content: ""; display: inline-block; width: .52em; height: .52em; margin-right: .45em; vertical-align: .06em; background: currentColor; border-radius: 50%; }
.badge.good { color: var(--good); background: var(--good-bg); }
.badge.bad { color: var(--bad); background: var(--bad-bg); }
.badge.bad::before { border-radius: 0; }
.badge.ask { color: var(--ask); background: var(--ask-bg); }
.badge.ask::before { border-radius: 0; transform: rotate(45deg); }
.badge.note { color: var(--note); background: var(--note-bg); }
.badge.note::before { background: none; border: 2px solid currentColor; }
.badge.plain::before { height: 2px; vertical-align: .25em; border-radius: 0; }
a > .badge { text-decoration: underline; }

.summary { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15.5rem), 1fr)); gap: 1rem 1.75rem; margin: 0 0 1.25rem; }
.summary dt { font-size: .875rem; color: var(--muted); }
.summary dd { margin: 0; }
.glance { margin: 0 0 1.5rem; font-size: .9375rem; line-height: 1.42; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.glance > div { display: grid; grid-template-columns: 5.25rem minmax(0, 1fr); gap: 0 .75rem; padding: .32rem .9rem; }
.glance > div + div { border-top: 1px solid var(--line); }
.glance dt { color: var(--muted); font-size: .875rem; line-height: 1.52; }
.glance dd { margin: 0; }
.glance .badge { font-size: .8125rem; }
.tight > li + li { margin-top: .1rem; }
.slim { max-width: 30rem; }
.slim .panel { margin-bottom: 1rem; }
.slim .decide, .panel h2 + .decide, .slim details .decide { margin-top: 0; padding-top: 0; border-top: 0; }
.card, .panel { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.15rem; }
.card { margin: 0 0 .75rem; }
.card h3 { margin-bottom: .75rem; }
.card .summary { margin: 0; }
.card > :last-child, .panel > :last-child { margin-bottom: 0; }
.empty { padding: 2.25rem 1.15rem; border: 1px dashed var(--edge); border-radius: 8px; color: var(--muted); text-align: center; max-width: none; }
.notice { border-left: 3px solid var(--edge); padding: .15rem 0 .15rem .85rem; margin: 0 0 .9rem; }
.notice ul { padding-left: 1.1rem; margin: 0; }
.notice p { margin-bottom: .25rem; }
.alert { background: var(--bad-bg); color: var(--bad); border: 1px solid currentColor; border-left-width: 5px; border-radius: 6px; padding: .8rem 1rem; margin-bottom: 1.5rem; }
.alert p { margin: 0; max-width: none; }

table { width: 100%; border-collapse: collapse; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; border-spacing: 0; margin: 0 0 .9rem; }
th, td { text-align: left; vertical-align: top; padding: .65rem .9rem; border-top: 1px solid var(--line); font-weight: 400; }
thead th { border-top: 0; font-size: .875rem; color: var(--muted); font-weight: 500; white-space: nowrap; }
th small, td small { display: block; }
td p { margin: 0; }
tbody th > div { min-width: 10rem; }
@media (min-width: 64rem) { .changes tbody th > div { min-width: 16.5rem; } }
.nowrap { white-space: nowrap; }
td > div { min-width: 7.5rem; }
td.narrow > div { min-width: 0; }
.dense { margin-bottom: 1.25rem; }
.dense table { table-layout: fixed; }
.dense :is(th, td) { padding-block: .35rem; }
.dense :is(th, td) > div { min-width: 0; }
.dense thead th:first-child { width: 30%; }
.dense h3 { margin: 1.1rem 0 .45rem; }
time { white-space: nowrap; }
tbody tr:hover { background: color-mix(in srgb, var(--canvas) 60%, transparent); }

.filter { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; margin: 0 0 1.25rem; }
.filter label { display: grid; gap: .2rem; font-size: .875rem; color: var(--muted); }
.filter a { padding-block: .45rem; }
input, select, textarea, button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--edge); border-radius: 6px; padding: .45rem .7rem; min-height: 2.5rem; max-width: 100%; }
.button { display: inline-block; border: 1px solid var(--ink); border-radius: 6px; padding: .45rem 1.1rem; font-weight: 600; text-decoration: none; }
button { font-weight: 600; cursor: pointer; padding-inline: 1.1rem; }
button:hover { background: var(--canvas); box-shadow: inset 0 0 0 1px var(--edge); }
button.primary { background: var(--ink); color: var(--paper); border-color: var(--ink); }
button.primary:hover { background: color-mix(in srgb, var(--ink) 85%, var(--paper)); }
[hidden] { display: none; }

.columns { display: grid; gap: 2rem 2.5rem; }
.columns > * { min-width: 0; }
.panel h2 { margin-bottom: .6rem; }
.decide { margin-top: 1.1rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
.decide label { font-weight: 600; }
.decide .hint { margin: 0 0 .35rem; }
.decide input, .decide textarea { width: 100%; margin-bottom: .9rem; display: block; }
.decide textarea { resize: vertical; }
.decide .tick { display: flex; gap: .6rem; align-items: start; font-weight: 400; margin-bottom: .9rem; }
.decide .tick input { width: 1.25rem; min-height: 1.25rem; margin: .15rem 0 0; flex: none; }
.more { margin-top: .9rem; padding-top: .5rem; border-top: 1px solid var(--line); }
.more .decide { margin-top: .5rem; padding-top: 0; border-top: 0; }
#code { font-family: var(--mono); letter-spacing: .06em; text-transform: uppercase; }
.buttons { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.answered { list-style: none; padding: 0; }
.answered li + li { margin-top: .6rem; }
.answers { display: grid; gap: .75rem; }
.answers div { display: grid; grid-template-columns: 6rem 1fr; gap: .25rem 1rem; max-width: 72ch; }
.answers dt { font-weight: 600; }
.answers dd { margin: 0; }
@media (min-width: 64rem) {
  .columns { grid-template-columns: minmax(0, 1fr) 22rem; align-items: start; }
  .columns > .panel { position: sticky; top: 1rem; max-height: calc(100vh - 2rem); overflow: auto; }
  .jump { display: none; }
}

.findings { list-style: none; padding: 0; margin: 0 0 .9rem; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.findings li { padding: .85rem 1.1rem; }
.findings li + li { border-top: 1px solid var(--line); }
.findings p { margin: .3rem 0 0; }
.finding-head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center; }
.statement { font-weight: 560; }
details > summary { cursor: pointer; padding: .4rem 0; width: fit-content; text-decoration: underline; text-decoration-color: var(--edge); text-underline-offset: .18em; }
.raw > summary { font-size: .875rem; color: var(--muted); }
.raw pre { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .8rem; white-space: pre; overflow: auto; max-height: 28rem; font-size: .8125rem; line-height: 1.45; overflow-wrap: normal; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; max-width: none; }
.figures b { font-size: 1.45rem; font-weight: 650; letter-spacing: -.015em; display: block; line-height: 1.25; }
.digest { max-width: none; margin-bottom: .25rem; }
.cards { display: grid; gap: .75rem; }
.cards > li { margin: 0; min-width: 0; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(6.5rem, 100%), 1fr)); gap: .75rem; list-style: none; padding: 0; margin: 1.25rem 0 0; }
.tiles a { display: block; height: 100%; padding: .8rem 1.1rem; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; text-decoration: none; }
.tiles a:hover { border-color: var(--edge); }
.tiles b { display: block; font-size: 1.9rem; font-weight: 660; letter-spacing: -.02em; line-height: 1.2; }
.tiles span { color: var(--muted); font-size: .9375rem; }
.tasks { list-style: none; padding: 0; margin: 0 0 .75rem; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.tasks li { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .2rem 1rem; align-items: baseline; padding: .6rem 1.1rem; }
.tasks li + li { border-top: 1px solid var(--line); }
.tasks .badge { justify-self: start; }
.tasks strong { margin-right: .5rem; font-weight: 600; }
.now { margin-top: 2rem; }
.charts { display: grid; gap: 1rem; }
.charts > * { min-width: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.15rem; }
.charts .chart { margin: 0; }
@media (min-width: 56rem) { .charts { grid-template-columns: 1fr 1fr; } .charts .wide-chart, .charts > :last-child:nth-child(even) { grid-column: 1 / -1; } }
.presets { display: flex; flex-wrap: wrap; gap: .4rem .5rem; list-style: none; padding: 0; margin: 0 0 1.25rem; font-size: .875rem; }
.presets a { display: inline-block; padding: .2rem .75rem; border: 1px solid var(--line); border-radius: 99px; background: var(--paper); color: var(--muted); text-decoration: none; }
.presets a:hover { border-color: var(--edge); color: var(--ink); }
.presets a[aria-current] { background: var(--ink); border-color: var(--ink); color: var(--paper); }
.filter .grow { flex: 2 1 14rem; }
.filter .actions { display: flex; gap: 1rem; align-items: center; }
.more-filters { flex: 0 1 auto; }
.more-filters > summary { padding: .45rem 0; }
.more-filters[open] { flex: 1 0 100%; order: 1; }
.more-filters > div { display: flex; flex-wrap: wrap; gap: .75rem 1rem; }
.paging { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; margin: 1rem 0; }
.proof { display: grid; gap: .15rem; margin: .2rem 0 .5rem; font-size: .8125rem; }
.proof > div { display: grid; grid-template-columns: 5rem minmax(0, 1fr); gap: .5rem; }
.proof dt { color: var(--muted); }
.proof dd { margin: 0; }
.what-changed { margin-top: .35rem; }

.chart { margin: 0 0 1.25rem; }
.chart figcaption { margin-bottom: .6rem; }
.chart figcaption strong { font-weight: 640; display: block; }
.chart figcaption span { color: var(--muted); font-size: .9375rem; }
.chart svg { display: block; overflow: visible; }
.chart .inks { position: absolute; }
.chart text { font-size: .75rem; fill: var(--muted); }
.chart .grid { stroke: var(--line); }
.chart .base { stroke: var(--edge); }
.chart .limit { stroke: var(--ink); stroke-width: 2; }
.chart .track { fill: var(--canvas); }
.tone-good { color: var(--good); }
.tone-bad { color: var(--bad); }
.tone-ask { color: var(--ask); }
.tone-note { color: var(--note); }
.tone-plain { color: var(--plain); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; padding: 0; margin: 0 0 .7rem; font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: .4rem; }
.plot { display: grid; grid-template-columns: 36px minmax(0, 1fr); margin-bottom: .35rem; }
.bars { list-style: none; padding: 0; margin: 0 0 .35rem; display: grid; grid-template-columns: minmax(4.5rem, max-content) minmax(0, 1fr) max-content; gap: .35rem .9rem; align-items: center; }
.bars li { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center; }
.bar-value { text-align: right; font-size: .9375rem; }
.bar-label { font-size: .9375rem; }
.figures-table > summary { font-size: .875rem; color: var(--muted); }
.figures-table :is(td, th) > div { min-width: 0; }

.timeline { list-style: none; padding: 0; margin: 0; }
.timeline > li { position: relative; display: grid; grid-template-columns: 13.5rem minmax(0, 1fr); gap: 0 2.25rem; padding-bottom: 1.15rem; }
.timeline > li::before { content: ""; position: absolute; left: 14.5rem; top: .6rem; bottom: -.6rem; width: 1px; background: var(--line); }
.timeline > li:last-child::before { display: none; }
.timeline > li::after { content: ""; position: absolute; left: calc(14.5rem - 4px); top: .5rem; width: 9px; height: 9px; border-radius: 50%; background: var(--canvas); border: 2px solid var(--edge); }
.timeline p { margin: 0; }
.timeline-time { color: var(--muted); }
.timeline-title { font-weight: 600; }

@media screen and (max-width: 47.99rem) {
  section { margin-top: 2rem; }
  main { padding-top: 1.1rem; }
  .top { padding-block: .5rem 0; gap: 0 2rem; }
  .top nav { margin-left: -.35rem; }
  .top nav a { padding-inline: .35rem; font-size: .875rem; }
  .lead { margin: .4rem 0 1rem; }
  table, tbody, tr, tbody th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: .75rem 1rem; }
  tbody tr + tr { border-top: 1px solid var(--line); }
  tbody th, td { padding: .12rem 0; border: 0; }
  tbody th { padding-bottom: .4rem; }
  td { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .75rem; }
  td::before { content: attr(data-label); color: var(--muted); font-size: .875rem; line-height: 1.7; }
  :is(tbody th, td) > div { min-width: 0; }
  .dense tbody tr { padding-block: .5rem; }
  .dense tbody th { padding-bottom: 0; }
  .dense td { grid-template-columns: 4rem minmax(0, 1fr); }
  .dense tbody tr:not(:has(td + td)) { display: grid; grid-template-columns: 2fr 3fr; gap: .75rem; }
  .dense tr:not(:has(td + td)) td { display: block; }
  .dense tr:not(:has(td + td)) td::before { content: none; }
  .answers div { grid-template-columns: 1fr; }
  .timeline > li { grid-template-columns: minmax(0, 1fr); padding-left: 1.5rem; }
  .timeline > li::before { left: 4px; }
  .timeline > li::after { left: 0; }
  .chart .wide { display: none; }
  .top { position: relative; }
  .top nav { max-width: 100%; margin-inline: -.35rem; }
  .top ul { gap: 0; overflow-x: auto; scrollbar-width: none; padding-inline: 3px; margin-inline: -3px; }
  .top li:last-child { position: absolute; right: .75rem; top: .25rem; }
  .top nav a { padding-block: .3rem .5rem; }
  .top nav a:focus-visible { outline-offset: -3px; }
  .top nav a[aria-current] { scroll-initial-target: nearest; }
  .summary { gap: .35rem; }
  .summary > div { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 .75rem; }
  .summary dt { line-height: 1.8; }
  .card .summary > div { grid-template-columns: 5rem minmax(0, 1fr); }
  .tiles { gap: .5rem; grid-template-columns: 1fr 1fr; }
  .tiles a { padding: .6rem .75rem; }
  .tiles b { font-size: 1.5rem; }
  .tiles span { font-size: .875rem; line-height: 1.35; display: block; }
  .tasks li { grid-template-columns: minmax(0, 1fr); padding: .65rem .9rem; }
  .tasks strong { display: block; }
  .charts > * { padding: .9rem; }
  .figures-table table { display: table; font-size: .8125rem; }
  .figures-table tbody { display: table-row-group; }
  .figures-table tr { display: table-row; }
  .figures-table thead { position: static; display: table-header-group; width: auto; height: auto; clip-path: none; }
  .figures-table :is(thead th, tbody th, td) { display: table-cell; padding: .25rem .2rem; border-top: 1px solid var(--line); white-space: normal; overflow-wrap: normal; }
  .figures-table thead th { font-size: .6875rem; }
  .figures-table td::before { content: none; }
  .filter label { flex: 1 1 9rem; }
  .filter select, .filter input { width: 100%; }
}

@media (max-width: 22rem) { time { white-space: normal; } }

@media print {
  :root { ${variables(PALETTE.light)} color-scheme: light; }
  body { background: none; font-size: 10.5pt; }
  .top nav, .skip, .filter, .presets, .paging, .figures-table, .decide, .more, .login-first, .raw > summary, .raw > pre, .jump { display: none; }
  .columns { display: block; }
  .panel { position: static; max-height: none; margin-top: 2rem; }
  .card, .panel, .glance, .chart, .findings li, tr, .timeline > li { break-inside: avoid; }
  h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .badge { border: 1px solid currentColor; }
  table { font-size: 8.5pt; }
  :is(th, td) { padding: .35rem .5rem; }
  td > div { min-width: 0; }
  tbody th > div, .changes tbody th > div { min-width: 7.5rem; }
  td time { display: inline-block; min-width: 10.5ch; white-space: normal; }
  td .badge, thead th, th small, td small { font-size: 1em; }
}
`;
