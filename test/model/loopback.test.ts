import { expect, test } from 'vitest';
import { isLoopbackHost, isLoopbackUrl } from '../../shared/model/loopback.ts';

test.each(['http://127.0.0.1:4510', 'http://localhost', 'http://[::1]:80', 'http://127.1.2.3/x'])(
  '%s is on this machine',
  (url) => expect(isLoopbackUrl(url)).toBe(true),
);

test.each([
  'https://127.0.0.1:4510',
  'http://gate.example.com',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'http://10.0.0.1',
  'http://0.0.0.0',
])('%s is not, or is no plain HTTP', (url) => expect(isLoopbackUrl(url)).toBe(false));

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['LOCALHOST:4510', true],
  ['', false],
  ['203.0.113.7', false],
  ['127.0.0.1.evil.example.com:4510', false],
])('as a host, %s: %s', (host, is) => expect(isLoopbackHost(host)).toBe(is));
