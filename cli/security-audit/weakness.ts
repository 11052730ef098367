import type { AcceptedRules } from './accepted.ts';

/** One thing that is wrong: where, by which rule of a check that has several, why it matters, what to do. No secrets. */
export type Weakness = { where: string; rule?: string; why: string; todo: string };

/** What a check saw. What it could not look at stands in `unchecked`; a check that examined nothing is not clean. */
export type Seen = {
  /** What was looked at, in words with a number: `431 packages`. */
  examined: string;
  weaknesses: Weakness[];
  /** Why parts of it, or all of it, could not be looked at. */
  unchecked: string[];
};

/** What an audit is about. Nothing in it is asked of the process or the clock again. */
export type Audited = {
  /** The project's directory, absolute. */
  root: string;
  env: Readonly<Record<string, string | undefined>>;
  /** ISO 8601 UTC. */
  now: string;
  offline: boolean;
  /** With `offline`: a file of OSV records. */
  advisories?: string | undefined;
  /** Address of a running console. */
  url?: string | undefined;
  /** A packaged template to look at, instead of every one in `build/`. */
  template?: string | undefined;
  rules: AcceptedRules;
};

export type AuditCheck = { name: string; title: string; look: (audited: Audited) => Promise<Seen> };

export const seen = (examined: string, weaknesses: Weakness[] = [], unchecked: string[] = []): Seen => ({
  examined,
  weaknesses,
  unchecked,
});

/** Nothing could be looked at. */
export const unseen = (reason: string): Seen => seen('nothing', [], [reason]);
