import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './project-files.ts';
import { STATIC_RULES } from './static-rules.ts';
import { tokensOf } from './tokens.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

/** What runs in production or on whoever deploys it. Tests and benchmarks plant such things on purpose. */
const PRODUCT = /^(?!test\/|bench\/|.*\.test\.)[^\0]*\.(ts|mts|cts|js|mjs|cjs)$/;
// Direction overrides make code read differently from what it does ("Trojan Source", CVE-2021-42574).
const TURNED = /[\u202a-\u202e\u2066-\u2069]/;

/** What is wrong in one file. */
export function weaknessesIn(path: string, source: string): Weakness[] {
  const tokens = tokensOf(source);
  const found = tokens.flatMap((token, index) =>
    STATIC_RULES.filter((rule) => rule.at(tokens, index)).map(({ id, why, todo }) => ({
      where: `${path}:${token.line}`,
      rule: id,
      why,
      todo,
    })),
  );
  const turned = source.split('\n').findIndex((line) => TURNED.test(line));
  if (turned >= 0)
    found.push({
      where: `${path}:${turned + 1}`,
      rule: 'turned-text',
      why: 'A character turns the direction of reading, so the code is not what it looks like.',
      todo: 'Write it as an escape (\\u202e), or take it out.',
    });
  return found;
}

/** Patterns in our own sources that have hurt somebody. Comments and tests are not looked at. */
export async function checkStatic({ root }: Audited): Promise<Seen> {
  const files = projectFiles(root).filter((path) => PRODUCT.test(path));
  if (files.length === 0) return unseen('there are no sources here');
  const weaknesses = files.flatMap((path) => weaknessesIn(path, readFileSync(join(root, path), 'utf8')));
  return seen(`${files.length} sources, ${STATIC_RULES.length + 1} rules`, weaknesses);
}
