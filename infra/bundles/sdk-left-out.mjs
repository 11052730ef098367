import { readFileSync } from 'node:fs';
import { notAdded, swap, wholly } from './edits.mjs';
import { withoutUncalled } from './methods-left-out.mjs';
import { S3_EDITS } from './s3-edits.mjs';
import { SCHEMA_EDITS } from './schema-edits.mjs';

// What the AWS SDK's packages bring along that no Lambda of ours can reach. Each entry names files, and edits their
// text. Where a new version of the SDK looks different, nothing is found to edit: the bundle works as before and is
// larger, which test/infra/bundles.test.ts notices. What is left out throws where it is reached all the same, or did nothing
// for us before either.

/** Which files, and what becomes of their text. */
export const EDITS = [
  // The version is the one thing that a client reads of its package.json: it is in the user agent.
  [/@aws-sdk\/[\w-]+\/package\.json$/, (source) => JSON.stringify({ version: JSON.parse(source).version })],

  // Event streams: no call of ours answers with one. They are loaded by `import()`, for which esbuild wraps every module
  // that they share with the rest, and that is most of the SDK.
  [
    /@smithy\/core\/dist-es\/submodules\/protocols\/HttpProtocol\.js$/,
    swap(
      /const \{ EventStreamSerde, eventStreamSerdeProvider \} = await import\("@smithy\/core\/event-streams"\);[\s\S]*?\n {4}\}/,
      `throw new Error('Event streams are not in this bundle.');\n    }`,
    ),
  ],
  [
    /@smithy\/core\/dist-es\/submodules\/event-streams\/index\.js$/,
    wholly(`
      export const eventStreamSerdeProvider = () => { throw new Error('Event streams are not in this bundle.'); };
      export const resolveEventStreamSerdeConfig = (config) => config;`),
  ],

  // DynamoDB's endpoints are known by region; no command asks for their discovery, only the client makes its cache.
  [/@aws-sdk\/endpoint-cache\/dist-es\/EndpointCache\.js$/, wholly('export class EndpointCache {}')],
  [
    /@aws-sdk\/client-dynamodb\/dist-es\/commands\/DescribeEndpointsCommand\.js$/,
    wholly(`
      export class DescribeEndpointsCommand {
        constructor() { throw new Error('Discovery of endpoints is not in this bundle.'); }
      }`),
  ],

  // Hashes in JavaScript, for a Node.js without OpenSSL. A Lambda's has it; esbuild cannot know.
  [
    /\/(Sha256Node|Sha1Node|Md5Node)\.js$/,
    swap(/hasNativeCrypto \? buildNativeClass\(\) : \w+;/, '/* @__PURE__ */ buildNativeClass();'),
  ],
  [/\/(Sha256Node|Sha1Node|Md5Node)\.js$/, swap(/const hasNativeCrypto = [\s\S]*?\n\}\)\(\);/, '')],

  // Signatures for several regions at once need a package that is not installed. The SDK asks whether it is, and then
  // takes the ordinary ones.
  [
    /@aws-sdk\/signature-v4-multi-region\/dist-es\/SignatureV4MultiRegion\.js$/,
    wholly(`
      import { SignatureV4 } from '@smithy/signature-v4';
      export class SignatureV4MultiRegion extends SignatureV4 {
        static sigv4aDependency() { return 'none'; }
        async sign(request, options) {
          if (options?.signingRegion === '*') throw new Error('Signatures for several regions are not in this bundle.');
          return super.sign(request, options);
        }
      }`),
  ],

  // Only requests are signed: no events, no texts, and no links that are valid by themselves.
  [
    /@smithy\/signature-v4\/dist-es\/SignatureV4\.js$/,
    (source) =>
      withoutUncalled(
        source
          .replace(
            /if \(typeof toSign === "string"\) \{[\s\S]*?else \{\n\s*(return this\.signRequest\(toSign, options\);)\n\s*\}/,
            '$1',
          )
          .replace('headerFormatter = new HeaderFormatter();', ''),
        '.sign( .signRequest(',
      ),
  ],

  // The SDK has two readers of dates. The one of its XML services reads what the other does.
  [
    /\/(JsonShapeDeserializer2|parseRetryAfterHeader|s3-expires-middleware)\.js$/,
    swap(/\b(parseEpochTimestamp|parseRfc3339DateTimeWithOffset|parseRfc7231DateTime)(?=[^;]* from)/g, '_$1 as $1'),
  ],

  // Which features of the SDK are in use, for AWS's statistics. It is a part of the user agent; the rest stays.
  [/middleware-user-agent\/check-features\.js$/, wholly('export const checkFeatures = async () => undefined;')],
  // Our clients have a logger that takes neither inputs nor errors (shared/aws/clients/options.ts).
  [/middleware-logger\/loggerMiddleware\.js$/, notAdded],
  // The version of Node.js is the Lambda's.
  [
    /@aws-sdk\/core\/dist-es\/submodules\/client\/emitWarningIfUnsupportedVersion\.js$/,
    swap(/(emitWarningIfUnsupportedVersion = \(version\) => \{)[\s\S]*?\n\};/, '$1};'),
  ],

  // Settings of what is left out above.
  [
    /@aws-sdk\/client-[\w-]+\/dist-es\/runtimeConfig\.js$/,
    swap(
      /^ {8}(sigv4aSigningRegionSet|endpointDiscoveryEnabledProvider|disableS3ExpressSessionAuth|useArnRegion|eventStreamSerdeProvider): .*\n/gm,
      '',
    ),
  ],
  [
    /\/AwsSdkSigV4ASigner\.js$/,
    wholly(`export class AwsSdkSigV4ASigner {
      async sign() { throw new Error('Signatures for several regions are not in this bundle.'); }
    }`),
  ],
  // Requests are compressed where measurements are sent. Ours go through the log.
  [
    /@smithy\/middleware-compression\/dist-es\/resolveCompressionConfig\.js$/,
    wholly('export const resolveCompressionConfig = (config) => config;'),
  ],
  [
    /@aws-sdk\/client-cloudwatch\/dist-es\/runtimeConfig\.js$/,
    swap(/^ {8}(disableRequestCompression|requestMinCompressionSizeBytes): .*\n/gm, ''),
  ],

  // Extensions of a client: nobody passes any.
  [
    /@aws-sdk\/client-[\w-]+\/dist-es\/runtimeExtensions\.js$/,
    wholly('export const resolveRuntimeExtensions = (config) => config;'),
  ],

  // The lists of regions are for their names: which partition a region is in, its pattern says.
  [
    /util-endpoints\/lib\/aws\/partitions\.js$/,
    swap(/"regions": \{\s*(?:"[\w-]+": \{\s*"description": "[^"]*"\s*\},?\s*)*\}/g, '"regions": {}'),
  ],

  // Profiles in the home directory, and the region of an EC2 instance: a Lambda has neither.
  [
    /shared-ini-file-loader\/loadSharedConfigFiles\.js$/,
    wholly(`
      export { CONFIG_PREFIX_SEPARATOR } from './constants';
      export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`),
  ],
  [
    /regionConfig\/getInstanceMetadataRegion\.js$/,
    wholly('export const getInstanceMetadataRegion = async () => undefined;'),
  ],

  // Making a regular expression has no effects, so one that nobody uses need not be made.
  [
    /@smithy\/core\/dist-es\/.+\.js$/,
    swap(/(^(?:export )?const \w+ = )new RegExp\(/gm, '$1/* @__PURE__ */ new RegExp('),
  ],

  ...S3_EDITS,
  ...SCHEMA_EDITS,
];

/** The AWS SDK without what a Lambda cannot reach. */
export const sdkLeftOut = {
  name: 'sdk-left-out',
  setup(build) {
    build.onLoad({ filter: /node_modules[\\/](@aws-sdk|@smithy)[\\/].+\.(js|json)$/ }, ({ path }) => {
      const name = path.replaceAll('\\', '/');
      const edits = EDITS.filter(([files]) => files.test(name));
      if (edits.length === 0) return undefined;
      const contents = edits.reduce((text, [, edit]) => edit(text), readFileSync(path, 'utf8'));
      return { contents, loader: path.endsWith('.json') ? 'json' : 'js' };
    });
  },
};
