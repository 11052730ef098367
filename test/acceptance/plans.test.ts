import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordBody } from '../../shared/model/ledger-record.ts';
import { root, typed } from '../cli/portcullis.ts';
import { eventually, outcomeOf, putAlarms } from './gate.ts';
import { Runtime } from './runtime.ts';

const NAME = 'churn-staging';
const PLAN = 'examples/plans/churn-staging.yaml';
const ID = `000000000000/us-east-1/${NAME}/1`;

/** A deployment that is accepted before it is made, as the example script does it. */
describe('a plan', { timeout: 60_000 }, () => {
  let runtime: Runtime;
  let port: string;
  const planned = async <K extends RecordBody['kind']>(kind: K) =>
    (await runtime.recordsOf('plan', NAME)).flatMap(({ body }) =>
      body.kind === kind ? [body as never] : [],
    ) as Extract<RecordBody, { kind: K }>[];

  beforeAll(async () => {
    runtime = new Runtime();
    await runtime.start();
    port = new URL(runtime.awsUrl).port;
    const { s3 } = runtime.clients();
    await s3.send(new CreateBucketCommand({ Bucket: 'example-models-staging' }));
    const artifact = { Bucket: 'example-models-staging', Key: 'churn/model.tar.gz', Body: 'weights' };
    await s3.send(new PutObjectCommand(artifact));
    await putAlarms(runtime, NAME);
  }, 30_000);
  afterAll(() => runtime.remove());

  test('is submitted, waited for, approved by people, carried out by the script, and nobody is asked again', async () => {
    const script = spawn(
      process.execPath,
      ['examples/deploy-model/deploy.ts', PLAN, '--role', runtime.hosting.role, '--local', '--aws-port', port],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          AWS_ENDPOINT_URL: runtime.awsUrl,
          AWS_ACCESS_KEY_ID: 'pipeline',
          AWS_SECRET_ACCESS_KEY: 'any',
          AWS_REGION: 'us-east-1',
        },
      },
    );
    let told = '';
    for (const stream of [script.stdout, script.stderr]) stream.on('data', (chunk) => (told += String(chunk)));
    const ended = once(script, 'close');

    const { request, approvers } = await eventually('question', async () => (await planned('approval-requested'))[0]);
    expect(approvers).toEqual(['ada', 'ben', 'eve']);
    // It asks the gate every few seconds how the plan stands, and people here may be faster than that.
    await eventually('word that people are asked', async () => told.includes('It waits for people until'));
    // Whom the plan names proves nobody, so two have to approve.
    await runtime.decide(request, 'ada@example.com', 'approved');
    expect(await planned('outcome')).toEqual([]);
    await runtime.decide(request, 'ben@example.com', 'approved', 'as discussed in CHG-1042');

    expect(await ended, told).toEqual([0, null]);
    expect(told).toContain(`Submitted as plan ${ID}.`);
    expect(told).toMatch(
      /is being moved to churn-staging-\d{14}, as plan 000000000000\/us-east-1\/churn-staging\/1 says/,
    );

    const outcome = await outcomeOf(runtime, NAME, { result: 'approved' });
    expect(outcome.reason).toBe('As planned: plan 1, approved by ada, ben: as discussed in CHG-1042');
    expect(await runtime.bodies(NAME, 'approval-requested')).toEqual([]);
    expect(await planned('plan-matched')).toMatchObject([{ generation: 1 }]);
    const shown = await typed('plan', 'show', ID, '--local', '--aws-port', port, '--json');
    expect(shown.code).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({ state: 'approved', carriedOutBy: [outcome.generation] });
  });

  test('is listed', async () => {
    const listed = await typed('plan', 'list', '--local', '--aws-port', port);
    expect(listed.out).toMatch(/churn-staging +plan 1 +staging +approved/);
  });
});
