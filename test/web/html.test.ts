import { describe, expect, test } from 'vitest';
import { html } from '../../web/html.ts';
import { HOSTILE } from './web-builders.ts';

const text = (value: unknown) => String(value);

describe('html', () => {
  test('escapes what could end a text or a quoted attribute', () => {
    expect(text(html`<a title="${`"'<>&`}">${`"'<>&`}</a>`)).toBe(
      '<a title="&quot;&#39;&lt;&gt;&amp;">&quot;&#39;&lt;&gt;&amp;</a>',
    );
  });

  test('lets nested templates and lists of them pass unescaped, and escapes the strings between them', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
    expect(text(html`<ul>${items}${['<', html`<br>`]}</ul>`)).toBe('<ul><li>a</li><li>&lt;b&gt;</li>&lt;<br></ul>');
  });

  test('renders nothing for null, undefined and false, and renders zero', () => {
    expect(text(html`[${null}${undefined}${false}${0}]`)).toBe('[0]');
  });

  test('shows characters that would change the direction of a text, or be invisible, instead of obeying them', () => {
    expect(text(html`${'a\u202eb\u2066c\u0000d'}`)).toBe('a[U+202E]b[U+2066]c[U+0000]d');
    expect(text(html`${'line\n\tnext'}`)).toBe('line\n\tnext');
  });

  test('is not fooled by an object that looks like HTML', () => {
    const fake = [{ toString: () => '<script>' }] as unknown as string;
    expect(() => text(html`${fake}`)).toThrow();
    expect(text(html`${JSON.parse('"<script>"') as string}`)).toBe('&lt;script&gt;');
  });

  test('leaves no tag of a hostile text alive', () => {
    expect(text(html`${HOSTILE}`)).not.toMatch(/[<>]/);
  });
});
