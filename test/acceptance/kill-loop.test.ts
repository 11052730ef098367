import { CreateEndpointCommand } from '@aws-sdk/client-sagemaker';
import { expect, test } from 'vitest';
import { auditVerify } from '../../cli/audit-verify.ts';
import { config, deploy, deploymentConfig, eventually, outcomeOf, putAlarms, requestOf } from './gate.ts';
import { Runtime } from './runtime.ts';

const KILLS = Number(process.env.PORTCULLIS_KILLS ?? 20);

/** Small seeded generator: a failing run can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/**
 * Kills the runtime again and again while endpoints are created and decisions are made, and then holds what was
 * acknowledged (the call returned) against what is on record. What was under way at the kill may or may not be there.
 */
test(
  `${KILLS} kills lose nothing that was acknowledged`,
  async () => {
    const seed = Number(process.env.PORTCULLIS_SEED ?? 20_261_120);
    const next = random(seed);
    const runtime = new Runtime();
    const created: string[] = [];
    const decided: { name: string; request: string }[] = [];
    const waiting: { name: string; request: string; link: string }[] = [];
    await runtime.start();
    try {
      // A model with alarms and a monitor to copy: prod endpoints that ask, dev endpoints that end by themselves.
      await deploy(runtime, 'model');
      await outcomeOf(runtime, 'model');
      await config(runtime, 'three', 'model', { instances: 3 });
      const create = (name: string, configName: string, environment: string) =>
        runtime.clients().sagemaker.send(
          new CreateEndpointCommand({
            EndpointName: name,
            EndpointConfigName: configName,
            DeploymentConfig: deploymentConfig(runtime, name),
            Tags: [{ Key: 'environment', Value: environment }],
          }),
        );

      await runtime.login('ada@example.com');
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const pending = waiting.splice(0);
        const work = [
          (async () => {
            const name = `kill-${kill}`;
            await create(name, 'model-1', 'dev');
            created.push(name);
          })(),
          (async () => {
            const name = `asks-${kill}`;
            // Three instances in staging need approval.
            await putAlarms(runtime, name);
            await create(name, 'three', 'staging');
            created.push(name);
            const { request } = await requestOf(runtime, name);
            waiting.push({ name, request, link: await runtime.linkFor(request, 'ada@example.com') });
          })(),
          ...pending.map(async (asked) => {
            try {
              const { status } = await runtime.decide(asked.request, 'ada@example.com', 'approved');
              if (status === 303) decided.push(asked);
            } catch {
              // Killed on the way: it may be decided or not, and is asked again.
              waiting.push(asked);
            }
          }),
        ];
        const settled = Promise.allSettled(work);
        // Every other kill comes in the middle of the work, the others right behind it.
        const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
        await (kill % 2 === 0
          ? Promise.race([settled, pause(100 + next() * 900)])
          : settled.then(() => pause(next() * 100)));
        await runtime.end('SIGKILL');
        await settled;
        await runtime.start();
      }

      // A loop in which nothing was acknowledged would prove nothing.
      expect(created.length).toBeGreaterThan(KILLS);
      expect(decided.length).toBeGreaterThan(KILLS / 10);
      for (const name of created) {
        const asks = name.startsWith('asks-');
        await eventually(
          `sign of ${name} (seed ${seed})`,
          async () => {
            const kinds = (await runtime.records(name)).map(({ body }) => body.kind);
            return kinds.includes('outcome') || (asks && kinds.includes('approval-requested'));
          },
          60_000,
        );
      }
      for (const { name } of decided) {
        expect(await runtime.bodies(name, 'approval-given')).toMatchObject([{ approver: 'ada', answer: 'approved' }]);
        const outcome = await outcomeOf(runtime, name, {}, 60_000).catch(async (error: Error) => {
          const trail = (await runtime.records(name)).map(({ at, body }) => `${at} ${body.kind} ${body.generation}`);
          throw new Error(`${error.message} (seed ${seed})\n${trail.join('\n')}\n${runtime.stderr}`);
        });
        expect(outcome).toMatchObject({
          decision: expect.not.stringMatching('undetermined'),
        });
      }
      for (const { name, request, link } of waiting) {
        expect((await runtime.bodies(name, 'approval-requested'))[0]?.request).toBe(request);
        expect(await runtime.linkFor(request, 'ada@example.com')).toBe(link);
      }
      const quiet = { out: () => undefined, err: () => undefined, terminal: false, width: 80 };
      expect(await auditVerify({ local: true, awsPort: new URL(runtime.ready.awsUrl).port }, quiet)).toBe(0);
      console.log(
        `${KILLS} kills: ${created.length} creations, ${decided.length} decisions and ${waiting.length} waits acknowledged, 0 lost`,
      );
    } finally {
      await runtime.remove();
    }
  },
  60_000 + KILLS * 10_000,
);
