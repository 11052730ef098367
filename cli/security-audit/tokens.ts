/**
 * JavaScript and TypeScript taken apart far enough to tell code from comments, texts and regular expressions, so that a
 * rule about `eval(` does not stumble over a sentence about it. It is no parser, and needs none: rules look at a few
 * words in a row.
 */
export type Token = {
  kind: 'name' | 'text' | 'template' | 'regex' | 'number' | 'mark';
  /** The word or mark; of texts and regular expressions what stands between the quotes; of templates the fixed parts. */
  value: string;
  line: number;
  /** Templates: whether something is put in. */
  holds?: boolean;
};

const NAME = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
/** Whether a token is one of these words or marks. */
export const is = (token: Token | undefined, ...values: string[]) =>
  token !== undefined && (token.kind === 'name' || token.kind === 'mark') && values.includes(token.value);

const SPACE = new Set(' \n\t\r\f\v\u00a0\ufeff\u2028\u2029');
const NUMBER = /\.?\d[\w.]*/y;
const MARK = /===|!==|=>|\?\.|\.\.\.|==|!=|&&|\|\||\?\?|[^\s]/y;
/** Words after which a value follows, so that a `/` begins a regular expression and no division. */
const BEFORE_VALUE = new Set(
  'return typeof case in of new delete void throw instanceof await yield else do default'.split(' '),
);

const regexAt = (source: string, from: number): number => {
  let inClass = false;
  for (let at = from + 1; at < source.length && source[at] !== '\n'; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '[') inClass = true;
    else if (source[at] === ']') inClass = false;
    else if (source[at] === '/' && !inClass) return at;
  }
  return -1;
};

/** Where a value may begin, a `/` is the start of a regular expression. */
function valueMayFollow(last: Token | undefined): boolean {
  if (last === undefined) return true;
  if (last.kind === 'mark') return !/^[)\]}]$/.test(last.value);
  return last.kind === 'name' && BEFORE_VALUE.has(last.value);
}

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each `${` that is open: its template, and how many braces are open inside. */
  const open: { template: Token; braces: number }[] = [];
  let [at, line] = [0, 1];

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  /** Moves on, counting lines. */
  const upTo = (end: number) => {
    for (let each = at; each < end; each += 1) if (source[each] === '\n') line += 1;
    at = end;
  };
  /** Reads fixed text of a template up to its end or its next `${`. */
  const template = (token: Token) => {
    const from = at;
    let end = at;
    while (end < source.length && source[end] !== '`' && !source.startsWith('${', end))
      end += source[end] === '\\' ? 2 : 1;
    token.value += source.slice(from, end);
    const holds = source.startsWith('${', end);
    upTo(Math.min(source.length, end + (holds ? 2 : 1)));
    if (!holds) return;
    token.holds = true;
    token.value += '\u0000';
    open.push({ template: token, braces: 0 });
  };

  while (at < source.length) {
    const char = source[at] ?? '';
    if (SPACE.has(char)) upTo(at + 1);
    else if (source.startsWith('//', at) || (at === 0 && source.startsWith('#!'))) {
      const end = source.indexOf('\n', at);
      upTo(end < 0 ? source.length : end);
    } else if (source.startsWith('/*', at)) {
      const end = source.indexOf('*/', at + 2);
      upTo(end < 0 ? source.length : end + 2);
    } else if (char === '"' || char === "'") {
      let end = at + 1;
      while (end < source.length && source[end] !== char && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1;
      tokens.push({ kind: 'text', value: source.slice(at + 1, end), line });
      upTo(Math.min(source.length, end + 1));
    } else if (char === '`') {
      const token: Token = { kind: 'template', value: '', line };
      tokens.push(token);
      at += 1;
      template(token);
    } else if (char === '/' && valueMayFollow(tokens.at(-1)) && regexAt(source, at) > 0) {
      const end = regexAt(source, at);
      tokens.push({ kind: 'regex', value: source.slice(at + 1, end), line });
      upTo(end + 1);
      upTo(at + (match(/[a-z]*/y)?.length ?? 0));
    } else {
      const name = match(NAME);
      const number = name === undefined ? match(NUMBER) : undefined;
      const value = name ?? number ?? match(MARK) ?? char;
      const kind = name !== undefined ? 'name' : number !== undefined ? 'number' : 'mark';
      const inner = open.at(-1);
      if (inner && value === '{') inner.braces += 1;
      if (inner && value === '}') inner.braces -= 1;
      upTo(at + value.length);
      if (inner && inner.braces < 0) {
        open.pop();
        template(inner.template);
      } else tokens.push({ kind, value, line });
    }
  }
  return tokens;
}
