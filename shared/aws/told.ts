import { GetItemCommand, UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { With } from './services.ts';

// Who was told what stands on the item of the request: for finding out after a crash whom to tell still, and for nothing else.

/** Longer than any function runs: whoever claimed a round so long ago and has not finished it is dead. */
const CLAIM_MS = 15 * 60_000;
const DONE = 'done';

/** Somebody, or a channel, that was told something: `asked` or the name of a later round. */
export type Told = { round: string; channel: 'mail' | 'slack'; to: string; at: string };

const textOf = ({ round, channel, to, at }: Told) => [round, channel, to, at].join(' ');
function toldFrom(text: string): Told {
  const [round = '', channel = '', to = '', at = ''] = text.split(' ');
  return { round, channel: channel === 'slack' ? 'slack' : 'mail', to, at };
}

const keyOf = (services: With, request: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: request } },
});

/** False where the condition does not hold. */
async function update(
  services: With<'dynamodb'>,
  request: string,
  change: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
): Promise<boolean> {
  try {
    await services.dynamodb.send(new UpdateItemCommand({ ...keyOf(services, request), ...change }));
    return true;
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

async function read(services: With<'dynamodb'>, request: string) {
  const { Item = {} } = await services.dynamodb.send(
    new GetItemCommand({ ...keyOf(services, request), ConsistentRead: true }),
  );
  return Item;
}

/** Everybody who was told something about a request, and the personal ids of their links. */
export async function readTold(
  services: With<'dynamodb'>,
  request: string,
): Promise<{ told: Told[]; personal: ReadonlyMap<string, string> }> {
  const item = await read(services, request);
  const personal = Object.entries(item.personal?.M ?? {}).map(([approver, { S = '' }]) => [approver, S] as const);
  return { told: (item.told?.SS ?? []).map(toldFrom), personal: new Map(personal) };
}

export async function markTold(services: With<'dynamodb'>, request: string, told: Told): Promise<void> {
  await update(services, request, {
    UpdateExpression: 'ADD told :told',
    ExpressionAttributeValues: { ':told': { SS: [textOf(told)] } },
  });
}

/** Gives every approver an unguessable id for their link, unless that was done before. It only says whose link it is. */
export async function storePersonalIds(
  services: With<'dynamodb'>,
  request: string,
  approvers: readonly string[],
): Promise<void> {
  await update(services, request, {
    UpdateExpression: 'SET personal = :personal',
    ConditionExpression: 'attribute_not_exists(personal)',
    ExpressionAttributeValues: {
      ':personal': { M: Object.fromEntries(approvers.map((id) => [id, { S: services.newId() }])) },
    },
  });
}

const nameOf = (round: string) => ({ '#round': `round-${round}` });

/**
 * Takes a round of messages upon oneself: of any number who try, one is told true, and again nobody until it must have
 * died in the middle. Whoever goes on then tells only those who are not marked as told.
 */
export async function claimRound(services: With<'dynamodb'>, request: string, round: string): Promise<boolean> {
  const claimed = (await read(services, request))[`round-${round}`];
  const now = services.now();
  if (claimed?.S === DONE) return false;
  if (claimed?.S !== undefined && Date.parse(now) - Date.parse(claimed.S) < CLAIM_MS) return false;
  return update(services, request, {
    UpdateExpression: 'SET #round = :now',
    ConditionExpression: claimed ? '#round = :was' : 'attribute_not_exists(#round)',
    ExpressionAttributeNames: nameOf(round),
    ExpressionAttributeValues: { ':now': { S: now }, ...(claimed ? { ':was': claimed } : {}) },
  });
}

/** The round is over: what did not get through is on record as an error, and is not tried again. */
export async function finishRound(services: With<'dynamodb'>, request: string, round: string): Promise<void> {
  await update(services, request, {
    UpdateExpression: 'SET #round = :done',
    ExpressionAttributeNames: nameOf(round),
    ExpressionAttributeValues: { ':done': { S: DONE } },
  });
}
