import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, since the packaging tool loads it too
import plugins from '../../infra/esbuild-plugins.mjs';

const root = new URL('../..', import.meta.url).pathname;
const OPTIONS: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  mainFields: ['module', 'main'],
  plugins,
  logLevel: 'error',
  legalComments: 'none',
};

/**
 * KiB, minified. Two read everything about an endpoint, with six SDK clients, and the sweep has nine, since it lists all that
 * and writes to people too; who puts things back reads all of it and writes to people, with eight. The console has seven as well, and OpenID Connect, which is loaded when somebody logs in with a provider.
 * It also judges anew what a waiver or a proposal is about. Who receives events knows whom they affect and what they cost. The others stay below the goal of 400.
 */
const LIMITS: Record<string, number> = {
  'receive-event.ts': 430,
  'gather-facts.ts': 530,
  'verify-monitoring.ts': 570,
  'remediate.ts': 610,
  'sweep.ts': 630,
  'http-api.ts': 720,
};
const functions = readdirSync(join(root, 'functions')).filter((name) => name.endsWith('.ts'));

describe('the bundle', () => {
  test('of every function is looked at', () => expect(functions.length).toBe(12));
  test.each(functions)('of %s is no larger than it may be', async (name) => {
    const { outputFiles } = await build({ ...OPTIONS, entryPoints: [join(root, 'functions', name)], write: false });
    expect((outputFiles[0]?.contents.length ?? Number.NaN) / 1024).toBeLessThanOrEqual(LIMITS[name] ?? 400);
  });
});

describe('what the plugins leave out is not missed:', () => {
  const dir = mkdtempSync(join(tmpdir(), 'portcullis-bundle-'));
  let server: Server;
  let asked: string[];
  let send: (what: string) => Promise<unknown>;
  beforeAll(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(String(request.headers.authorization));
      if (request.headers['x-amz-target']) {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        response.end('{"__type":"com.amazonaws.dynamodb.v20120810#DuplicateItemException","message":"taken"}');
      } else {
        response.writeHead(412, { 'content-type': 'application/xml' });
        response.end('<Error><Code>PreconditionFailed</Code><Message>there already</Message></Error>');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await build({
      ...OPTIONS,
      outfile: join(dir, 'calls.cjs'),
      stdin: {
        resolveDir: root,
        contents: `
          import { DynamoDBClient, ExecuteStatementCommand } from '@aws-sdk/client-dynamodb';
          import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
          const options = { region: 'us-east-1', maxAttempts: 1, forcePathStyle: true };
          export const send = (what, endpoint) => what === 'insert'
            ? new DynamoDBClient({ ...options, endpoint }).send(new ExecuteStatementCommand({ Statement: 'INSERT' }))
            : new S3Client({ ...options, endpoint }).send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' }));`,
      },
    });
    const bundle = createRequire(import.meta.url)(join(dir, 'calls.cjs'));
    send = (what) => bundle.send(what, endpoint);
    process.env.AWS_ACCESS_KEY_ID = 'from-the-environment';
    process.env.AWS_SECRET_ACCESS_KEY = 'none';
  });
  afterAll(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  test('an error has its name and message without a class of its own', async () => {
    await expect(send('insert')).rejects.toMatchObject({ name: 'DuplicateItemException', message: 'taken' });
    await expect(send('put')).rejects.toMatchObject({ name: 'PreconditionFailed', $fault: 'client' });
  });
  test('credentials are those of the environment', () => {
    expect(asked.length).toBeGreaterThan(0);
    for (const authorization of asked) expect(authorization).toContain('Credential=from-the-environment/');
  });
});
