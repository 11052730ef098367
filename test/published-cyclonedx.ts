import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { root } from './cli/portcullis.ts';

const read = (name: string) => JSON.parse(readFileSync(join(root, 'test/schemas', name), 'utf8')) as { $id: string };

/** What the published schema of CycloneDX 1.5 has against a bill of materials: nothing, or a place and what is wrong there. */
export function cycloneDxErrors(sbom: unknown): string[] {
  const ajv = new Ajv({
    strict: false,
    // Addresses and times; addresses of mail and the like occur nowhere in ours.
    formats: {
      'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/,
      'iri-reference': (text: string) => !/[\s<>"{}|\\^`]/.test(text),
      'idn-email': true,
      uri: (text: string) => URL.canParse(text),
    },
  });
  for (const name of ['spdx', 'jsf-0.82']) {
    const { $id, ...schema } = read(`cyclonedx-${name}.json`);
    ajv.addSchema(schema, `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const schema = read('cyclonedx-1.5.json');
  if (schema.$id !== 'http://cyclonedx.org/schema/bom-1.5.schema.json') throw new Error('This is another schema.');
  const valid = ajv.compile(schema);
  valid(sbom);
  return (valid.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath || '/'} ${message} ${JSON.stringify(params)}`.trim(),
  );
}
