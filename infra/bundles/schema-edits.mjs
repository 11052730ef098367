import { swap } from './edits.mjs';
import { ownWords } from './own-sources.mjs';

const SCHEMAS = /@aws-sdk\/.+\/dist-es\/.*schemas\/schemas_0\.js$/;
const SAGEMAKER_SCHEMAS = /@aws-sdk\/client-sagemaker\/dist-es\/schemas\/schemas_0\.js$/;

/** The schema of a union of kinds of things, with one member left. */
function onlyEndpoints(all, head, names, types) {
  const members = names.split(',').map((name) => name.trim());
  const schemas = types.match(/\[\(\) => \w+\$, 0\]|\(\) => \w+\$/g) ?? [];
  const at = schemas.indexOf('() => Endpoint$');
  return at < 0 || members.length !== schemas.length ? all : `${head} [${members[at]}], [${schemas[at]}]];`;
}

/** Answers that we read member by member, by name, and that are never kept, passed on or compared as a whole. */
const READ_BY_NAME = [
  'Describe(?:Endpoint|EndpointConfig|InferenceComponent|Model|ModelPackage)Output',
  '(?:Pending)?ProductionVariant(?:Summary)?',
  'InferenceComponentSpecificationSummary',
  '(?:ModelPackage)?ContainerDefinition',
  '(?:Metric|Composite|Log)Alarm',
  'Describe\\w+JobDefinitionResponse',
  '(?:Get|Head|Put)ObjectOutput',
  'ListObjectsV2Output',
  '(?:Get|Put|Update|Delete)ItemOutput',
  '(?:Query|ExecuteStatement)Output',
  'DescribeExecutionOutput',
  '(?:Decrypt|Encrypt|GetSecretValue|AssumeRole|SendEmail|DescribeMonitoringSchedule)Response',
];
/** Members that the SDK itself sets or reads: of pages, and of checksums. */
const OF_THE_SDK =
  /^((Next|Exclusive|LastEvaluated|Is|Max)\w+|ContinuationToken|Limit|Bucket|Key|Body|Content\w+|Checksum\w+)$/;

/**
 * The schemas of what is sent, which we put together by name, and of READ_BY_NAME, without the members whose names stand
 * nowhere in our sources.
 */
function membersInUse(source) {
  const constants = new Map([...source.matchAll(/^const (_\w+) = "([^"\\]*)";$/gm)].map((found) => found.slice(1)));
  const used = (member, schema) => OF_THE_SDK.test(member) || ownWords().has(member) || TOKEN.test(schema);
  const sent = [...source.matchAll(/^export var \w+\$ = \[9,[^;]*?\(\) => (\w+)\$, \(\) => \w+\$\s*\];/gm)];
  const schemas = new RegExp(
    `(export var (${READ_BY_NAME.join('|')}|${sent.map(([, name]) => name).join('|') || 0})\\$ = \\[3, n\\d+, \\w+,\\s*[^[\\]]+,)\\s*\\[(.*)\\],\\s*\\[(.*)\\](?:, (\\d+))?\\s*\\];`,
    'g',
  );
  return source.replace(schemas, (all, head, _name, names, types, required) => {
    const [members, schemas] = [listOf(names), listOf(types)];
    if (members.length !== schemas.length || members.some((member) => !constants.has(member))) return all;
    const kept = members.map((_, at) => at).filter((at) => used(constants.get(members[at]), schemas[at]));
    const pick = (list) => `[${kept.map((at) => list[at])}]`;
    const needed = required && `, ${kept.filter((at) => at < Number(required)).length}`;
    return `${head} ${pick(members)}, ${pick(schemas)}${needed ?? ''}];`;
  });
}
/** The SDK makes up a token where a member has the trait 4 (idempotencyToken). */
const TOKEN = /^\[.*, 4\]$/;

/** The items of a list as it is written, `[0, { [_hH]: _x }], () => Y$, 64 | 0`. */
function listOf(text) {
  const items = [''];
  let depth = 0;
  for (const character of text) {
    if ('[{('.includes(character)) depth += 1;
    if (']})'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) items.push('');
    else items[items.length - 1] += character;
  }
  return items.map((item) => item.trim());
}

/** What no Lambda of ours sends or reads, of the SDK's schemas: each entry names files, and edits their text. */
export const SCHEMA_EDITS = [
  // `Search` finds any of a dozen kinds of things, from training jobs to feature groups. We look for endpoints.
  [
    SAGEMAKER_SCHEMAS,
    swap(/(export var SearchRecord\$ = \[3, n\d+, \w+,\s*0,)\s*\[(.*)\],\s*\[(.*)\]\s*\];/, onlyEndpoints),
  ],

  // The class of every error that a service can answer. An error without one is the service's base error with the same
  // name, message and metadata, and we go by names only.
  [SCHEMAS, swap(/^n\d+_registry\.registerError\(.*\);$/gm, '')],
  // For REST services (S3, SES) the schema of every operation, since esbuild takes `{ [_h]: ... }` for code with effects.
  // With the constants written in, only the operations in use are kept.
  [
    SCHEMAS,
    (source) => {
      const constants = new Map([...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map((found) => found.slice(1)));
      return source.replace(/\[(_\w+)\]:/g, (key, name) => `${constants.get(name) ?? key}:`);
    },
  ],
  [SCHEMAS, membersInUse],
];
