import { is, type Token } from './tokens.ts';

const shells = new WeakMap<readonly Token[], { direct: Set<string>; whole: Set<string> }>();

/** Under which names a file has `exec` and `execSync` of `node:child_process`, and under which the whole module. */
export function shellNames(tokens: readonly Token[]): { direct: Set<string>; whole: Set<string> } {
  const before = shells.get(tokens);
  if (before) return before;
  const found = { direct: new Set<string>(), whole: new Set<string>() };
  for (const [end, { kind, value }] of tokens.entries()) {
    if (kind !== 'text' || !/^(node:)?child_process$/.test(value)) continue;
    let start = end;
    while (start > 0 && !is(tokens[start], 'import', 'const', 'let', 'var')) start -= 1;
    const words = tokens.slice(start, end);
    for (const [index, word] of words.entries()) {
      // `exec as run` in an import, `exec: run` where it is taken out of what require gave.
      const renamed = is(words[index + 1], 'as', ':') ? words[index + 2]?.value : undefined;
      if (is(word, 'exec', 'execSync')) found.direct.add(renamed ?? word.value);
    }
    const named = words.some((word) => is(word, '{'));
    if (!named) for (const word of words) if (word.kind === 'name') found.whole.add(word.value);
  }
  shells.set(tokens, found);
  return found;
}
