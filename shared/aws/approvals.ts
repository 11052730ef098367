import {
  type AttributeValue,
  GetItemCommand,
  paginateQuery,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { type Actor, gateActor } from '../model/actor.ts';
import { type AnswerReply, type ApprovalRules, decideApproval, decisionDue, refused } from '../model/approval.ts';
import { UnreadableApproversError } from '../model/approval-settings.ts';
import type { Approver } from '../model/approver.ts';
import { changeOf, type EndpointHistory } from '../model/endpoint-history.ts';
import { EndpointRef } from '../model/endpoint-ref.ts';
import type { ApprovalAnswer, Via } from '../model/ledger-record.ts';
import { append, type Draft, readStream } from './ledger.ts';
import type { With } from './services.ts';
import { listToDo, putToDo, removeToDo } from './to-do.ts';

/** A request as it is kept for routing: which stream it belongs to, and who was told. It has no authority. */
export type StoredRequest = {
  id: string;
  endpoint: EndpointRef;
  generation: number;
  expiresAt: string;
  /** When people were asked; the newest time, where the task was retried. */
  askedAt?: string | undefined;
  notified: boolean;
  notifyErrors: string[];
  hasToken: boolean;
};

/** What it takes to wake an execution: its token, the key to read it with, and Step Functions. */
type Resuming = With<'dynamodb' | 'kms' | 'sfn'>;

/** Who may approve as it is now, for showing; where that cannot be read, nobody may. Deciding is `decide`'s business. */
export function approvalRules(services: With): ApprovalRules {
  try {
    return services.readApprovals();
  } catch (error) {
    if (error instanceof UnreadableApproversError) return { ...services.config.file.approvals, approvers: [] };
    throw error;
  }
}

const keyOf = (services: With, id: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: id } },
});

function requestFrom(item: Record<string, AttributeValue>): StoredRequest {
  return {
    id: item.id?.S ?? '',
    endpoint: EndpointRef.parse({
      account: item.account?.S,
      region: item.region?.S,
      name: item.endpoint?.S,
      ...(item.planned?.BOOL && { planned: true }),
    }),
    generation: Number(item.generation?.N ?? 0),
    expiresAt: item.expiresAt?.S ?? '',
    askedAt: item.askedAt?.S,
    notified: item.notified?.BOOL ?? false,
    notifyErrors: (item.notifyErrors?.L ?? []).map(({ S = '' }) => S),
    hasToken: item.token?.B !== undefined,
  };
}

async function readItem(services: With<'dynamodb'>, id: string): Promise<Record<string, AttributeValue> | undefined> {
  const { Item } = await services.dynamodb.send(new GetItemCommand({ ...keyOf(services, id), ConsistentRead: true }));
  return Item;
}

/** A request, and the ciphertext of the token that its execution waits with. */
async function readWithToken(
  services: With<'dynamodb'>,
  id: string,
): Promise<{ request: StoredRequest; token: Uint8Array | undefined } | undefined> {
  const item = /^[a-z0-9]{26}$/.test(id) ? await readItem(services, id) : undefined;
  return item?.endpoint && { request: requestFrom(item), token: item.token?.B };
}

export async function readRequest(services: With<'dynamodb'>, id: string): Promise<StoredRequest | undefined> {
  return (await readWithToken(services, id))?.request;
}

const openOnes = (services: With) => ({
  TableName: services.config.tables.approvals,
  IndexName: 'by-open',
  KeyConditionExpression: '#open = :open',
  ExpressionAttributeNames: { '#open': 'open' },
  ExpressionAttributeValues: { ':open': { S: 'open' } },
});

/** Requests that nobody has closed yet, soonest expiry first. From an index, so for showing only. */
export async function listOpenRequests(services: With<'dynamodb'>): Promise<StoredRequest[]> {
  const found: StoredRequest[] = [];
  const pages = paginateQuery({ client: services.dynamodb }, openOnes(services));
  for await (const page of pages) found.push(...(page.Items ?? []).map(requestFrom));
  return found;
}

