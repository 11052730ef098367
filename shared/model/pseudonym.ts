import { createHmac } from 'node:crypto';

/** Fields that hold the name of a person, or names of persons. */
const PERSONS = new Set(['person', 'approver', 'approvers', 'reviewer', 'requester', 'requesters', 'names', 'who']);
/** What is read from AWS and not written by people. Names of resources stay as they are, whatever words they hold. */
const RESOURCES = new Set(['endpoint', 'facts', 'deployment', 'hash', 'previous', 'digest']);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

/** Case and a mail domain do not tell people apart; see sharesPerson. */
const personOf = (name: string) => {
  const lower = name.trim().toLowerCase();
  return lower.includes('@') && !lower.startsWith('arn:') ? lower.slice(0, lower.indexOf('@')) : lower;
};
const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Actors that are no persons: the gate, AWS services, and whoever nobody named. */
const isNobody = ({ kind, via, names }: Fields) =>
  kind === 'gate' || kind === 'service' || (kind === 'unknown' && via !== undefined && (names as Json[])?.length === 0);

export type Pseudonyms = {
  /** The pseudonym of a person, the same for every spelling of the name: `person-` and 12 hex digits. */
  of: (name: string) => string;
  /** A record with every person's name replaced: in the fields that hold persons, in ids, and in what people wrote. */
  record: <T>(record: T) => T;
};

/**
 * Replaces persons by a keyed hash (HMAC-SHA-256), so that one person stays one person and nobody without the key can
 * tell who, not even by trying all names. `known` are people who may be mentioned before a record names them, each with all names. A text
 * that people wrote keeps its other words; names that no field of an earlier record or of its own holds stay in it.
 */
export function pseudonyms(key: string, known: readonly (readonly string[])[] = []): Pseudonyms {
  if (Buffer.byteLength(key) < 32) throw new RangeError('A key for pseudonyms has at least 32 bytes.');
  const names = new Map<string, string>();
  let mentioned: RegExp | undefined;

  const of = (name: string): string => {
    const before = names.get(name.toLowerCase());
    if (before !== undefined) return before;
    const made = `person-${createHmac('sha256', key).update(personOf(name)).digest('hex').slice(0, 12)}`;
    names.set(name.toLowerCase(), made);
    names.set(personOf(name), made);
    mentioned = undefined;
    return made;
  };
  const isName = (text: string) => text !== '' && text !== 'unknown' && !/^person-[0-9a-f]{12}$/.test(text);
  const scrub = (text: string): string => {
    if (names.size === 0) return text;
    mentioned ??= new RegExp(
      `(?<![\\p{L}\\p{N}])(?:${[...names.keys()]
        .sort((a, b) => b.length - a.length)
        .map(escaped)
        .join('|')})(?![\\p{L}\\p{N}])`,
      'giu',
    );
    return text.replace(mentioned, (name) => names.get(name.toLowerCase()) ?? of(name));
  };

  /** Notes every person whom a field names, before any text is looked at. */
  function learn(value: Json): void {
    if (Array.isArray(value)) value.forEach(learn);
    else if (typeof value === 'object' && value !== null) {
      if (isNobody(value)) return;
      const isActor = typeof value.kind === 'string' && 'person' in value && 'arn' in value;
      if (isActor && typeof value.arn === 'string') of(value.arn);
      for (const [field, inner] of Object.entries(value)) {
        if (RESOURCES.has(field)) continue;
        if (!PERSONS.has(field)) learn(inner);
        else
          for (const each of Array.isArray(inner) ? inner : [inner])
            if (typeof each === 'string' && isName(each)) of(each);
            else learn(each);
      }
    }
  }
  function replaced(value: Json): Json {
    if (typeof value === 'string') return scrub(value);
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null || isNobody(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([field, inner]) => [field, RESOURCES.has(field) ? inner : replaced(inner)]),
    );
  }
  for (const [first = '', ...others] of known)
    for (const name of others.filter(isName)) {
      names.set(name.toLowerCase(), of(first));
      mentioned = undefined;
    }
  for (const [first = ''] of known) if (isName(first)) of(first);
  return {
    of,
    record: <T>(record: T): T => {
      learn(record as Json);
      return replaced(record as Json) as T;
    },
  };
}
