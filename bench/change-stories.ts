import { append, type Stream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { type Actor, gateActor } from '../shared/model/actor.ts';
import { changeDigest, effectiveDeployment } from '../shared/model/effective-deployment.ts';
import type { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { baselineAfter, historyOf } from '../shared/model/endpoint-history.ts';
import { GENESIS, type RecordBody, type RecordOf, type Result } from '../shared/model/ledger-record.ts';
import { evaluate } from '../shared/policies/index.ts';
import { judge } from '../shared/policies/judge.ts';
import { generateFacts } from './facts-generator.ts';

// A ledger as a company has it after some months: endpoints that change now and then, each change with the records that
// the gate writes, chained by the ledger's own function. Findings are the policies' own; only who and when is made up.

const MINUTE_MS = 60_000;
const PEOPLE = ['ml-engineer', 'data-scientist', 'release-pipeline', 'platform-engineer'];
const CAUSES = [
  'UpdateEndpoint',
  'UpdateEndpoint',
  'UpdateEndpoint',
  'UpdateEndpointWeightsAndCapacities',
  'CreateEndpoint',
];
const APPROVERS = ['approver-one', 'approver-two'];

const person = (name: string): Actor => ({
  kind: 'person',
  person: name,
  names: [name],
  arn: `arn:aws:sts::000000000000:assumed-role/${name}/${name}`,
  via: 'session-name',
});

/** A small generator that gives the same on every machine; bench/facts-generator.ts has a larger one. */
function lots(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A change that waits for people when the story ends. */
export type Waiting = {
  id: string;
  endpoint: EndpointFacts['endpoint'];
  generation: number;
  expiresAt: string;
  askedAt: string;
};

type Told = { stream: Stream; waiting: Waiting | undefined };

/** A variant of what runs there: another count and weight, so that successive deployments differ. */
function altered(facts: EndpointFacts, lot: number, at: string): EndpointFacts {
  const more = lot > 0.6 ? 1 : 0;
  return {
    ...facts,
    readAt: at,
    lastModifiedAt: at,
    variants: facts.variants.map((variant) =>
      'minInstances' in variant ? { ...variant, maxInstances: variant.maxInstances + more } : variant,
    ),
  };
}

/** One change from its event to its end, `startMs` being its time; `open` leaves it where it waits, if it asks. */
async function tell(
  services: Services,
  stream: Stream,
  read: EndpointFacts,
  { generation, startMs, open, lot }: { generation: number; startMs: number; open: boolean; lot: () => number },
): Promise<Told> {
  let now = Math.floor(startMs);
  const at = () => new Date(now).toISOString();
  const clocked = { ...services, now: at };
  let current = stream;
  const add = async (body: RecordBody, actor: Actor = gateActor) => {
    current = await append(clocked, current, () => ({ id: `${body.kind}#${generation}`, body, actor }));
  };
  const who = PEOPLE[Math.floor(lot() * PEOPLE.length)] ?? '';
  const cause = CAUSES[Math.floor(lot() * CAUSES.length)] ?? '';
  const changedAt = at();
  now += 1_500 + Math.floor(lot() * 3_000);
  const facts = altered(read, lot(), at());
  const deployment = effectiveDeployment(facts);
  const digest = changeDigest(deployment);
  const baseline = baselineAfter(stream.history);
  const hex = Math.floor(lot() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  const opened: RecordOf<'change-opened'> = {
    kind: 'change-opened',
    generation,
    cause,
    eventId: `${hex}-1111-4222-8333-${String(generation).padStart(12, '0')}`,
    changedAt,
    digest,
    deployment,
    environment: facts.environment,
    facts,
    baseline,
  };
  await add(opened, person(who));
  const findings = judge({ opened, settings: services.config.policySettings, plans: undefined, at: at() });
  now += 300;
  await add(findings);
  const end = async (result: Result, reason: string, violations: string[] = []) => {
    const { environment } = facts;
    const decision = result === 'blocked' ? ('blocked' as const) : ('compliant' as const);
    const planned = lot() < 0.6 ? 'as-planned' : lot() < 0.7 ? 'unplanned' : 'out-of-band';
    const more = {
      environment: environment.name,
      violations,
      cause,
      changedAt,
      requesters: [who],
      planned: planned as 'unplanned',
    };
    await add({ kind: 'outcome', generation, digest, result, decision, reason, ...more });
    return { stream: current, waiting: undefined };
  };
  if (findings.decision === 'blocked') {
    const violated = findings.findings.filter(({ outcome }) => outcome === 'violation').map(({ policy }) => policy);
    return end('blocked', `Violates ${violated.join(', ')}.`, violated);
  }
  if (findings.decision === 'needs-approval' || open) {
    const request = services.newId();
    const expiresAt = new Date(now + 24 * 60 * MINUTE_MS).toISOString();
    const reasons = findings.findings.filter(({ outcome }) => outcome === 'needs-approval').map(({ policy }) => policy);
    await add({ kind: 'approval-requested', generation, digest, request, expiresAt, approvers: APPROVERS, reasons });
    if (open)
      return {
        stream: current,
        waiting: { id: request, endpoint: facts.endpoint, generation, expiresAt, askedAt: at() },
      };
    now += Math.floor(lot() * 600) * MINUTE_MS;
    const approver = APPROVERS[Math.floor(lot() * 2)] ?? '';
    const answer = lot() < 0.9 ? 'approved' : 'rejected';
    const reason = answer === 'approved' ? 'load test passed' : 'wait for the new baseline';
    const given = {
      kind: 'approval-given',
      generation,
      digest,
      request,
      approver,
      answer,
      reason,
      decides: true,
    } as const;
    await add(given, { ...person(approver), via: 'approver' });
    if (answer === 'rejected') return end('rejected', `Rejected by ${approver}: ${reason}`);
  }
  now += Math.floor(lot() * 20) * MINUTE_MS + 5_000;
  await add({ kind: 'monitoring-verified', generation, digest, findings: [], decision: 'compliant', facts: null });
  now += 200;
  const lost = lot();
  if (lost < 0.01) return end('undetermined', 'The endpoint could not be read: ThrottlingException.');
  if (lost < 0.03) return end('superseded', 'A newer change took its place.');
  return findings.decision === 'needs-approval'
    ? end('approved', 'Approved, and every policy that applies is met.')
    : end('compliant', 'Every policy that applies is met.');
}

/** An endpoint as it is when all is well with it, and as it is when somebody gets it wrong. */
type Known = { well: EndpointFacts; wrong: EndpointFacts };

const isWrong = (facts: EndpointFacts, settings: Services['config']['policySettings']) =>
  evaluate(facts, settings).some(({ outcome }) => outcome === 'violation');

function endpointsOf({ config }: Services, count: number): Known[] {
  const candidates = generateFacts(count * 3);
  const bad = candidates.filter((facts) => isWrong(facts, config.policySettings));
  const good = candidates.filter((facts) => !bad.includes(facts));
  if (good.length === 0 || bad.length === 0) throw new Error('The generated facts are all alike.');
  return Array.from({ length: count }, (_, index) => {
    const facts = good[index % good.length] as EndpointFacts;
    const other = bad[index % bad.length] as EndpointFacts;
    const name = `${facts.endpoint.name}-${index}`;
    const endpoint = { account: '000000000000', region: 'us-east-1', name };
    const { environment } = facts;
    return { well: { ...facts, endpoint }, wrong: { ...other, endpoint, environment } };
  });
}

export type Filled = { records: number; changes: number; waiting: Waiting[]; endpoints: EndpointFacts['endpoint'][] };

/**
 * Fills an empty ledger with about so many records of `endpoints` endpoints, spread over `weeks` weeks before now. The
 * last changes of `waiting` endpoints still wait. Endpoints are told side by side, each one's changes one after the other.
 */
export async function fillLedger(
  services: Services,
  { records, endpoints, weeks, waiting }: { records: number; endpoints: number; weeks: number; waiting: number },
): Promise<Filled> {
  const nowMs = Date.parse(services.now());
  const all = endpointsOf(services, endpoints);
  const filled: Filled = { records: 0, changes: 0, waiting: [], endpoints: all.map(({ well }) => well.endpoint) };
  const perEndpoint = records / endpoints;
  const spanMs = weeks * 7 * 24 * 60 * MINUTE_MS;
  const write = async ({ well, wrong }: Known, index: number) => {
    const lot = lots(index + 1);
    let stream: Stream = { ref: well.endpoint, records: [], history: historyOf([]), head: GENESIS };
    const waits = index < waiting;
    let count = 0;
    for (let generation = 1; count < perEndpoint; generation += 1) {
      // Every change leaves four records or more, and the last one is of the last day.
      const last = count + 5 >= perEndpoint;
      const waitsNow = last && waits;
      // What does not wait any more has ended before now, whatever it waited for.
      const hoursAgo = (waitsNow ? 0.2 : 11) + lot() * 9;
      const startMs = last
        ? nowMs - hoursAgo * 60 * MINUTE_MS
        : nowMs - spanMs + Math.floor(((count + lot()) / perEndpoint) * (spanMs - 2 * 24 * 60 * MINUTE_MS));
      const told = await tell(services, stream, lot() < 0.12 ? wrong : well, {
        generation,
        startMs,
        open: last && waits,
        lot,
      });
      const written = told.stream.records.length - count;
      // What is known of a stream by now is no more than the next change needs.
      stream = told.stream;
      count += written;
      filled.records += written;
      filled.changes += 1;
      if (told.waiting) filled.waiting.push(told.waiting);
      if (last) break;
    }
  };
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < all.length; index = next++) {
      const known = all[index];
      if (known) await write(known, index);
    }
  };
  await Promise.all(Array.from({ length: 24 }, worker));
  return filled;
}
