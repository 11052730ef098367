import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { gateActor } from '../model/actor.ts';
import { digestOf } from '../model/canonical-json.ts';
import { keptAs, QUESTIONS, SETTINGS } from '../model/ledger-index.ts';
import type { RecordOf } from '../model/ledger-record.ts';
import { VERSION } from '../model/version.ts';
import { statementsOf } from '../policies/index.ts';
import { digestsOf, limitsOf } from '../policies/judge.ts';
import type { PolicySettings } from '../policies/settings.ts';
import { gateStream } from './gate-stream.ts';
import { append, readStream, readWholeStream } from './ledger.ts';
import type { With } from './services.ts';

// A decision names its limits and prices by digest. What each digest stands for is on record once, in a stream of its
// own, so that whoever holds the ledger can say under which limits anything was decided, and decide it again.

type Kept = RecordOf<'settings-kept'>;

/** Digests that this container has seen on record, by its knownStreams: one for each ledger. */
const seen = new WeakMap<object, Set<string>>();

async function keepOne(services: With<'dynamodb'>, body: Kept): Promise<void> {
  const known = seen.get(services.knownStreams) ?? new Set();
  seen.set(services.knownStreams, known);
  if (known.has(body.digest)) return;
  // 40 of 64 digits, since a stream's name has at most 63 characters; the record holds all of them.
  const ref = gateStream(services, 'settings', `${body.what}-${body.digest.slice(0, 40)}`);
  const draft = { id: `kept#${body.digest}`, body, actor: gateActor };
  await append(services, await readStream(services, ref), () => draft);
  known.add(body.digest);
}

/** Puts the settings that a decision is about to be made under on record, where they are not there yet. */
export async function keepSettings(services: With<'dynamodb'>, settings: PolicySettings): Promise<void> {
  const { policyDigest, priceDigest } = digestsOf(settings);
  const common = { kind: 'settings-kept', generation: 1, version: VERSION } as const;
  await Promise.all([
    keepOne(services, {
      ...common,
      what: 'limits',
      digest: policyDigest,
      document: limitsOf(settings),
      statements: Object.fromEntries(statementsOf(settings)),
    }),
    keepOne(services, { ...common, what: 'prices', digest: priceDigest, document: settings.prices }),
  ]);
}

/**
 * What a digest stands for; undefined where nothing of the kind is on record. Found by the index, for audits only: what
 * is found must have the digest that was asked for.
 */
async function readKept(services: With<'dynamodb'>, what: Kept['what'], digest: string): Promise<Kept | undefined> {
  const { Items = [] } = await services.dynamodb.send(
    new QueryCommand({
      TableName: services.config.tables.ledger,
      IndexName: QUESTIONS,
      KeyConditionExpression: 'question = :question AND questionAt = :at',
      ExpressionAttributeValues: { ':question': { S: SETTINGS }, ':at': { S: keptAs(what, digest) } },
    }),
  );
  for (const { pk } of Items) {
    for await (const { record } of readWholeStream(services, pk?.S ?? '')) {
      const { body } = record;
      if (body?.kind === 'settings-kept' && body.what === what && digestOf(body.document) === digest) return body;
    }
  }
  return undefined;
}

/** The limits, and the policies' sentences with them, that the digest of a decision stands for. */
export async function readSettings(
  services: With<'dynamodb'>,
  digest: string,
): Promise<{ limits: Omit<PolicySettings, 'prices'>; statements: Record<string, string> } | undefined> {
  const kept = await readKept(services, 'limits', digest);
  // Not parsed by today's schema, which may have other fields and defaults: what is on record is what was in force.
  return kept && { limits: kept.document as Omit<PolicySettings, 'prices'>, statements: kept.statements ?? {} };
}

/** The prices that the digest of a decision stands for. */
export async function readPrices(
  services: With<'dynamodb'>,
  digest: string,
): Promise<PolicySettings['prices'] | undefined> {
  const kept = await readKept(services, 'prices', digest);
  return kept?.document as PolicySettings['prices'] | undefined;
}
