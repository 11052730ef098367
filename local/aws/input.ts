import type * as z from 'zod';
import { AwsError } from './loopback.ts';

export type Json = Record<string, unknown>;

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** `productionVariants.1.member.initialInstanceCount`: AWS counts list members from one. */
const pathOf = (path: readonly PropertyKey[]) =>
  path.map((step) => (typeof step === 'number' ? `${step + 1}.member` : lowerFirst(String(step)))).join('.');

/** Reads an operation's input by its schema, or refuses it with all that is wrong, worded as AWS does. */
export function readInput<Schema extends z.ZodType>(
  schema: Schema,
  input: Json,
  code = 'ValidationException',
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // AWS itself ignores members that it does not know; then a misplaced AutoRollbackConfiguration protects nobody.
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  if (unknown.length > 0) throw new AwsError(code, `Unknown parameter in input: "${unknown.join('", "')}".`);
  const problems = issues.map(
    ({ path, message }) => `Value at '${pathOf(path)}' failed to satisfy constraint: ${message}`,
  );
  const count = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  throw new AwsError(code, `${count} detected: ${problems.join('; ')}`);
}

/** Without the members that are undefined: AWS leaves out what there is not. */
export function present<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

export type PageRequest = { token?: string | undefined; limit: number; descending?: boolean };

/** One page of the rows, by their keys. A token names the last key seen, so rows may come and go in between. */
export function pageOf<T>(rows: T[], keyOf: (row: T) => string, { token, limit, descending = false }: PageRequest) {
  const last = token === undefined ? undefined : Buffer.from(token, 'base64url').toString('utf8');
  if (last !== undefined && Buffer.from(last, 'utf8').toString('base64url') !== token) {
    throw new AwsError('ValidationException', 'Invalid pagination token.');
  }
  const direction = descending ? -1 : 1;
  const order = (a: string, b: string) => (a === b ? 0 : (a < b ? -1 : 1) * direction);
  const rest = rows
    .map((row) => ({ row, key: keyOf(row) }))
    .filter(({ key }) => last === undefined || order(key, last) > 0)
    .sort((a, b) => order(a.key, b.key));
  const page = rest.slice(0, limit);
  const end = page.at(-1);
  return {
    items: page.map(({ row }) => row),
    next: rest.length > page.length && end ? Buffer.from(end.key, 'utf8').toString('base64url') : undefined,
  };
}
