import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EndpointRef, endpointArn, refFromArn, streamOf } from '../../shared/model/endpoint-ref.ts';
import { endpoint } from '../builders.ts';

describe('EndpointRef', () => {
  test.each(['a', 'fraud-prod', 'A--b', 'x'.repeat(63)])('the name %s is allowed', (name) => {
    expect(EndpointRef.safeParse({ ...endpoint, name }).success).toBe(true);
  });
  test.each(['', '-a', 'a-', 'a_b', "a'b", 'a#b', 'a/b', 'a\n', 'x'.repeat(64), 'ü'])(
    'the name %j is refused',
    (name) => {
      expect(EndpointRef.safeParse({ ...endpoint, name }).success).toBe(false);
    },
  );
  test.each([
    ['account', '1234'],
    ['account', '11112222333a'],
    ['region', 'US-EAST-1'],
    ['region', 'us-east'],
  ])('the %s %s is refused', (field, value) => {
    expect(EndpointRef.safeParse({ ...endpoint, [field]: value }).success).toBe(false);
  });
  test.each(['us-gov-west-1', 'ap-southeast-2'])('the region %s is allowed', (region) => {
    expect(EndpointRef.safeParse({ ...endpoint, region }).success).toBe(true);
  });

  test('what is allowed can stand in a key and in a PartiQL literal as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const parsed = EndpointRef.safeParse({ ...endpoint, name });
        return !parsed.success || /^[a-z0-9#-]+$/.test(streamOf(parsed.data));
      }),
    );
  });
});

test('names that differ only in case are one endpoint, so one stream and one ARN', () => {
  const shouting = { ...endpoint, name: 'Fraud-PROD' };
  expect(streamOf(shouting)).toBe('endpoint#111122223333#us-east-1#fraud-prod');
  expect(endpointArn(shouting)).toBe('arn:aws:sagemaker:us-east-1:111122223333:endpoint/fraud-prod');
});

describe('refFromArn', () => {
  test('reads what endpointArn writes', () => {
    expect(refFromArn(endpointArn(endpoint))).toEqual(endpoint);
  });
  test('knows the other partitions', () => {
    expect(refFromArn('arn:aws-cn:sagemaker:cn-north-1:111122223333:endpoint/x')?.region).toBe('cn-north-1');
  });
  test.each([
    '',
    'arn:aws:sagemaker:us-east-1:111122223333:model/fraud-prod',
    'arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/fraud-prod',
    'arn:aws:sagemaker:us-east-1:111122223333:endpoint/a/b',
    'arn:aws:s3:us-east-1:111122223333:endpoint/fraud-prod',
    'arn:aws:sagemaker:us-east-1:111122223333:endpoint/not_a_name',
  ])('%j is no endpoint', (arn) => {
    expect(refFromArn(arn)).toBeUndefined();
  });
});
