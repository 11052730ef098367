import * as z from 'zod';

// The parts of SARIF 2.1.0 that are written here, by hand from the published schema (OASIS, sarif-schema-2.1.0.json, errata
// 01): what it requires, its enumerations, and no property that it does not define. Property bags may hold anything.
const Message = z.strictObject({ text: z.string().min(1) });
const Location = z.strictObject({
  physicalLocation: z
    .strictObject({
      artifactLocation: z.strictObject({ uri: z.string().min(1) }),
      region: z.strictObject({ startLine: z.int().min(1) }),
    })
    .optional(),
  logicalLocations: z
    .array(z.strictObject({ name: z.string(), fullyQualifiedName: z.string(), kind: z.string() }))
    .min(1),
});
const Result = z.strictObject({
  ruleId: z.string().min(1),
  level: z.enum(['none', 'note', 'warning', 'error']),
  message: Message,
  locations: z.array(Location).min(1),
  partialFingerprints: z.record(z.string(), z.string()),
  suppressions: z
    .array(
      z.strictObject({
        kind: z.enum(['inSource', 'external']),
        status: z.enum(['accepted', 'underReview', 'rejected']),
        justification: z.string(),
      }),
    )
    .optional(),
  properties: z.record(z.string(), z.json()).optional(),
});
const Rule = z.strictObject({ id: z.string().min(1), shortDescription: Message, fullDescription: Message.optional() });

export const SarifLog = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({ name: z.string().min(1), version: z.string().optional(), rules: z.array(Rule) }),
      }),
      invocations: z.array(z.strictObject({ executionSuccessful: z.boolean() })),
      results: z.array(Result),
    }),
  ),
});
