/** HTML that `html` made. Only this module can make it, so whatever else reaches a page is text and gets escaped. */
class SafeHtml {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}
export type Html = SafeHtml;

/** What may stand between `${` and `}`. */
export type Value = Html | string | number | false | null | undefined | readonly Value[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

// Direction overrides make text read differently from what it says ("Trojan Source"), so they are shown, not obeyed.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const UNSAFE = /[&<>"'\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const visible = (character: string) =>
  `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof SafeHtml) return value.toString();
  if (typeof value !== 'object')
    return String(value).replace(UNSAFE, (character) => ENTITIES[character] ?? visible(character));
  let text = '';
  for (const each of value) text += render(each);
  return text;
}

/** Escapes every value, in text and in quoted attributes; nested `html` and lists of it pass, nothing renders nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  // Pages consist of thousands of these.
  let text = strings[0] ?? '';
  for (let index = 0; index < values.length; index += 1) text += render(values[index]) + (strings[index + 1] ?? '');
  return new SafeHtml(text);
}
