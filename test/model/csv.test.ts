import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvCell, csvLine } from '../../shared/model/csv.ts';

/** Reads one line as RFC 4180 has it. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'),
  );
}

test.each([
  ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
  ['+1', `"'+1"`],
  ['-1+2', `"'-1+2"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['  =1', `"'  =1"`],
  ['\t=1', `"' =1"`],
  ['\r=1', '"\\u000d=1"'],
  ['\uff1d1', `"'\uff1d1"`],
  ['fraud-prod', '"fraud-prod"'],
  ['a "b", c', '"a ""b"", c"'],
  ['two\nlines', '"two lines"'],
  ['\u001b[2J', '"\\u001b[2J"'],
])('%j is the cell %s', (text, cell) => expect(csvCell(text)).toBe(cell));

test('a number is a number, and nothing is an empty cell', () => {
  expect(csvLine([-1.5, null, undefined, true])).toBe('-1.5,"","","true"');
});

test('whatever the text, it stays in its cell, on its line, and starts no formula', () => {
  const nasty = fc.array(fc.string({ unit: fc.constantFrom(...'=+-@"\',; \t\r\n\u001b\u2028aé1'.split('')) }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(nasty, (texts) => {
      const line = csvLine(texts);
      const cells = cellsOf(line);
      return (
        !['\r', '\n', '\u2028', '\u001b'].some((steering) => line.includes(steering)) &&
        cells.length === texts.length &&
        cells.every((cell) => !/^\s*[=+\-@]/.test(cell))
      );
    }),
  );
});
