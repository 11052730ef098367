import { afterEach, expect, test, vi } from 'vitest';
import { createServices } from '../../shared/aws/all-services.ts';
import { config } from '../builders.ts';

afterEach(() => vi.unstubAllEnvs());

test('ids are 26 unguessable lower-case letters and digits', () => {
  const { newId } = createServices(config());
  const ids = Array.from({ length: 200 }, newId);
  expect(new Set(ids).size).toBe(200);
  for (const id of ids) expect(id).toMatch(/^[0-9a-hj-km-np-tv-z]{26}$/);
});

test('codes are for people to type: two groups of five, without letters that look alike', () => {
  const { newCode } = createServices(config());
  const codes = Array.from({ length: 200 }, newCode);
  expect(new Set(codes).size).toBe(200);
  for (const code of codes) expect(code).toMatch(/^[0-9A-HJ-KM-NP-TV-Z]{5}-[0-9A-HJ-KM-NP-TV-Z]{5}$/);
});

test('the clock is UTC, and can be replaced together with the cache that runs by it', async () => {
  expect(createServices(config()).now()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const clock = { now: '2026-11-20T10:00:00.000Z' };
  const { cache } = createServices(config(), { now: () => clock.now });
  let reads = 0;
  const read = () => cache.get('k', async () => (reads += 1));
  await read();
  clock.now = '2026-11-20T10:01:01.000Z';
  expect(await read()).toBe(2);
});

test('readers try as often as configured, and every client is in the configured region', async () => {
  const { sagemaker, cloudwatch, scaling, s3, dynamodb } = createServices(config({ region: 'eu-west-1' }));
  for (const client of [sagemaker, cloudwatch, scaling, s3]) expect(await client.config.maxAttempts()).toBe(6);
  expect(await dynamodb.config.region()).toBe('eu-west-1');
});

test('S3 uses paths instead of host names only where calls go somewhere else than to AWS', () => {
  vi.stubEnv('AWS_ENDPOINT_URL', '');
  expect(createServices(config()).s3.config.forcePathStyle).toBe(false);
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:4510');
  expect(createServices(config()).s3.config.forcePathStyle).toBe(true);
});
