import { existsSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { type Token, tokensOf } from '../cli/security-audit/tokens.ts';
import { root } from './cli/portcullis.ts';

/** `[title](../test/x.test.ts)` in a document of a folder: the titles, and the files from the root. */
export const testLinks = (markdown: string, folder: string): { file: string; title: string }[] =>
  [...markdown.matchAll(/\[([^\]]+)\]\(([^)\s]+\.test\.ts)\)/g)].map(([, title = '', path = '']) => ({
    file: normalize(join(folder, path)),
    title,
  }));

/** Where the parenthesis begins that ends at `end`. */
function opening(tokens: readonly Token[], end: number): number {
  let depth = 0;
  for (let at = end; at >= 0; at -= 1) {
    const { kind, value } = tokens[at] as Token;
    if (kind === 'mark' && value === ')') depth += 1;
    if (kind === 'mark' && value === '(') depth -= 1;
    if (depth === 0) return at;
  }
  return 0;
}

/** What is called with this token as its first argument, such as `test`, `test.each`, `describe`. */
function calledWith(tokens: readonly Token[], index: number): string {
  let at = index - 1;
  if (tokens[at]?.value !== '(') return '';
  // `test.each([...])(title)`: the call of a call. Types in between, `each<[string]>(...)`, are passed over.
  if (tokens[at - 1]?.value === ')') at = opening(tokens, at - 1);
  for (
    at -= 1;
    at > 0 && /^[<>[\],|]$|^(string|number|boolean|unknown|Record|null|undefined)$/.test(tokens[at]?.value ?? '');
  )
    at -= 1;
  const words: string[] = [];
  for (; at >= 0 && (tokens[at]?.kind === 'name' || tokens[at]?.value === '.'); at -= 1)
    words.unshift(tokens[at]?.value ?? '');
  return words.join('').replace(/^.*?(?=(test|describe)\b)/, '');
}

const known = new Map<string, Token[]>();

/** Whether a test, or a group of tests, of exactly this title stands in a file and is not skipped for good. */
export function hasTest(file: string, title: string): boolean {
  if (!existsSync(join(root, file))) return false;
  const tokens = known.get(file) ?? tokensOf(readFileSync(join(root, file), 'utf8'));
  known.set(file, tokens);
  return tokens.some(
    ({ kind, value }, index) =>
      (kind === 'text' || kind === 'template') &&
      value === title &&
      /^(test|describe)(\.(each|runIf|skipIf))?$/.test(calledWith(tokens, index)),
  );
}