/** Some of them; `next` goes on where this page ends. */
export type RequestPage = { requests: StoredRequest[]; next: string | undefined };

const CURSOR = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_([a-z0-9]{26})$/;

/** The same a page at a time. What is no cursor of ours starts from the beginning. */
export async function pageOpenRequests(
  services: With<'dynamodb'>,
  { limit, after = '' }: { limit: number; after?: string | undefined },
): Promise<RequestPage> {
  const [, expiresAt, id] = CURSOR.exec(after) ?? [];
  const from = expiresAt && id ? { open: { S: 'open' }, expiresAt: { S: expiresAt }, id: { S: id } } : undefined;
  // One more than is shown tells whether there are more, which LastEvaluatedKey does not.
  const { Items = [] } = await services.dynamodb.send(
    new QueryCommand({ ...openOnes(services), Limit: limit + 1, ExclusiveStartKey: from }),
  );
  const requests = Items.slice(0, limit).map(requestFrom);
  const last = requests.at(-1);
  return { requests, next: Items.length > limit && last ? `${last.expiresAt}_${last.id}` : undefined };
}

async function update(
  services: With<'dynamodb'>,
  id: string,
  change: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
) {
  await services.dynamodb.send(new UpdateItemCommand({ ...keyOf(services, id), ...change }));
}

/**
 * Keeps what is needed to resume the execution. The token is encrypted with the request's id as context, so that a
 * ciphertext moved to another request does not decrypt. A retried task brings a new token, which replaces the old.
 */
export async function storeToken(
  services: With<'dynamodb' | 'kms'>,
  request: Pick<StoredRequest, 'id' | 'endpoint' | 'generation' | 'expiresAt'>,
  token: string,
): Promise<void> {
  const { CiphertextBlob } = await services.kms.send(
    new EncryptCommand({
      KeyId: services.config.tokenKeyId,
      Plaintext: new TextEncoder().encode(token),
      EncryptionContext: { request: request.id },
    }),
  );
  services.note({ event: 'key-use', actor: 'portcullis', subject: services.config.tokenKeyId, detail: 'seal' });
  await update(services, request.id, {
    UpdateExpression:
      'SET #token = :token, account = :account, #region = :region, endpoint = :endpoint, planned = :planned, generation = :generation, expiresAt = :expiresAt, askedAt = :askedAt, #open = :open',
    ExpressionAttributeNames: { '#token': 'token', '#region': 'region', '#open': 'open' },
    ExpressionAttributeValues: {
      ':token': { B: CiphertextBlob ?? new Uint8Array() },
      ':account': { S: request.endpoint.account },
      ':region': { S: request.endpoint.region },
      ':endpoint': { S: request.endpoint.name },
      ':planned': { BOOL: request.endpoint.planned === true },
      ':generation': { N: String(request.generation) },
      ':expiresAt': { S: request.expiresAt },
      ':askedAt': { S: services.now() },
      ':open': { S: 'open' },
    },
  });
}

/** Records that the approvers were told, and what went wrong with whom. */
export async function markNotified(services: With<'dynamodb'>, id: string, errors: readonly string[]): Promise<void> {
  await update(services, id, {
    UpdateExpression: 'SET notified = :yes, notifyErrors = :errors',
    ExpressionAttributeValues: { ':yes': { BOOL: true }, ':errors': { L: errors.map((error) => ({ S: error })) } },
  });
}

/** Errors by which Step Functions says that a task is closed already: nothing is left to resume. */
const CLOSED = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];

/**
 * Wakes the execution that waits for a request. It carries no authority and says nothing: the workflow reads the
 * ledger. Call it only after the end of the request is in the ledger; calling it twice does no harm. `known` is the
 * ciphertext of its token, where the caller has read it: it is tried first.
 */
export async function resumeExecution(services: Resuming, id: string, known?: Uint8Array): Promise<void> {
  for (let token = known; ; token = undefined) {
    token ??= (await readItem(services, id))?.token?.B;
    if (token) await sendCallback(services, id, token);
    if (await closeUnlessRetried(services, id, token)) return;
    // The task was retried in the meantime and waits with a new token now.
  }
}

