import * as z from 'zod';

/** What JSON can say. */
type JsonValue = z.core.util.JSONType;

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== 'object' || ![Object.prototype, null].includes(Object.getPrototypeOf(value))) return false;
  return Object.values(value).every(isJson);
}

/** Any JSON value. `z.json()` is the same and refers to itself, which zod generates no code for (`often`). */
export const JsonValue = z.unknown().refine(isJson, 'must be JSON') as unknown as z.ZodType<JsonValue>;
