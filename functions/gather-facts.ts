import * as z from 'zod';
import { cloudwatch } from '../shared/aws/clients/cloudwatch.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { scaling } from '../shared/aws/clients/scaling.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { readEndpoint } from '../shared/aws/endpoint-reader.ts';
import { ExecutionInput } from '../shared/aws/executions.ts';
import { append, type Draft, readStream, type Stream } from '../shared/aws/ledger.ts';
import { servicesAt } from '../shared/aws/member-accounts.ts';
import { readPlanned } from '../shared/aws/plan-reader.ts';
import { rememberReading } from '../shared/aws/remembered-endpoints.ts';
import type { With } from '../shared/aws/services.ts';
import { InvalidInputError, task } from '../shared/lambda.ts';
import { gateActor } from '../shared/model/actor.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import type { EndpointChange } from '../shared/model/endpoint-change.ts';
import { type EndpointFacts, readSince } from '../shared/model/endpoint-facts.ts';
import {
  baselineAfter,
  type ChangeHistory,
  changeOf,
  type EndpointHistory,
  isCovered,
  lastOpened,
} from '../shared/model/endpoint-history.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import type { Baseline, SubmittedPlan } from '../shared/model/ledger-record.ts';
import { isSwept } from '../shared/model/missed-change.ts';
import { onTheWay } from '../shared/model/planned-facts.ts';
import { ROLLED_BACK } from '../shared/model/rollback.ts';
import { standingWaivers } from '../shared/model/standing-waivers.ts';
import type { Waiver } from '../shared/model/waiver.ts';

const clients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sts };
type Gathering = With<keyof typeof clients>;

const Output = z.strictObject({ state: z.enum(['opened', 'joined', 'gone']) });

// Caches hold tags, scaling bounds, configs and models for a minute; a change of one of these must not be read from there.
const READ_FRESH = new Set([
  'RegisterScalableTarget',
  'DeregisterScalableTarget',
  'PutScheduledAction',
  'DeleteScheduledAction',
  'digest changed while waiting',
  ROLLED_BACK,
]);

/** The newest change that is not settled, if it is about another deployment and waits for people: it is superseded. */
function superseded(history: EndpointHistory, generation: number, digest: string): ChangeHistory | undefined {
  return history.changes.findLast(
    ({ generation: other, request, decided, outcome }) =>
      other < generation && request && !decided && !outcome && request.digest !== digest,
  );
}

/** Waivers go from change to change, as the baseline does. */
function carriedWaivers(history: EndpointHistory, now: string): { waivers?: Waiver[] } {
  const waivers = standingWaivers(history, now);
  return waivers.length > 0 ? { waivers } : {};
}

/** A plan, and what it is compared with: the endpoint's last accepted deployment, whose stream is not that of its plans. */
type Planned = { plan: SubmittedPlan; baseline: Baseline | null; waivers?: Waiver[] };

/** What the facts are recorded as: a new change, or another sight of one that is still open. */
function opening(change: EndpointChange, generation: number, facts: EndpointFacts, planned?: Planned) {
  const deployment = effectiveDeployment(facts);
  const digest = changeDigest(deployment);
  return (history: EndpointHistory): Draft | undefined => {
    const mine = changeOf(history, generation);
    if (mine?.opened ?? mine?.joined) return undefined;
    const common = { generation, cause: change.cause, eventId: change.eventId, changedAt: change.at, digest };
    const open = lastOpened(history);
    const actor = change.actor ?? gateActor;
    if (open && !open.outcome && open.opened?.digest === digest) {
      return { id: `opened#${generation}`, actor, body: { kind: 'change-joined', ...common, joined: open.generation } };
    }
    const rest = {
      ...(planned ?? { baseline: baselineAfter(history), ...carriedWaivers(history, facts.readAt) }),
      ...(change.again && { again: change.again }),
      ...(change.actor && change.sighting.configName !== undefined && { requestedConfig: change.sighting.configName }),
    };
    return {
      id: `opened#${generation}`,
      actor,
      body: { kind: 'change-opened', ...common, deployment, environment: facts.environment, facts, ...rest },
    };
  };
}

/** AWS answered with the endpoint as it was before an event that is known already; a moment later it will not. */
export class StaleReadError extends Error {
  override readonly name = 'StaleReadError';
}

/** Native events carry the endpoint's own modification time: a reading that shows an earlier one is out of date. */
function isStale(facts: EndpointFacts, events: EndpointChange[]): boolean {
  return events.some(
    ({ sighting }) =>
      sighting.lastModifiedAt !== undefined && Date.parse(sighting.lastModifiedAt) > Date.parse(facts.lastModifiedAt),
  );
}

