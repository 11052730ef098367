import { AwsError, type Caller, type Loopback } from './loopback.ts';
import {
  type BucketOperation,
  createBucket,
  deleteBucket,
  deleteBucketEncryption,
  getBucketEncryption,
  getBucketVersioning,
  headBucket,
  listBuckets,
  listObjectsV2,
  putBucketEncryption,
  putBucketVersioning,
} from './s3-buckets.ts';
import { deleteObject, getObject, headObject, putObject } from './s3-objects.ts';
import { bodyOf, errorAnswer, headerOf, placeOf, type S3Answer, type S3Call, type S3Request } from './s3-wire.ts';

/** Query parameters that ask for another operation; all others only refine one. */
const REFINEMENTS =
  /^(x-id|list-type|prefix|delimiter|max-keys|.*-token|start-after|fetch-owner|encoding-type|versionId|x-amz-.*)$/i;

/** Headers that make another operation of it, or one that would be done wrongly. */
const OTHER_OPERATIONS = ['x-amz-copy-source', 'x-amz-server-side-encryption-customer-algorithm', 'if-match'];

const OPERATIONS: Record<string, BucketOperation> = {
  'GET /': listBuckets,
  'PUT bucket': createBucket,
  'HEAD bucket': headBucket,
  'DELETE bucket': deleteBucket,
  'GET bucket list-type=2': listObjectsV2,
  'GET bucket encryption': getBucketEncryption,
  'PUT bucket encryption': putBucketEncryption,
  'DELETE bucket encryption': deleteBucketEncryption,
  'GET bucket versioning': getBucketVersioning,
  'PUT bucket versioning': putBucketVersioning,
  'PUT object': putObject,
  'HEAD object': headObject,
  'GET object': getObject,
  'DELETE object': deleteObject,
};

/** What is asked for by its method, level and subresource. */
function operationOf({ method, bucket, key, query, headers }: S3Call): string {
  const level = bucket === '' ? '/' : key === '' ? 'bucket' : 'object';
  const parameters = [...query.keys()].filter((name) => !REFINEMENTS.test(name)).sort();
  if (level === 'bucket' && method === 'GET' && query.has('list-type'))
    parameters.push(`list-type=${query.get('list-type')}`);
  const special = OTHER_OPERATIONS.filter((name) => headerOf(headers, name));
  return [method, level, ...parameters, ...special].join(' ');
}

/** S3, path style. Errors are answers too. */
export function handleS3(loopback: Loopback, request: S3Request, caller: Caller): S3Answer {
  try {
    const call = { ...request, ...placeOf(request.path) };
    const asked = operationOf(call);
    const operation = OPERATIONS[asked];
    if (!operation) {
      const name = [request.query.get('x-id'), `(${asked})`].filter(Boolean).join(' ');
      throw new AwsError('NotImplemented', `The loopback AWS does not do S3 ${name}.`, 501);
    }
    return operation(loopback, { ...call, body: bodyOf(request) }, caller);
  } catch (error) {
    if (error instanceof AwsError) return errorAnswer(request, error);
    throw error;
  }
}
