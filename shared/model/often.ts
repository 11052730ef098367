import * as z from 'zod';

/** Generating the code takes 30 ms for an endpoint's facts, and each reading is then 10 us shorter. */
const READINGS_BEFORE = 2_000;

/**
 * The same schema, which reads what is valid faster from the 2,000th time on: with code that zod generates for it. What
 * that code refuses is read again in the ordinary way, so what is wrong is said in the same words. Whoever reads a few
 * endpoints or records pays nothing for it. A Lambda is bundled without (`infra/bundles/own-left-out.mjs`).
 */
export function often<Schema extends z.ZodType>(schema: Schema, readingsBefore = READINGS_BEFORE): Schema {
  let readings = 0;
  let compiled: Schema | undefined;
  return z.withParser(schema, (input) => {
    readings += 1;
    if (readings <= readingsBefore) return z.INVALID;
    compiled ??= z.compile(schema);
    const read = compiled.safeParse(input);
    return read.success ? read.data : z.INVALID;
  });
}
