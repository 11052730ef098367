import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { root } from './cli/portcullis.ts';

const { $schema, id, ...schema } = JSON.parse(
  readFileSync(join(root, 'test/schemas/sarif-2.1.0-rtm.5.json'), 'utf8'),
) as Record<string, unknown>;

// The schema calls itself draft 4, and uses nothing that later drafts read differently but the name of its `id`. Its formats
// are URIs and times; `strict` would refuse its defaults and its unions.
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  unicodeRegExp: false,
  formats: {
    uri: (text: string) => URL.canParse(text),
    'uri-reference': (text: string) => !/[\s<>"{}|\\^`]/.test(text) && URL.canParse(text, 'https://example.com/'),
    'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/,
  },
});
const valid = ajv.compile(schema);

/** What the published schema of SARIF 2.1.0 has against this log: nothing, or a place and what is wrong there. */
export function sarifErrors(log: unknown): string[] {
  if ($schema !== 'http://json-schema.org/draft-04/schema#' || !id) throw new Error('This is another schema.');
  valid(log);
  return (valid.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath || '/'} ${message} ${JSON.stringify(params)}`.trim(),
  );
}

type Sarif = {
  $schema: string;
  version: string;
  runs: {
    tool: { driver: { name: string; rules: { id: string; shortDescription: { text: string } }[] } };
    invocations: { executionSuccessful: boolean }[];
    results: {
      ruleId: string;
      level: string;
      message: { text: string };
      locations: {
        physicalLocation?: { artifactLocation: { uri: string }; region: { startLine: number } };
        logicalLocations: { name: string; fullyQualifiedName: string }[];
      }[];
      partialFingerprints: Record<string, string>;
      suppressions?: { justification?: string }[];
    }[];
  }[];
};

/** Reads SARIF, and throws where it is not as published, or lacks what tools for code scanning rely on. */
export function readSarif(text: string): Sarif['runs'][number] {
  const log = JSON.parse(text) as Sarif;
  const errors = sarifErrors(log);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const [run, ...more] = log.runs;
  if (!log.$schema?.includes('sarif-schema-2.1.0') || !run || more.length > 0) throw new Error('This is not one run.');
  const rules = run.tool.driver.rules.map(({ id }) => id);
  if (new Set(rules).size !== rules.length) throw new Error('The rules are not in order.');
  for (const { ruleId, level, message, locations } of run.results) {
    if (!rules.includes(ruleId)) throw new Error(`${ruleId} has no rule.`);
    if (level === 'none') throw new Error(`A result of ${ruleId} is none.`);
    if (!message.text || locations.length === 0) throw new Error(`A result of ${ruleId} lacks text or location.`);
  }
  const fingerprints = run.results.map(({ partialFingerprints }) => JSON.stringify(partialFingerprints));
  if (new Set(fingerprints).size !== fingerprints.length) throw new Error('Two results look like one.');
  if (run.invocations.length !== 1) throw new Error('It does not say whether the run succeeded.');
  return run;
}
