import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, as all that the packaging tool loads
import { withPureSchemas } from '../../infra/bundles/own-left-out.mjs';
import { BUNDLING } from './bundling.ts';

const root = new URL('../..', import.meta.url).pathname;

const LISTED = `<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>p/a</Key></Contents>
<NextContinuationToken>more</NextContinuationToken></ListBucketResult>`;
const ASSUMED = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>
<SecretAccessKey>none</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-21T10:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`;

describe('what the plugins leave out is not missed:', () => {
  const dir = mkdtempSync(join(tmpdir(), 'portcullis-bundle-'));
  let server: Server;
  let asked: string[];
  let send: (what: string) => Promise<unknown>;
  beforeAll(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(String(request.headers.authorization));
      const answer = (status: number, type: string, body: string) => {
        response.writeHead(status, { 'content-type': type });
        response.end(body);
      };
      if (request.headers['x-amz-target']) {
        answer(
          400,
          'application/x-amz-json-1.0',
          '{"__type":"com.amazonaws.dynamodb.v20120810#DuplicateItemException","message":"taken"}',
        );
      } else if (request.url?.includes('list-type=2')) answer(200, 'application/xml', LISTED);
      else if (request.method === 'PUT') {
        answer(
          412,
          'application/xml',
          '<Error><Code>PreconditionFailed</Code><Message>there already</Message></Error>',
        );
      } else answer(200, 'text/xml', ASSUMED);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await build({
      ...BUNDLING,
      outfile: join(dir, 'calls.cjs'),
      stdin: {
        resolveDir: root,
        contents: `
          import { DynamoDBClient, ExecuteStatementCommand } from '@aws-sdk/client-dynamodb';
          import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
          import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
          const calls = {
            insert: [DynamoDBClient, new ExecuteStatementCommand({ Statement: 'INSERT' })],
            put: [S3Client, new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' })],
            list: [S3Client, new ListObjectsV2Command({ Bucket: 'b', Prefix: 'p/' })],
            assume: [STSClient, new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::111122223333:role/r', RoleSessionName: 's' })],
          };
          export const send = (what, endpoint) => {
            const [Client, command] = calls[what];
            return new Client({ region: 'us-east-1', maxAttempts: 1, forcePathStyle: true, endpoint }).send(command);
          };`,
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
  test('answers in XML are read, times among them', async () => {
    expect(await send('list')).toMatchObject({
      IsTruncated: true,
      NextContinuationToken: 'more',
      Contents: [{ Key: 'p/a' }],
    });
    const expiration = new Date('2026-11-21T10:00:00Z');
    expect(await send('assume')).toMatchObject({ Credentials: { AccessKeyId: 'ASIA', Expiration: expiration } });
  });
  test('credentials are those of the environment', () => {
    expect(asked.length).toBeGreaterThan(0);
    for (const authorization of asked) expect(authorization).toContain('Credential=from-the-environment/');
  });
});

type Params = Record<string, string | boolean | undefined>;
type Resolve = (params: Params) => unknown;

/** Every combination of one value of each. */
const combinations = (choices: Record<string, readonly Params[string][]>): Params[] =>
  Object.entries(choices).reduce<Params[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
const COMMON = {
  Region: ['us-east-1', 'eu-central-1', 'cn-north-1', 'us-gov-west-1', 'us-iso-east-1', undefined],
  UseFIPS: [false, true],
  UseDualStack: [false, true],
  Endpoint: [undefined, 'http://localhost:4566'],
};
const CASES: Record<string, Params[]> = {
  s3: combinations({
    ...COMMON,
    Bucket: ['plain', 'with.dots', 'Upper', 'point-s3alias', 'x--use1-az4--x-s3', 'arn:aws:s3:::b', undefined],
    ForcePathStyle: [false, true],
    // As GetBucketEncryption sets it.
    UseS3ExpressControlEndpoint: [undefined, true],
    DisableS3ExpressSessionAuth: [undefined],
    UseArnRegion: [undefined],
    DisableAccessPoints: [undefined, true],
  }),
  dynamodb: combinations({
    ...COMMON,
    ResourceArn: [undefined, 'portcullis-ledger'],
    AccountId: [undefined, '111122223333'],
    AccountIdEndpointMode: ['preferred', 'disabled', 'required'],
  }),
  ...Object.fromEntries(
    [
      'application-auto-scaling',
      'cloudwatch',
      'kms',
      'pricing',
      'sagemaker',
      'secrets-manager',
      'sesv2',
      'sfn',
      'sts',
    ].map((client) => [client, combinations(COMMON)]),
  ),
};
/** What no call of ours asks for. */
const isLeftOut = ({ UseDualStack, Bucket }: Params, client: string) =>
  UseDualStack === true || (client === 's3' && (Bucket === undefined || /--x-s3$|^arn:/.test(String(Bucket))));

describe('endpoints', () => {
  const dir = mkdtempSync(join(tmpdir(), 'portcullis-endpoints-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const resolvers = async (name: string, options: object) => {
    const lines = Object.keys(CASES).map((client) => {
      const path = join(root, 'node_modules/@aws-sdk', `client-${client}`, 'dist-es/endpoint/endpointResolver.js');
      return `export { defaultEndpointResolver as ${client.replaceAll('-', '_')} } from ${JSON.stringify(path)};`;
    });
    const outfile = join(dir, `${name}.cjs`);
    await build({ ...BUNDLING, ...options, outfile, stdin: { resolveDir: root, contents: lines.join('\n') } });
    return createRequire(import.meta.url)(outfile) as Record<string, Resolve>;
  };
  const answerOf = (resolve: Resolve | undefined, params: Params): string => {
    try {
      return JSON.stringify(resolve?.(params));
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('are where the SDK has them, or not in the bundle', async () => {
    const [ours, theirs] = await Promise.all([resolvers('ours', {}), resolvers('theirs', { plugins: [] })]);
    const left = { out: 0, in: 0 };
    for (const [client, cases] of Object.entries(CASES)) {
      const name = client.replaceAll('-', '_');
      for (const params of cases) {
        const answer = answerOf(ours[name], params);
        if (answer.includes('not in this bundle')) {
          expect(isLeftOut(params, client), `${client} ${JSON.stringify(params)}`).toBe(true);
          left.out += 1;
        } else {
          expect(answer, `${client} ${JSON.stringify(params)}`).toBe(answerOf(theirs[name], params));
          left.in += 1;
        }
      }
    }
    expect(left.out).toBeGreaterThan(500);
    expect(left.in).toBeGreaterThan(500);
  });
});

describe('a schema', () => {
  test('is made only where it is used, whatever it is made of', () => {
    const source =
      'export const A = z\n  .object({ ...B.shape, c: C.shape.c.optional() })\n  .strict();\nconst n = count();\n';
    expect(withPureSchemas(source)).toBe(
      'export const A = /* @__PURE__ */ (() => z\n  .object({ ...B.shape, c: C.shape.c.optional() })\n  .strict())();\nconst n = count();\n',
    );
  });
});
