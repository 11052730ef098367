import { changeDigest, effectiveDeployment } from '../model/effective-deployment.ts';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import { type ChangeHistory, changeOf, standingChange } from '../model/endpoint-history.ts';
import type { EndpointRef } from '../model/endpoint-ref.ts';
import { type RemediationPlan, refusedAs } from '../model/remediation.ts';
import { heldWaivers } from '../model/standing-waivers.ts';
import { describeEndpoint, type Readable, readEndpoint } from './endpoint-reader.ts';
import { servicesAt } from './member-accounts.ts';
import { planRemediation } from './remediation-plan.ts';
import { readHour, type Work } from './remediation-records.ts';
import type { Looking } from './remediation-way.ts';
import type { With } from './services.ts';

export type Remediating = Readable & With<'dynamodb' | 'sts'>;
export type Doing = Work<Remediating>;

export const digestOf = (facts: EndpointFacts) => changeDigest(effectiveDeployment(facts));

type Described = NonNullable<Awaited<ReturnType<typeof describeEndpoint>>>;

/** DescribeEndpoint only: all there is to find out while SageMaker is at it. */
export const describe = ({ services, stream }: Doing): Promise<Described | undefined> =>
  describeEndpoint(servicesAt(services, stream.ref), stream.ref);

/** The endpoint as it is at this moment, nothing reused. */
export async function read({ services, stream, mine }: Doing, described: Described): Promise<Looking | undefined> {
  const there = servicesAt(services, stream.ref);
  const ref = mine.opened?.facts.endpoint ?? stream.ref;
  const facts = await readEndpoint(there, ref, { fresh: true, described });
  if (!facts) return undefined;
  const waivers = heldWaivers(stream.history, mine.generation, facts.environment.name, services.now());
  return { there, described, facts, waivers };
}

/** What would be done about a change, as it stands now. Reads, and writes nothing anywhere. */
export type DryRun = { change: ChangeHistory; plan: RemediationPlan; moved: boolean };

/**
 * The way back from a change that was refused (the newest one, unless its number is given); undefined where there is no
 * such change. `moved` where the endpoint is another by now, so that nothing would be done.
 */
export async function dryRun(
  services: Remediating,
  ref: EndpointRef,
  generation?: number,
): Promise<DryRun | undefined> {
  const stream = await readHour(services, ref, generation);
  const { history } = stream;
  const change = generation === undefined ? standingChange(history) : changeOf(history, generation);
  const refusal = refusedAs(change);
  if (!change?.opened || !refusal) return undefined;
  const work = { services, stream, mine: change };
  const described = await describe(work);
  const seen = described && (await read(work, described));
  const moved = !seen || digestOf(seen.facts) !== change.opened.digest;
  if (moved) return { change, moved, plan: { of: 'deployment', to: null, calls: [], others: [], notes: [] } };
  return { change, moved, plan: await planRemediation(seen, change, refusal) };
}
