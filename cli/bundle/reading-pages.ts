import type { ChangeGroup } from '../../shared/model/change-groups.ts';
import { environmentOf } from '../../shared/model/change-groups.ts';
import { refOfStream } from '../../shared/model/endpoint-ref.ts';
import { type Frame, frameEnd, frameStart } from '../../web/bundle-frame.ts';
import type { BundledStream } from '../../web/bundle-index-page.ts';
import { bundledChange, type Says } from '../../web/bundle-page.ts';
import { html } from '../../web/html.ts';
import type { Spool, Spooled } from './spool.ts';

/** A page of more is slow to open. */
const CHANGES_ON_A_PAGE = 100;

type Stream = BundledStream & { pages: string[]; results: Map<string, number> };

/** Writes the pages of one stream after the other, and remembers what the first page says of each. */
export function readingPages(spool: Spool, says: Says) {
  const streams: Stream[] = [];
  let page: Spooled | undefined;
  let [current, onPage] = ['', 0];

  const finish = (next?: string) => {
    page?.write(`${frameEnd(html`${next && html`<a href="${next}">Next page</a>. `}All times are UTC.`)}`);
    page?.close();
    page = undefined;
  };
  function begin({ endpoint, stream }: ChangeGroup): Stream {
    // Where it lies is told by its key, whose characters are known; a record that somebody put there may say anything.
    const { account, region, name: key, planned } = refOfStream(stream) ?? { ...endpoint, name: 'unknown' };
    const name = endpoint.name.toLowerCase() === key ? endpoint.name : key;
    const before = streams.at(-1);
    const known = current === stream ? before : undefined;
    const entry: Stream = known ?? {
      name,
      account,
      region,
      planned: planned === true,
      pages: [],
      changes: 0,
      results: new Map(),
    };
    if (!known) streams.push(entry);
    current = stream;
    const number = entry.pages.length + 1;
    const file = `${key}${number > 1 ? `.page${number}` : ''}.html`;
    const path = `${planned ? 'plans' : 'endpoints'}/${account}/${region}/${file}`;
    finish(known && file);
    entry.pages.push(path);
    page = spool.open(path, `${planned ? 'Plans' : 'Changes'} of ${name}, page ${number}`);
    const title = `${name}${planned ? ', plans' : ''}`;
    const frame: Frame = { title, up: '../../../' };
    page.write(
      `${frameStart(frame)}${html`<p class="crumb"><a href="../../../index.html">Evidence</a></p>
<h1>${title} <span class="muted">${account} ${region}</span></h1>
`}`,
    );
    onPage = 0;
    return entry;
  }

  return {
    add: (group: ChangeGroup) => {
      const last = streams.at(-1);
      const entry = page && last && current === group.stream && onPage < CHANGES_ON_A_PAGE ? last : begin(group);
      page?.write(`${bundledChange(group, says)}`);
      onPage += 1;
      if (group.continued) return;
      entry.changes += 1;
      const { joined, outcome } = group.change;
      const how = joined ? 'joined' : (outcome?.result ?? 'open');
      const key = `${environmentOf(group.change)} ${how}`;
      entry.results.set(key, (entry.results.get(key) ?? 0) + 1);
    },
    /** Ends the last page; what the first page lists. */
    end: (): BundledStream[] => {
      finish();
      const keyOf = ({ name, account, region, planned }: Stream) => `${name} ${account} ${region} ${planned}`;
      return streams.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    },
  };
}
