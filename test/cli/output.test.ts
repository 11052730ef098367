import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json, table, visible } from '../../cli/output.ts';
import { UNSEEN } from './portcullis.ts';

describe('visible', () => {
  test('leaves ordinary text of any language as it is', () => {
    for (const text of ['', 'fraud-prod', 'é ü ß', '日本語', 'مرحبا', '👍🏽', '\\u001b'])
      expect(visible(text)).toBe(text);
  });

  test.each([
    ['a colour', '\u001b[31mred', '\\u001b[31mred'],
    ['a title of the window', '\u001b]0;owned\u0007', '\\u001b]0;owned\\u0007'],
    ['a one-byte control sequence', '\u009b2J', '\\u009b2J'],
    ['a backspace over what stood there', 'blocked\u0008\u0008', 'blocked\\u0008\\u0008'],
    ['a return to the start of the line', 'blocked\rcompliant', 'blocked\\u000dcompliant'],
    ['text turned around', '\u202egpj.exe', '\\u202egpj.exe'],
    ['an isolate', '\u2066x\u2069', '\\u2066x\\u2069'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
    ['delete', 'a\u007fb', 'a\\u007fb'],
  ])('shows %s instead of sending it', (_what, text, shown) => expect(visible(text)).toBe(shown));

  test('makes one line of several', () => expect(visible('a\nb\tc')).toBe('a b c'));

  test('lets nothing through that steers a terminal, whatever the text', () => {
    const nasty = fc.string({
      unit: fc
        .oneof(fc.integer({ min: 0, max: 0xa0 }), fc.integer({ min: 0x2020, max: 0x2070 }))
        .map((code) => String.fromCharCode(code)),
    });
    fc.assert(fc.property(nasty, (text) => !UNSEEN.test(visible(text)) && !visible(text).includes('\n')));
  });
});

describe('table', () => {
  test('aligns the columns, and lets the last one be as long as it is', () => {
    expect(
      table(
        ['NAME', 'STATE', 'WHY'],
        [
          ['a', 'blocked', 'for a long reason'],
          ['longer-name', 'ok', ''],
        ],
      ),
    ).toBe('NAME         STATE    WHY\na            blocked  for a long reason\nlonger-name  ok');
  });

  test('without rows it is its headings', () => expect(table(['A', 'B'], [])).toBe('A  B'));

  test('a cell cannot start a line or steer the terminal', () => {
    const text = table(['A', 'B'], [['x\ncompliant', '\u001b[2J']]);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toContain('x compliant  \\u001b[2J');
  });

  test('every row is one line, and every column but the last starts where its heading does', () => {
    const rows = fc.array(fc.tuple(fc.string(), fc.string(), fc.string()), { maxLength: 8 });
    fc.assert(
      fc.property(rows, (cells) => {
        const [first = '', ...lines] = table(['FIRST', 'SECOND', 'THIRD'], cells).split('\n');
        const start = first.indexOf('SECOND');
        return (
          lines.length === cells.length &&
          cells.every(([, second], index) => (lines[index] ?? '').slice(start).startsWith(visible(second).trimEnd()))
        );
      }),
    );
  });
});

test('json is indented, and reads back as what it was', () => {
  expect(json({ a: [1, '\u001b'] })).toBe('{\n  "a": [\n    1,\n    "\\u001b"\n  ]\n}');
});
