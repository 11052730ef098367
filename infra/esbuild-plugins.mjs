import { readFileSync } from 'node:fs';

// What makes the Lambdas' bundles smaller, and with them cold starts shorter. They only leave out what a Lambda cannot
// reach. bench/cold.ts measures what they gain.

/** A Lambda's credentials are in its environment. The SDK's default chain brings the clients of STS and SSO along. */
const credentialsFromEnvironment = {
  name: 'credentials-from-environment',
  setup(build) {
    build.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ resolveDir }) => ({
      path: 'credential-provider-node',
      namespace: 'credentials-from-environment',
      pluginData: resolveDir,
    }));
    build.onLoad({ filter: /./, namespace: 'credentials-from-environment' }, ({ pluginData }) => ({
      contents: `export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';`,
      resolveDir: pluginData,
    }));
  },
};

/**
 * What the SDK's schemas bring along that nobody here uses:
 * - The class of every error that a service can answer. An error without one is the service's base error with the same
 *   name, message and metadata, and we go by names only. (test/infra/bundles.test.ts looks at one.)
 * - For REST services (S3, SES) the schema of every operation, since esbuild takes `{ [_h]: ... }` for code with
 *   effects. With the constants written in, only the operations in use are kept.
 */
const schemasInUse = {
  name: 'schemas-in-use',
  setup(build) {
    build.onLoad({ filter: /@aws-sdk[\\/].+[\\/]dist-es[\\/].*schemas[\\/]schemas_0\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const constants = new Map(
        [...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map(([, name, value]) => [name, value]),
      );
      const contents = source
        .replace(/^n\d+_registry\.registerError\(.*\);$/gm, '')
        .replace(/\[(_\w+)\]:/g, (key, name) => `${constants.get(name) ?? key}:`);
      return { contents };
    });
  },
};

/** Zod's methods refer to its writers of JSON Schema. Only `npm run generate` writes any. */
const zodWithoutJsonSchema = {
  name: 'zod-without-json-schema',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]core[\\/](to-json-schema|json-schema-processors)\.js$/ }, ({ path }) => {
      const names = [...readFileSync(path, 'utf8').matchAll(/^export (?:const|function) (\w+)/gm)].map(
        ([, name]) => name,
      );
      return { contents: names.map((name) => `export function ${name}() { return () => ({}); }`).join('\n') };
    });
  },
};

/** Making a schema has no effects, so one that a Lambda does not use need not be made. esbuild cannot know that. */
const unusedSchemasLeftOut = {
  name: 'unused-schemas-left-out',
  setup(build) {
    build.onLoad({ filter: /[\\/](shared|functions)[\\/].+\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const source = readFileSync(path, 'utf8');
      return {
        contents: source.replace(
          /\b(z\s*\.\w+|[A-Z]\w+\.(?:extend|nullable|optional|default|prefault))\(/g,
          '/* @__PURE__ */ $&',
        ),
        loader: 'ts',
      };
    });
  },
};

export default [credentialsFromEnvironment, schemasInUse, zodWithoutJsonSchema, unusedSchemasLeftOut];
