import type { BundleManifest } from '../shared/model/bundle-manifest.ts';
import { frameEnd, frameStart } from './bundle-frame.ts';
import { type Html, html, type Value } from './html.ts';
import { badge, labelOf, type State } from './labels.ts';
import { summary, table } from './table.ts';
import { time } from './time.ts';

/** One endpoint, or its plans: where its pages are, and how its changes ended. */
export type BundledStream = {
  name: string;
  account: string;
  region: string;
  planned: boolean;
  /** Relative, oldest first. */
  pages: readonly string[];
  changes: number;
  /** Changes by environment and result, such as `prod blocked`. */
  results: ReadonlyMap<string, number>;
};

export type BundleIndex = {
  manifest: Omit<BundleManifest, 'files'>;
  files: readonly { path: string; what: string }[];
  streams: readonly BundledStream[];
  /** What comparing with CloudTrail found, or why nothing was compared. */
  reconciliation: readonly string[];
};

const asked = ({ from, to, endpoint, environment }: BundleManifest['scope']): Value => [
  from === null && to === null ? 'from the beginning to the end' : '',
  from !== null && html`from ${time(from)}`,
  from !== null && to !== null && ' ',
  to !== null && html`before ${time(to)}`,
  endpoint !== null && html`, endpoint ${endpoint.name} (${endpoint.account}, ${endpoint.region})`,
  environment !== null && html`, environment ${environment}`,
];

/** `prod blocked` -> how many, over all streams. */
function totals(streams: readonly BundledStream[]) {
  const sums = new Map<string, number>();
  for (const { results, planned } of streams)
    for (const [what, count] of results) {
      const key = `${planned ? 'plans' : 'changes'} ${what}`;
      sums.set(key, (sums.get(key) ?? 0) + count);
    }
  return [...sums].sort().map(([key, count]) => {
    const [kind = '', environment = '', result = ''] = key.split(' ');
    return { kind, environment, result, count };
  });
}

const resultLabel = (result: string) => (result === 'joined' ? 'Joined another' : labelOf(result as State));
const resultBadge = (result: string) =>
  result === 'joined' ? html`<span class="badge plain">${resultLabel(result)}</span>` : badge(result as State);

/** The page that opens first: how it all ended, whether it is complete, how to prove it, and where each endpoint is told of. */
export function bundleIndexPage({ manifest, files, streams, reconciliation }: BundleIndex): Html {
  const { scope, records, changes, checkpoint, notIncluded, pseudonymised, createdAt, product } = manifest;
  return html`${frameStart({ title: 'Evidence', up: '' })}
<h1>Evidence of what the gate decided</h1>
<p class="lead">${records} records of ${changes} changes, ${asked(scope)}.</p>
${
  pseudonymised &&
  html`<div class="notice"><p><strong>Persons are pseudonymised.</strong> One person is one pseudonym throughout. The hashes are those of the original records: that they exist, whole and in this order, can be proven here; what they say can be proven with the originals only.</p></div>`
}
${summary([
  ['Made', time(createdAt, 'seconds')],
  ['By', `Portcullis ${product.version}`],
  ['Newest checkpoint', checkpoint ? html`${checkpoint.number} of ${time(checkpoint.at, 'seconds')}` : 'none'],
  ['Records in checkpoints', checkpoint && String(checkpoint.total)],
])}
<section><h2>How changes ended</h2>
${
  changes > 0
    ? table(
        'Changes by environment and result',
        [
          { head: 'Environment', cell: ({ environment }) => environment },
          { head: 'What', cell: ({ kind }) => kind },
          { head: 'Ended', cell: ({ result }) => resultBadge(result) },
          { head: 'How many', narrow: true, cell: ({ count }) => count },
        ],
        totals(streams),
      )
    : html`<p class="empty">There is no change in it.</p>`
}</section>
<section><h2>Is it complete?</h2>
${reconciliation.map((line) => html`<p>${line}</p>`)}
${
  notIncluded.length > 0 &&
  html`<div class="notice"><p><strong>Not in this bundle:</strong></p><ul>${notIncluded.map((what) => html`<li>${what}</li>`)}</ul></div>`
}</section>
<section><h2>How to prove it</h2>
<ol>
<li>Install Node 20 or newer; nothing else is needed, and no network.</li>
<li>Unpack the archive and run <code>node verify.mjs .</code> in it. Read the program first if you like: it is one file without dependencies.</li>
<li>Hold the key against one that you received before: <code>node verify.mjs . --key public-key.pem</code> with yours; and the chain against a checkpoint that you were given: <code>--witness checkpoint.json</code>.</li>
</ol>
<p>What is proven is <code>trail.jsonl</code>. The pages, tables and facts are made from it for reading; where they differ, it counts.</p></section>
<section><h2>Endpoints</h2>
${table(
  'Endpoints and plans',
  [
    {
      head: 'Endpoint',
      cell: ({ name, planned, pages }: BundledStream) =>
        html`<a href="${pages[0]}">${name}</a>${planned && ', plans'}${
          pages.length > 1 &&
          html`, page ${pages.slice(1).map((page, index) => html`<a href="${page}">${index + 2}</a> `)}`
        }`,
    },
    { head: 'Account', cell: ({ account }) => account },
    { head: 'Region', cell: ({ region }) => region },
    { head: 'Changes', narrow: true, cell: ({ changes: count }) => count },
    {
      head: 'Ended',
      cell: ({ results }) =>
        [...results]
          .map(([what, count]) => `${count} ${resultLabel(what.split(' ')[1] ?? '').toLowerCase()}`)
          .join(', '),
    },
  ],
  streams,
)}</section>
<section><h2>Files</h2>
${table(
  'Files of the bundle',
  [
    { head: 'File', cell: ({ path }) => html`<a href="${path}">${path}</a>` },
    { head: 'What it is', cell: ({ what }) => what },
  ],
  files,
)}
<p>Every file and its SHA-256 is in <a href="manifest.json"><code>manifest.json</code></a>.</p></section>
${frameEnd('This page works without a network and without scripts.')}`;
}
