import { notAdded, swap, wholly } from './edits.mjs';

/** What the SDK has for S3, and no call of ours asks for: each entry names files, and edits their text. */
export const S3_EDITS = [
  // Bodies of requests in XML: none of our calls to S3 has one. What is read in XML is read as before.
  [
    /@aws-sdk\/core\/dist-es\/submodules\/protocols\/xml\/XmlShapeSerializer\.js$/,
    wholly(`
      import { SerdeContextConfig } from '../ConfigurableSerdeContext';
      export class XmlShapeSerializer extends SerdeContextConfig {
        write() { throw new Error('Requests in XML are not in this bundle.'); }
        flush() { throw new Error('Requests in XML are not in this bundle.'); }
      }`),
  ],

  // Streams of a browser, and bodies that are sent in pieces: what we put into a bucket is one text.
  [
    /util-stream\/sdk-stream-mixin\.browser\.js$/,
    wholly(`export const sdkStreamMixin = () => { throw new Error('Only streams of Node.js are in this bundle.'); };`),
  ],
  [
    /util-stream\/getAwsChunkedEncodingStream\.js$/,
    wholly(`
      export const getAwsChunkedEncodingStream = () => {
        throw new Error('Bodies that are sent in pieces are not in this bundle.');
      };`),
  ],

  // Nobody follows a bucket into another region (`followRegionRedirects`), brings keys of his own for an object, or puts
  // one there of two megabytes or more, before which S3 would be asked whether it wants it: a record is 400 KB at most.
  [/\/(region-redirect-middleware|middleware-ssec|middleware-expect-continue)\.js$/, notAdded],

  // Directory buckets of S3, see endpoints-left-out.mjs: no endpoint is one, so nothing begins a session with one.
  [
    /@aws-sdk\/client-s3\/dist-es\/commands\/CreateSessionCommand\.js$/,
    wholly(
      `export class CreateSessionCommand { constructor() { throw new Error('Directory buckets are not in this bundle.'); } }`,
    ),
  ],
  [
    /middleware-s3-express\/classes\/S3ExpressIdentityProviderImpl\.js$/,
    wholly(`
      export class S3ExpressIdentityProviderImpl {
        async getS3ExpressIdentity() { throw new Error('Directory buckets are not in this bundle.'); }
      }`),
  ],
  [/\/s3ExpressMiddleware\.js$/, notAdded],
  // It signs as the ordinary middleware does, which it takes the place of, and directory buckets in their own way.
  [
    /middleware-s3-express\/functions\/s3ExpressHttpSigningMiddleware\.js$/,
    swap(/request = await signS3Express\(.*\);/, `throw new Error('Directory buckets are not in this bundle.');`),
  ],
];
