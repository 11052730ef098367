import * as z from 'zod';

export const Environment = z.enum(['dev', 'staging', 'prod']);
export type Environment = z.infer<typeof Environment>;

/** An endpoint's environment and how we know: by its tag, by its name, or by default (then it is `prod`, the strictest). */
export const EnvironmentFact = z.strictObject({
  name: Environment,
  source: z.enum(['tag', 'name', 'default']),
  /** What was seen, for people: `tag environment=prod`. */
  evidence: z.string(),
});
export type EnvironmentFact = z.infer<typeof EnvironmentFact>;

/** How environments are told apart; part of `portcullis.yaml`. */
export const EnvironmentRules = z.strictObject({
  tagKey: z.string().min(1).max(128).default('environment').describe('Tag on the endpoint that names its environment.'),
  tagValues: z
    .strictObject({
      dev: z.array(z.string()).default(['dev', 'development']),
      staging: z.array(z.string()).default(['staging', 'stage']),
      prod: z.array(z.string()).default(['prod', 'production']),
    })
    .prefault({})
    .describe('Tag values that mean each environment; case does not matter.'),
  namePatterns: z
    .array(
      z.strictObject({
        pattern: z.string().min(1).describe('Endpoint name; * stands for any characters.'),
        environment: Environment,
      }),
    )
    .default([])
    .describe('Used where the tag is missing or unknown; the first match counts.'),
});
export type EnvironmentRules = z.infer<typeof EnvironmentRules>;

/** Does `text` match a pattern in which `*` stands for any characters? Case does not matter. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  if (!pattern.includes('*')) {
    return pattern.length === text.length && pattern.toLowerCase() === text.toLowerCase();
  }
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 'i').test(text);
}

/** Tag first, then name, then `prod`: what cannot be told is treated most strictly. */
export function environmentOf(
  name: string,
  tags: Readonly<Record<string, string>>,
  rules: EnvironmentRules,
): EnvironmentFact {
  const value = tags[rules.tagKey];
  if (value !== undefined) {
    for (const environment of Environment.options) {
      if (rules.tagValues[environment].some((known) => known.toLowerCase() === value.trim().toLowerCase())) {
        return { name: environment, source: 'tag', evidence: `tag ${rules.tagKey}=${value}` };
      }
    }
  }
  const tagEvidence =
    value === undefined ? `no tag ${rules.tagKey}` : `tag ${rules.tagKey}=${value} names no environment`;
  const byName = rules.namePatterns.find(({ pattern }) => matchesPattern(pattern, name));
  if (byName) {
    return { name: byName.environment, source: 'name', evidence: `${tagEvidence}; name matches ${byName.pattern}` };
  }
  return { name: 'prod', source: 'default', evidence: `${tagEvidence}; no name pattern matches; treated as prod` };
}
