import { readFileSync } from 'node:fs';

// Where a service is, by region and options, the SDK decides by a table for each service. S3's is eighteen kilobytes of
// access points, outposts, directory buckets and accelerators. What no call of ours asks for leads to an error here,
// never to another address; FIPS endpoints stay. test/infra/left-out.test.ts holds both tables against each other.

/** Answers that are left out: what a condition looks like, and when it leads there. */
const NEVER = [
  // Dual-stack endpoints, S3's accelerator and the endpoints from before there were regions are switched on, by nobody.
  [/^\["booleanEquals",\[\{"ref":"(UseDualStack|Accelerate|UseGlobalEndpoint)"\},true\]\]$/, true],
  [/"(UseObjectLambdaEndpoint|UseS3ExpressControlEndpoint|IsSearchOperation)"\},false/, true],
  [/^\["stringEquals",\[\{"ref":"Region"\},"(aws-global|local)"\]\]$/, true],
  // Directory buckets need a right that no role of ours has, outposts a signature that is not packaged.
  [/^\["stringEquals",.*"(--x-s3|--xa-s3|--op-s3)"\]\]$/, true],
  // Buckets and tables are named by their names: an ARN does not survive in the address of an artifact.
  [/^\["aws\.parseArn",/, true],
  [/^\["isSet",\[\{"ref":"Bucket"\}\]\]$/, false],
  // Mail is sent from one region.
  [/^\["isSet",\[\{"ref":"EndpointId"\}\]\]$/, true],
];

const RESULT = 100_000_000;
const ERROR = [-1, 'Such an endpoint is not in this bundle.'];

/** The table of a module, or undefined where it is not written as we know it. */
function tableOf(source) {
  const body = source
    .replace(/^import \{ BinaryDecisionDiagram \} from "@smithy\/core\/endpoints";$/m, '')
    .replace(
      /^export const bdd = BinaryDecisionDiagram\.from\(nodes, root, _data\.conditions, _data\.results\);\s*$/m,
      'return { nodes: [...nodes], root, ..._data };',
    );
  if (/^\s*(import|export)\b/m.test(body)) return undefined;
  const table = new Function(body)();
  return table.nodes.some((ref) => ref < -1) ? undefined : table;
}

/** The same table, with errors where NEVER says so, and without what nothing leads to any more. */
function pruned({ nodes, root, conditions, results }) {
  const never = conditions.map((condition) => {
    const text = JSON.stringify(condition);
    return NEVER.find(([pattern]) => pattern.test(text))?.[1];
  });
  // Numbers as in the table: node 1 is the end without an answer.
  const next = { nodes: [-1, 1, -1], conditions: [], results: [] };
  const known = new Map([
    [-1, -1],
    [1, 1],
  ]);
  const numberOf = (list, item) => {
    const text = JSON.stringify(item);
    const at = list.findIndex((each) => JSON.stringify(each) === text);
    return at < 0 ? list.push(item) - 1 : at;
  };
  const resultRef = (result) => RESULT + numberOf(next.results, result);
  function refOf(ref) {
    if (ref >= RESULT) return resultRef(results[ref - RESULT]);
    const seen = known.get(ref);
    if (seen !== undefined) return seen;
    const [at, high, low] = nodes.slice(3 * (ref - 1), 3 * ref);
    const condition = conditions[at];
    const [yes, no] = [true, false].map((when) => (never[at] === when ? resultRef(ERROR) : refOf(when ? high : low)));
    // A question with one answer is asked only for what it notes.
    if (yes === no && condition[2] === undefined) return known.set(ref, yes) && yes;
    next.nodes.push(numberOf(next.conditions, condition), yes, no);
    return known.set(ref, next.nodes.length / 3) && next.nodes.length / 3;
  }
  return { ...next, root: refOf(root) };
}

/** As a module. What several answers share is written once. */
function moduleOf({ nodes, root, conditions, results }) {
  const shared = new Map();
  const parts = results.map(([url, properties, ...rest]) => {
    const text = JSON.stringify(properties);
    if (text !== undefined && text.length > 2 && !shared.has(text)) shared.set(text, `p${shared.size}`);
    const inner = [JSON.stringify(url), shared.get(text) ?? text, ...rest.map((each) => JSON.stringify(each))];
    return `[${inner.filter((each) => each !== undefined).join(',')}]`;
  });
  // Answers are numbered from -2 down here, which is shorter.
  const short = nodes.map((ref) => (ref >= RESULT ? RESULT - ref - 2 : ref));
  return `
    import { BinaryDecisionDiagram } from '@smithy/core/endpoints';
    ${[...shared].map(([text, name]) => `const ${name} = ${text};`).join('\n')}
    const nodes = new Int32Array([${short}]).map((ref) => (ref < -1 ? ${RESULT} - 2 - ref : ref));
    export const bdd = BinaryDecisionDiagram.from(nodes, ${root < RESULT ? root : 1}, ${JSON.stringify(conditions)}, [${parts}]);`;
}

/** The SDK's endpoints without those that no call of ours asks for. */
export const endpointsLeftOut = {
  name: 'endpoints-left-out',
  setup(build) {
    build.onLoad({ filter: /@aws-sdk[\\/]client-[\w-]+[\\/]dist-es[\\/]endpoint[\\/]bdd\.js$/ }, ({ path }) => {
      const table = tableOf(readFileSync(path, 'utf8'));
      return table && { contents: moduleOf(pruned(table)) };
    });
  },
};
