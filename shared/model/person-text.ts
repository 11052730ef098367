import { visible } from './visible-text.ts';

const clean = (text: string) => text.replace(/[^\n\t]+/g, visible);

/** Where people's own words stand in what is recorded. */
const WORDS = ['reason', 'text', 'waiver'];

/**
 * What is to be recorded, with people's words made harmless: what would steer a terminal or turn text around is kept as
 * its number (`\u202e`). Lines stay lines. What has nothing of the kind comes back as it is.
 */
export function withCleanWords<T extends object>(body: T): T {
  const changed = Object.entries(body).flatMap(([name, value]) => {
    if (!WORDS.includes(name)) return [];
    if (typeof value === 'object' && value !== null) return [[name, withCleanWords(value)] as const];
    return typeof value === 'string' && clean(value) !== value ? [[name, clean(value)] as const] : [];
  });
  return changed.length > 0 ? { ...body, ...Object.fromEntries(changed) } : body;
}