/** Did an event come in after the reading had begun, of something that the reading does not show? Then it is read again. */
function cameTooLate(change: ChangeHistory | undefined, facts: EndpointFacts): boolean {
  return (change?.records ?? []).some(
    ({ at, body }) => body.kind === 'event-joined' && at > readSince(facts) && !isCovered(body.event, facts),
  );
}

/** Ends the request that this change replaces, unless somebody answers it first. */
async function supersede(services: Gathering, stream: Stream, generation: number, digest: string): Promise<void> {
  await append(services, stream, (history) => {
    const old = superseded(history, generation, digest);
    if (!old?.request) return undefined;
    const { request, digest: asked } = old.request;
    return {
      id: `decided#${request}`,
      body: {
        kind: 'decided',
        generation: old.generation,
        digest: asked,
        request,
        answer: 'superseded',
        reason: `change ${generation} replaced it`,
      },
      actor: gateActor,
    };
  });
}

const earlier = (a: string, b: string) => (Date.parse(a) < Date.parse(b) ? a : b);

/** The facts of a plan: what it says, and what can be read about it already. */
async function gatherPlan(
  { change, generation }: ExecutionInput,
  services: Gathering,
): Promise<z.infer<typeof Output>> {
  const { endpoint, plan: document } = change;
  if (!document) throw new InvalidInputError('change.plan: is missing, and the change is about one');
  let stream = await readStream(services, endpoint, generation);
  const before = changeOf(stream.history, generation);
  if (!before?.opened && !before?.joined) {
    const { planned: _planned, ...there } = endpoint;
    const facts = await readPlanned(servicesAt(services, there), there, document);
    const { history } = await readStream(services, there);
    const { planValidHours } = services.config.policySettings;
    const latest = new Date(Date.parse(services.now()) + planValidHours * 3_600_000).toISOString();
    const validUntil = earlier(document.validUntil ?? latest, latest);
    const plan = { document, validUntil, onTheWay: onTheWay(facts) };
    const carried = { baseline: baselineAfter(history), ...carriedWaivers(history, services.now()) };
    const open = opening(change, generation, facts, { plan, ...carried });
    stream = await append(services, stream, open);
  }
  const now = changeOf(stream.history, generation);
  if (now?.opened) await supersede(services, stream, generation, now.opened.digest);
  return { state: now?.joined ? 'joined' : 'opened' };
}

async function gather(input: ExecutionInput, services: Gathering): Promise<z.infer<typeof Output>> {
  return input.change.kind === 'plan' ? gatherPlan(input, services) : gatherEndpoint(input, services);
}

async function gatherEndpoint(
  { change, generation }: ExecutionInput,
  services: Gathering,
): Promise<z.infer<typeof Output>> {
  // Whatever this container last saw will do to start from: the append notices if more has been written.
  let stream =
    services.knownStreams.get(streamOf(change.endpoint)) ?? (await readStream(services, change.endpoint, generation));
  for (;;) {
    const before = changeOf(stream.history, generation);
    if (before?.joined) return { state: 'joined' };
    if (before?.opened) {
      // An earlier run of this task may have died before everything was remembered.
      await rememberReading(services, change.endpoint, { generation, facts: before.opened.facts });
      await supersede(services, stream, generation, before.opened.digest);
      return { state: 'opened' };
    }
    const fresh =
      change.kind === 'guard' ||
      READ_FRESH.has(change.cause) ||
      isSwept(change.cause) ||
      change.again !== undefined ||
      before !== undefined;
    const facts = await readEndpoint(servicesAt(services, change.endpoint), change.endpoint, {
      fresh,
      expectedConfig: change.sighting.configName,
    });
    if (!facts) {
      // Nothing of a deleted endpoint can be read, but who deleted it is told by the event.
      await append(services, stream, () => ({
        id: `event#${change.eventId}`,
        body: { kind: 'event-joined', generation, event: change },
        actor: change.actor ?? gateActor,
      }));
      return { state: 'gone' };
    }
    if (isStale(facts, [change, ...(before?.events ?? [])])) {
      throw new StaleReadError(`${change.endpoint.name} was read as it was before the change.`);
    }
    let missed = false;
    const open = opening(change, generation, facts);
    [stream] = await Promise.all([
      append(services, stream, (history) => {
        missed = cameTooLate(changeOf(history, generation), facts);
        return missed ? undefined : open(history);
      }),
      rememberReading(services, change.endpoint, { generation, facts }, stream.history),
    ]);
    if (missed) continue;
    const now = changeOf(stream.history, generation);
    if (now?.opened) await supersede(services, stream, generation, now.opened.digest);
    return { state: now?.joined ? 'joined' : 'opened' };
  }
}

/** First task: reads the endpoint and puts the change with its facts on record. */
export const { handler, run } = task({ clients, input: ExecutionInput, output: Output, run: gather });
