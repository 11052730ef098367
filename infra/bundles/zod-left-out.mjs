import { readFileSync } from 'node:fs';
import { ownSources } from './own-sources.mjs';

/** Every method that is called, in the sources that go into a Lambda and in zod's own; `z.url()` is none of a schema. */
function methodsCalled(zod) {
  // Called, or handed on by a schema's name: `values.map(Price.parse)`.
  const called = /(?<!\b(?:z|iso|core|checks|util|parse))\s*\.\s*(\w+)\(|\b[A-Z]\w*\.(\w+)\b/g;
  return new Set(
    [...ownSources(), zod].flatMap((text) => [...text.matchAll(called)].map(([, name, ref]) => name ?? ref)),
  );
}

/**
 * Zod's schemas have a hundred methods, and each keeps what it makes: there is one for every format of text. A method
 * whose name is called nowhere in our sources is called by nobody. A method that is called all the same is not there,
 * which throws where the schema is made.
 */
function methodsInUse(source) {
  const used = methodsCalled(source);
  return source.replace(/^ {4}(?:async )?(\w+)\([^()]*\) \{\n(?: {8}.*\n)+ {4}\},\n/gm, (method, name) =>
    used.has(name) ? method : '',
  );
}

/** Zod's methods refer to its writers of JSON Schema. Only `npm run generate` writes any. */
const withoutBodies = (source) =>
  [...source.matchAll(/^export (?:const|function) (\w+)/gm)]
    .map(([, name]) => `export function ${name}() { return () => ({}); }`)
    .join('\n');

/** Zod without what nobody here calls. */
export const zodLeftOut = {
  name: 'zod-left-out',
  setup(build) {
    const edit = (filter, change) =>
      build.onLoad({ filter }, ({ path }) => ({ contents: change(readFileSync(path, 'utf8')) }));
    edit(/zod[\\/]v4[\\/]core[\\/](to-json-schema|json-schema-processors)\.js$/, withoutBodies);
    // Names of formats that no schema of ours has; without its name here a format is called what it is called in zod.
    edit(/zod[\\/]v4[\\/]locales[\\/]en\.js$/, (source) =>
      source.replace(
        /^ {8}(emoji|uuidv[46]|nanoid|guid|cuid2?|ulid|xid|ksuid|mac|ipv[46]|cidrv[46]|base64(?:url)?|json_string|e164|currency_code|credit_card|iban|jwt|template_literal|duration): ".*",\n/gm,
        '',
      ),
    );
    // Through another module's namespace esbuild cannot see which of these functions are called.
    edit(/zod[\\/]v4[\\/]classic[\\/]schemas\.js$/, (source) =>
      methodsInUse(source)
        .replace('import { util } from "../core/index.js";', 'import * as util from "../core/util.js";')
        .replaceAll('core.util.', 'util.')
        // It writes a function for each schema that parses objects. Writing it costs what a hundred parses gain.
        .replace('core.$ZodObjectJIT.init(inst, def);', 'core.$ZodObject.init(inst, def);')
        // It sees to values that contain themselves. What we parse was JSON.
        .replace('core.config({ memoizer: core.memoizer() });', ';'),
    );
  },
};
