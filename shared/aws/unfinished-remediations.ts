import { paginateQuery, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { sha256 } from '../model/canonical-json.ts';
import { changeOf } from '../model/endpoint-history.ts';
import { EndpointRef, streamOf } from '../model/endpoint-ref.ts';
import { startExecution } from './executions.ts';
import { readStream } from './ledger.ts';
import type { With } from './services.ts';

// A change that is being put back has ended already, so the sweep would not come across it where its execution dies: it
// is on a list of its own until all is done and told. The list is for finding it; what there is to do says the ledger.

/** Also the name under which it is noted who was told. */
export const remediationId = (ref: EndpointRef, generation: number): string =>
  `remediation-${sha256(`${streamOf(ref)}#${generation}`).slice(0, 32)}`;

const keyOf = (services: With, ref: EndpointRef, generation: number) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: remediationId(ref, generation) } },
});

export async function noteUnfinished(services: With<'dynamodb'>, ref: EndpointRef, generation: number): Promise<void> {
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, ref, generation),
      UpdateExpression:
        'SET account = :account, #region = :region, endpoint = :endpoint, generation = :generation, expiresAt = :at, #open = :open',
      ExpressionAttributeNames: { '#region': 'region', '#open': 'open' },
      ExpressionAttributeValues: {
        ':account': { S: ref.account },
        ':region': { S: ref.region },
        ':endpoint': { S: ref.name },
        ':generation': { N: String(generation) },
        // The index sorts by this.
        ':at': { S: services.now() },
        ':open': { S: 'remediation' },
      },
    }),
  );
}

export async function forgetUnfinished(
  services: With<'dynamodb'>,
  ref: EndpointRef,
  generation: number,
): Promise<void> {
  await services.dynamodb.send(
    new UpdateItemCommand({
      ...keyOf(services, ref, generation),
      UpdateExpression: 'REMOVE #open',
      ExpressionAttributeNames: { '#open': 'open' },
    }),
  );
}

async function listUnfinished(services: With<'dynamodb'>): Promise<{ ref: EndpointRef; generation: number }[]> {
  const found: { ref: EndpointRef; generation: number }[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: services.config.tables.approvals,
      IndexName: 'by-open',
      KeyConditionExpression: '#open = :open',
      ExpressionAttributeNames: { '#open': 'open' },
      ExpressionAttributeValues: { ':open': { S: 'remediation' } },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { account, region, endpoint, generation } of Items) {
      const ref = EndpointRef.parse({ account: account?.S, region: region?.S, name: endpoint?.S });
      found.push({ ref, generation: Number(generation?.N ?? 0) });
    }
  }
  return found;
}

/**
 * Starts the execution of a change that is to be put back, unless it runs: it goes by what is on record straight to
 * putting back.
 */
export async function startRemediation(
  services: With<'dynamodb' | 'sfn'>,
  ref: EndpointRef,
  generation: number,
): Promise<void> {
  const { history } = await readStream(services, ref, generation);
  const opened = changeOf(history, generation)?.opened;
  if (!opened) return;
  const { cause, eventId, changedAt: at } = opened;
  const change = { endpoint: opened.facts.endpoint, kind: 'endpoint' as const, cause, eventId, at, sighting: {} };
  await startExecution(services, change, generation);
}

/**
 * For the sweep: whatever is being put back and is not at its end goes on, also where its execution has died. Returns how
 * many there are. It writes nothing to SageMaker; the execution does.
 */
export async function finishRemediations(services: With<'dynamodb' | 'sfn'>): Promise<number> {
  const unfinished = await listUnfinished(services);
  for (const { ref, generation } of unfinished) await startRemediation(services, ref, generation);
  return unfinished.length;
}
