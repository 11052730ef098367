import { readFileSync } from 'node:fs';

const STARTS = /^(?:export )?const \w+(?:: [^=]+)? =(?: |$)/;
const MADE_OF_SCHEMAS =
  /^(?:export )?const \w+(?:: [^=]+)? =\s*(?:z\b|often\(|[A-Z]\w*(?:\.shape\.\w+)*\s*\.(?:extend|nullable|optional|default|prefault|or|array|refine|omit|pick|partial|transform|pipe|describe)\()/;

/** Statements of a module: every line that is not indented and opens something begins one, as the formatter has it. */
function statementsOf(source) {
  return source.split(/\n(?=[A-Za-z/@])/);
}

/**
 * Making a schema has no effects, so one that a Lambda does not use need not be made. esbuild takes every call, every
 * `...spread` and every `.shape` for something that may have some, unless it is told.
 */
export function withPureSchemas(source) {
  return statementsOf(source)
    .map((statement) => {
      const [start] = STARTS.exec(statement) ?? [];
      const end = /;\s*$/.exec(statement);
      if (!start || !end || !MADE_OF_SCHEMAS.test(statement)) return statement;
      return `${start}/* @__PURE__ */ (() => ${statement.slice(start.length, end.index)})();`;
    })
    .join('\n');
}

/** A Lambda reads dozens of facts in a call, and writing the code that reads them faster takes as long as thousands. */
const NEVER_OFTEN = 'export const often = (schema) => schema;';

/** Our own schemas that a function does not use, and the code that zod would write for those it does. */
export const ownLeftOut = {
  name: 'own-left-out',
  setup(build) {
    build.onLoad({ filter: /[\\/]shared[\\/]model[\\/]often\.ts$/ }, () => ({ contents: NEVER_OFTEN }));
    build.onLoad({ filter: /[\\/](shared|functions|console|web)[\\/].+\.ts$/ }, ({ path }) =>
      path.includes('node_modules')
        ? undefined
        : { contents: withPureSchemas(readFileSync(path, 'utf8')), loader: 'ts' },
    );
  },
};
