import type { ChangeHistory, EndpointHistory } from '../model/endpoint-history.ts';
import { type EndpointRef, streamOf, unplanned } from '../model/endpoint-ref.ts';
import { Environment } from '../model/environment.ts';
import { type Fleet, placeKey, sumsWithout, viewOf } from '../model/fleet-budget.ts';
import { endedEntry, entryOf, judgedEntry, plannedEntry } from '../model/fleet-claim.ts';
import type { FleetEntry, FleetView } from '../model/fleet-entry.ts';
import type { RecordBody, RecordOf } from '../model/ledger-record.ts';
import { priceDigestOf } from '../model/price-table.ts';
import { budgetUsdOf } from '../policies/budget.ts';
import type { PolicySettings } from '../policies/settings.ts';
import { appendToFleet, readFleet } from './fleet-stream.ts';
import { settingsNow } from './live-prices.ts';
import { placesOf } from './member-accounts.ts';
import type { With } from './services.ts';

type Changed = RecordOf<'fleet-changed'>;

/** The record of an entry that becomes another, with what the fleet costs then. */
function changed(
  fleet: Fleet,
  ref: EndpointRef,
  entry: FleetEntry | null,
  { generation, because }: Pick<Changed, 'generation' | 'because'>,
  { settings, at }: { settings: PolicySettings; at: string },
): { id: string; body: RecordBody } {
  const endpoint = unplanned(ref);
  const key = streamOf(endpoint);
  const { committed, running } = sumsWithout(fleet, settings, at, key, entry);
  const priceDigest = priceDigestOf(settings.prices);
  const body = {
    kind: 'fleet-changed' as const,
    generation,
    endpoint,
    entry,
    because,
    committed,
    running,
    priceDigest,
  };
  return { id: `${because}#${key}#${generation}`, body };
}

/**
 * Judges a change on the fleet as it would be after it, and keeps its cost for it in the same conditional append. `judge`
 * says what comes of it beside what it is shown, and is asked again where the fleet has changed meanwhile. Run again it
 * finds what was granted. For a plan nothing is kept yet. Returns the fleet that was judged on.
 */
export async function judgeOnFleet(
  services: With<'dynamodb'>,
  opened: RecordOf<'change-opened'>,
  settings: PolicySettings,
  judge: (view: FleetView) => { blocked: boolean } | Promise<{ blocked: boolean }>,
): Promise<FleetView> {
  const { facts, generation } = opened;
  const environment = opened.environment.name;
  const measure = settings.budgetCounts;
  const places = placesOf(services).map(placeKey);
  const ref = { ...facts.endpoint, ...(opened.plan && { planned: true as const }) };
  let view: FleetView | undefined;
  const look = async ({ fleet, sequence }: Awaited<ReturnType<typeof readFleet>>) => {
    view = viewOf(fleet, { ref, generation, sequence }, settings, { measure, at: services.now(), places });
    return { view, granted: !(await judge(view)).blocked };
  };
  if (opened.plan) return (await look(await readFleet(services, environment))).view;
  await appendToFleet(services, environment, async (now) => {
    const { granted } = await look(now);
    const entry = judgedEntry(now.fleet, opened, granted, measure);
    const why = { generation, because: 'judged' as const };
    if (entry && view) view = { ...view, claimed: true };
    return entry && changed(now.fleet, facts.endpoint, entry, why, { settings, at: services.now() });
  });
  if (!view) throw new Error('The fleet was not looked at.');
  return view;
}

/** Other environments that the endpoint was in lately, where it may still have an entry. */
function formerEnvironments({ changes }: EndpointHistory, now: Environment): Environment[] {
  const former = changes.flatMap(({ opened }) => [
    opened?.environment.name,
    Environment.safeParse(opened?.baseline?.deployment.environment).data,
  ]);
  return [...new Set(former)].filter((each) => each !== undefined && each !== now) as Environment[];
}

/** Takes the endpoint out of a fleet, unless a change after `generation` put it there. */
export async function takeOut(
  services: With<'dynamodb'>,
  environment: Environment,
  ref: EndpointRef,
  { generation, because }: Pick<Changed, 'generation' | 'because'>,
): Promise<void> {
  const settings = await settingsNow(services);
  await appendToFleet(services, environment, ({ fleet }) => {
    const entry = entryOf(fleet, ref);
    if (!entry || entry.generation > generation) return undefined;
    return changed(fleet, ref, null, { generation, because }, { settings, at: services.now() });
  });
}

/**
 * Brings the fleet in line with how a change ended: what was accepted counts from now on, what was not is kept for nobody,
 * and what is gone costs nothing. Safe to repeat; where nothing alters what the endpoint costs, nothing is written. `again`:
 * look even where the change says that it altered nothing.
 */
export async function settleOnFleet(
  services: With<'dynamodb'>,
  change: ChangeHistory,
  history: EndpointHistory,
  again = false,
): Promise<void> {
  const { opened, outcome, findings, generation, records } = change;
  const environment = Environment.safeParse(outcome?.environment).data;
  const ref = opened?.facts.endpoint ?? records[0]?.endpoint;
  if (!outcome || !environment || !ref || (!opened && outcome.result !== 'deleted')) return;
  // Most changes alter nothing that costs money, so their ends need not look at the fleet.
  const former = formerEnvironments(history, environment);
  const { fleet: judgedOn } = findings ?? {};
  if (!again && judgedOn && !judgedOn.claimed && !opened?.plan && outcome.result !== 'deleted' && former.length === 0)
    return;
  const settings = await settingsNow(services);
  const measure = settings.budgetCounts;
  await appendToFleet(services, environment, ({ fleet }) => {
    const at = services.now();
    const budgetUsd = budgetUsdOf(settings, environment);
    const entry = opened?.plan
      ? plannedEntry(fleet, change, settings, { measure, budgetUsd, at })
      : endedEntry(fleet, change, measure);
    if (entry === undefined) return undefined;
    const because = opened?.plan ? 'planned' : entry === null ? 'gone' : 'ended';
    return changed(fleet, ref, entry, { generation, because }, { settings, at });
  });
  if (opened?.plan) return;
  for (const each of former) await takeOut(services, each, ref, { generation, because: 'moved' });
}

/** Puts an endpoint back whose newest change was judged and has not ended, where its entry was lost in a crash. */
export async function putBack(
  services: With<'dynamodb'>,
  { opened, findings, generation }: ChangeHistory,
): Promise<void> {
  if (!opened || !findings) return;
  const settings = await settingsNow(services);
  const { endpoint } = opened.facts;
  await appendToFleet(services, opened.environment.name, ({ fleet }) => {
    if (entryOf(fleet, endpoint)) return undefined;
    const entry = judgedEntry(fleet, opened, findings.decision !== 'blocked', settings.budgetCounts);
    const at = services.now();
    return entry && changed(fleet, endpoint, entry, { generation, because: 'found' }, { settings, at });
  });
}
