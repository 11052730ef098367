import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { CliError } from '../output.ts';
import type { Weakness } from './weakness.ts';

export const RULES_FILE = 'security-audit.yaml';

const Day = z.iso.date('must be a day, such as 2027-01-31');
const Why = z.string().min(10, 'must say why, in ten characters or more');

/** `security-audit.yaml`: what the audit takes for fine, and why. Exceptions end by themselves. */
export const AcceptedRules = z.strictObject({
  /** SPDX ids that packages may be under. */
  licences: z.array(z.string()).default([]),
  /** Texts that look like secrets and are none, by SHA-256, so that this file holds none either. */
  notSecret: z
    .array(z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits'), why: Why }))
    .default([]),
  /** Weaknesses that somebody has looked at: those of a check (and rule) at exactly this place, until this day. */
  accepted: z
    .array(z.strictObject({ check: z.string(), rule: z.string().optional(), where: z.string(), why: Why, until: Day }))
    .default([]),
});
export type AcceptedRules = z.infer<typeof AcceptedRules>;

/** Reads the file; without one nothing is accepted. Throws CliError where it is not what it has to be. */
export function readAcceptedRules(root: string): AcceptedRules {
  let text: string;
  try {
    text = readFileSync(join(root, RULES_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return AcceptedRules.parse({});
    throw new CliError(`${RULES_FILE} cannot be read: ${(error as Error).message}`);
  }
  try {
    return AcceptedRules.parse(parseYaml(text) ?? {});
  } catch (error) {
    const issues = (error as z.ZodError).issues?.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new CliError(`${RULES_FILE}:\n  ${(issues ?? [(error as Error).message]).join('\n  ')}`);
  }
}

/** A place without its line, which moves with every edit above it. */
const placeOf = (where: string) => where.replace(/:\d+$/, '');

/** Splits what a check found into what still counts and what was accepted. An exception counts up to and with its day. */
export function withoutAccepted(
  check: string,
  weaknesses: readonly Weakness[],
  { accepted }: AcceptedRules,
  now: string,
): { left: Weakness[]; accepted: Weakness[] } {
  const left: Weakness[] = [];
  const taken: Weakness[] = [];
  for (const weakness of weaknesses) {
    const exception = accepted.find(
      (each) => each.check === check && each.rule === weakness.rule && each.where === placeOf(weakness.where),
    );
    if (!exception) left.push(weakness);
    else if (now.slice(0, 10) <= exception.until) taken.push(weakness);
    else left.push({ ...weakness, todo: `${weakness.todo} It was accepted until ${exception.until}, which is over.` });
  }
  return { left, accepted: taken };
}