async function sendCallback(services: Resuming, id: string, ciphertext: Uint8Array): Promise<void> {
  const { Plaintext } = await services.kms.send(
    new DecryptCommand({ CiphertextBlob: ciphertext, EncryptionContext: { request: id } }),
  );
  services.note({ event: 'key-use', actor: 'portcullis', subject: services.config.tokenKeyId, detail: 'open' });
  try {
    await services.sfn.send(
      new SendTaskSuccessCommand({ taskToken: new TextDecoder().decode(Plaintext), output: '{}' }),
    );
  } catch (error) {
    if (!CLOSED.includes((error as Error).name)) throw error;
  }
}

/**
 * Wakes the execution of a request that has ended in the ledger without its callback getting through, because whoever
 * decided died in between, or that has enough approvals by now. Where it goes on waiting, says since when it has.
 */
export async function resumeIfDecided(
  services: Resuming,
  { id, endpoint, generation }: Pick<StoredRequest, 'id' | 'endpoint' | 'generation'>,
): Promise<{ resumed: true } | { resumed: false; since: string }> {
  const rules = approvalRules(services);
  const { history } = await append(services, await readStream(services, endpoint, generation), (past) => {
    const due = decisionDue(past, generation, rules, services.now());
    return due && { id: `decided#${due.request}`, body: due, actor: gateActor };
  });
  const change = changeOf(history, generation);
  if (change?.decided ?? change?.outcome) {
    if (change?.breakGlass && !change.review) await openReview(services, { id, endpoint, generation });
    await resumeExecution(services, id);
    return { resumed: true };
  }
  const asked = change?.records.find(({ body }) => body.kind === 'approval-requested');
  return { resumed: false, since: asked?.at ?? services.now() };
}

const FORGET = {
  UpdateExpression: 'REMOVE #open, #token',
  ExpressionAttributeNames: { '#open': 'open', '#token': 'token' },
};

/** Takes a request off the list of open ones and forgets its token. For the workflow, once it has gone on. */
export async function closeRequest(services: With<'dynamodb'>, id: string): Promise<void> {
  await update(services, id, FORGET);
}

