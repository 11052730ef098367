/** Matches events as EventBridge does, as far as our patterns go: exact values, `exists`, `prefix`, `anything-but`. */
export type Pattern = { [key: string]: Pattern | Condition[] };
type Condition =
  | string
  | number
  | boolean
  | null
  | { exists: boolean }
  | { prefix: string }
  | { 'anything-but': string | string[] };

function meets(condition: Condition, value: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return value === condition;
  if ('exists' in condition) return condition.exists === (value !== undefined);
  if ('prefix' in condition) return typeof value === 'string' && value.startsWith(condition.prefix);
  if ('anything-but' in condition)
    return value !== undefined && ![condition['anything-but']].flat().includes(value as string);
  throw new Error(`This matcher does not know ${JSON.stringify(condition)}.`);
}

/** All fields must match, each by one of its conditions; of a list in the event, one member is enough. */
export function matches(pattern: Pattern, event: unknown): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    const value = typeof event === 'object' && event !== null ? (event as Record<string, unknown>)[key] : undefined;
    if (!Array.isArray(wanted)) return matches(wanted, value);
    const values = Array.isArray(value) ? value : [value];
    return wanted.some((condition) => values.some((one) => meets(condition, one)));
  });
}
