import { describe, expect, test } from 'vitest';
import { PALETTE, style } from '../../web/style.ts';

/** Relative luminance and contrast, WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(['light', 'dark'] as const)('the %s colours', (scheme) => {
  const { canvas, paper, ink, muted, edge, good, bad, ask, note, plain } = PALETTE[scheme];

  test.each([
    ['ink on canvas', ink, canvas],
    ['ink on paper', ink, paper],
    ['muted on canvas', muted, canvas],
    ['muted on paper', muted, paper],
    ...Object.entries({ good, bad, ask, note, plain }).map(([name, [text, ground]]) => [name, text, ground]),
  ])('%s is readable by WCAG AA (4.5:1)', (_name, text = '', ground = '') => {
    expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  test('edges of fields stand out from the page (3:1)', () => {
    expect(contrast(edge, paper)).toBeGreaterThanOrEqual(3);
    expect(contrast(edge, canvas)).toBeGreaterThanOrEqual(3);
  });
});

test('the stylesheet loads nothing from anywhere', () => {
  expect(style).not.toMatch(/url\(|@import|@font-face/);
});