/** The same, but only while `token` is the one that waits; false where it is another by now. */
async function closeUnlessRetried(
  services: With<'dynamodb'>,
  id: string,
  token: Uint8Array | undefined,
): Promise<boolean> {
  try {
    await update(services, id, {
      ...FORGET,
      ConditionExpression: token ? '#token = :token' : 'attribute_not_exists(#token)',
      ...(token ? { ExpressionAttributeValues: { ':token': { B: token } } } : {}),
    });
    return true;
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

const reviewId = (request: string) => `review#${request}`;

/** Puts an approval that was given by breaking the glass on the list of what a second person has to look at. */
const openReview = (
  services: With<'dynamodb'>,
  { id, endpoint, generation }: Pick<StoredRequest, 'id' | 'endpoint' | 'generation'>,
): Promise<void> => putToDo(services, 'review', { id: reviewId(id), endpoint, generation });

/** An approval by broken glass that nobody has reviewed. The list is for showing; the ledger says what is reviewed. */
export type OpenReview = { request: string; endpoint: EndpointRef; generation: number; since: string };

/** What a second person has to look at, longest open first. */
export async function listOpenReviews(services: With<'dynamodb'>): Promise<OpenReview[]> {
  const listed = await listToDo(services, 'review');
  return listed.map(({ id, ...about }) => ({ request: id.replace(/^review#/, ''), ...about }));
}

/** Takes a review off the list, once the ledger has it. */
export const closeReview = (services: With<'dynamodb'>, request: string): Promise<void> =>
  removeToDo(services, reviewId(request));

/** How an approver stands in the records. */
export const actorOf = ({ id, email }: Approver): Actor => ({
  kind: 'person',
  person: id,
  names: [email],
  arn: null,
  via: 'approver',
});

/** What a person says about a request. `person` is the id of an approver, and the caller has made sure that it is them. */
export type PersonalAnswer = {
  request: string;
  person: string;
  via: Via;
  answer: ApprovalAnswer;
  reason: string;
  digest: string;
  /** Alone, in an emergency. */
  breakGlass?: boolean | undefined;
  /** What was typed as the endpoint's name, where a page asked for it. */
  typedName?: string | undefined;
};

/** What somebody wants to put on record about a request, given its history and who may approve at this moment. */
type Say<Reply> = (
  history: EndpointHistory,
  request: StoredRequest,
  rules: ApprovalRules,
) => { reply: Reply; draft?: Draft | undefined };

/** What came of it; `token` is the ciphertext of the token that wakes the execution. */
type Said<Reply> = {
  reply: Reply;
  request: StoredRequest;
  history: EndpointHistory;
  token: Uint8Array | undefined;
};

/** Does what takes the list of approvers; where that cannot be read, nobody may, and whoever asks is refused. */
export async function unlessUnreadable<T>(work: () => Promise<T>): Promise<T | ReturnType<typeof refused>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnreadableApproversError)) throw error;
    return refused('approvers-unreadable', 'Who may approve cannot be read at the moment, so nobody may.');
  }
}

/**
 * Reads the request, its stream and who may approve now, and appends what `say` makes of them in one conditional
 * insert; where somebody else was faster, all of it again. An unreadable list of approvers refuses.
 */
export async function sayAbout<Reply>(
  services: With<'dynamodb'>,
  id: string,
  say: Say<Reply>,
): Promise<Said<Reply> | ReturnType<typeof refused>> {
  const found = await readWithToken(services, id);
  if (!found) return refused('no-request', 'There is no such request.');
  const { request, token } = found;
  const { endpoint, generation } = request;
  const said: Reply[] = [];
  return unlessUnreadable(async () => {
    const { history } = await append(services, await readStream(services, endpoint, generation), (past) => {
      const { reply, draft } = say(past, request, services.readApprovals());
      said[0] = reply;
      return draft;
    });
    return { reply: said[0] as Reply, request, history, token };
  });
}

/** One line in the log, without what the error says: it may hold a task token. */
export function warn(message: string, request: string, error: unknown): void {
  console.error(JSON.stringify({ level: 'WARN', message, request, error: (error as Error).name }));
}

/**
 * Takes a person's answer: decides, and records it in one conditional insert, and wakes the execution. The one place
 * where anything is approved or rejected: pages, Slack, the API and the command line all come through here.
 */
export async function decide(services: Resuming, given: PersonalAnswer): Promise<AnswerReply> {
  const said = await sayAbout(services, given.request, (history, { id, generation }, rules) => {
    const answer = { ...given, approver: given.person };
    const reply = decideApproval(history, generation, answer, rules, services.now());
    const approver = rules.approvers.find(({ id: each }) => each === given.person);
    if (reply.reply !== 'recorded' || !approver) return { reply };
    const kind = reply.append.breakGlass ? 'break-glass' : 'approval';
    return { reply, draft: { id: `${kind}#${id}#${approver.id}`, body: reply.append, actor: actorOf(approver) } };
  });
  if (said.reply === 'refused') return said;
  const { reply, request, history, token } = said;
  if (!('final' in reply) || !reply.final) return reply;
  try {
    const change = changeOf(history, request.generation);
    // Before the execution goes on: what is not on the list is never reviewed.
    if (change?.breakGlass && !change.review) await openReview(services, request);
    if (reply.reply === 'recorded' && reply.append.breakGlass) {
      services.measure({ name: 'BreakGlass', unit: 'Count', value: 1 });
    }
    // The answer is recorded, and that is what the person is told. A callback that does not get through is made up
    // for later: the sweep finds the decision and resumes.
    await resumeExecution(services, request.id, token);
  } catch (error) {
    warn('resume failed', request.id, error);
  }
  return reply;
}
