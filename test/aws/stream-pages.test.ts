import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageStream, streamCursor, streamPlace } from '../../shared/aws/stream-pages.ts';
import * as a from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const event = (generation: number) => ({
  kind: 'event-joined' as const,
  generation,
  event: a.change({ actor: a.person('mallory') }),
});

/** Changes of one endpoint with so many events each, some of which end only after the next has begun. */
function written(shape: readonly { events: number; late: boolean }[]): a.Written[] {
  const records: a.Written[] = [];
  let late: a.Written | undefined;
  for (const [index, { events, late: isLate }] of shape.entries()) {
    const generation = index + 1;
    records.push(a.opened(generation), a.findings(generation));
    if (late) records.push(late);
    late = undefined;
    records.push(...Array.from({ length: events }, () => event(generation)));
    const outcome = a.outcome(generation, isLate ? 'superseded' : 'approved');
    if (isLate) late = outcome;
    else records.push(outcome);
  }
  return records;
}

async function allPages(records: a.Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.answerDirectly();
  tables.seed(...records);
  const found: { generation: number; records: number }[] = [];
  let from: string | undefined;
  for (let pages = 0; pages < 200; pages += 1) {
    const page = await pageStream(aws.services, a.endpoint, from === undefined ? undefined : streamPlace(from));
    found.push(...page.changes.map(({ generation, records: own }) => ({ generation, records: own.length })));
    if (!page.older) return found;
    from = streamCursor(page.older);
  }
  throw new Error('The history does not end.');
}

const shape = fc.array(fc.record({ events: fc.constantFrom(0, 1, 30), late: fc.boolean() }), { maxLength: 24 });

test('read page by page, a history has every change once, newest first, and each one whole', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (changes) => {
      const all = changes.length;
      const wanted = changes.map(({ events, late }, index) => ({
        generation: index + 1,
        // The last one has no successor after which it could end.
        records: 3 + events - (late && index === all - 1 ? 1 : 0),
      }));
      expect(await allPages(written(changes))).toEqual(wanted.reverse());
    }),
    { numRuns: process.env.PORTCULLIS_PROOF === 'full' ? 300 : 5 },
  );
});

test('a change with a flood of events is read to its beginning, over several pages if need be', async () => {
  const found = await allPages(
    written([
      { events: 1, late: false },
      { events: 320, late: false },
    ]),
  );
  expect(found.map(({ generation }) => generation)).toEqual([2, 1]);
});

test.each(['', '0-1', '1', '1-', '-1-1', '1e3-1', '1-1-1', "1-1'"])('%j is no place in a history', (cursor) => {
  expect(streamPlace(cursor)).toBeUndefined();
});
