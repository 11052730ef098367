import { setTimeout as sleep } from 'node:timers/promises';
import { createEndpoint, prepare, putGroupAlarms } from '../bench/driver.ts';
import type { PackagedSettings } from '../shared/config.ts';
import type { SweepSummary } from '../shared/model/sweep-summary.ts';
import { countChanges } from './changes.ts';
import type { Invocation } from './invocation.ts';
import { type Kind, MIX } from './mix.ts';
import { openRuntime, type Runtime } from './runtime.ts';
import type { Template } from './template.ts';

/** What the local runs show: changes of each kind, invocation by invocation, and one sweep. */
export type Counted = { changes: { kind: Kind; runs: Invocation[][] }[]; sweep: Invocation[] };

const GROUP = 100;

/** Fills the account up to so many endpoints that nothing is to be said about, and sweeps them. */
async function countSweep(runtime: Runtime, endpoints: number, present: number): Promise<Invocation[]> {
  const { awsUrl } = runtime;
  await prepare(awsUrl, 1);
  for (let from = present; from < endpoints; from += GROUP) {
    const names = Array.from({ length: Math.min(GROUP, endpoints - from) }, (_, index) => `swept-${from + index}`);
    await putGroupAlarms(awsUrl, `swept-${from}`, names);
    for (const name of names) {
      await createEndpoint(awsUrl, name, `swept-${from}`, 'dev');
      // Not all at once: the events of an endpoint wait for those before them, and here there is one queue for all.
      await sleep(20);
    }
  }
  await runtime.idle();
  // The first sweep notes every endpoint; from then on it only looks.
  await runtime.call('sweep', {});
  runtime.take();
  for (const part of ['sweep', 'tend-requests']) {
    const summary = (await runtime.call(part, {})) as SweepSummary;
    const { started, ended, failed } = summary;
    if (started || ended || failed) throw new Error(`The sweep found something: ${JSON.stringify(summary)}`);
  }
  return runtime.take();
}

export async function count(
  template: Template,
  settings: PackagedSettings,
  { runs, endpoints, tell }: { runs: number; endpoints: number; tell: (text: string) => void },
): Promise<Counted> {
  const runtime = await openRuntime(template, settings);
  try {
    // Budgets are about the fleet, and the first sweep counts it. Before that people are asked.
    await runtime.call('sweep', {});
    const changes: Counted['changes'] = [];
    const clock = { at: Date.now() };
    for (const kind of MIX) {
      tell(`counting: ${kind.name}, ${runs} times`);
      changes.push({ kind, runs: await countChanges(runtime, kind, runs, clock) });
    }
    tell(`counting: a sweep over ${endpoints} endpoints`);
    return { changes, sweep: await countSweep(runtime, endpoints, MIX.length) };
  } finally {
    await runtime.stop();
  }
}
