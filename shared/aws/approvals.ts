import { timingSafeEqual } from 'node:crypto';
import {
  type AttributeValue,
  GetItemCommand,
  paginateQuery,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { type AnswerReply, type ApprovalRules, decideApproval, refused } from '../model/approval.ts';
import type { Approver } from '../model/approver.ts';
import { sha256 } from '../model/canonical-json.ts';
import { changeOf } from '../model/endpoint-history.ts';
import { EndpointRef } from '../model/endpoint-ref.ts';
import type { ApprovalAnswer } from '../model/ledger-record.ts';
import { append, readStream } from './ledger.ts';
import type { With } from './services.ts';

/** Wrong codes after which a request takes no more; a code has 80 bits, so this is against noise, not against luck. */
const MAX_WRONG_CODES = 25;

/** A request as it is kept for routing: which stream it belongs to, and who was told. It has no authority. */
export type StoredRequest = {
  id: string;
  endpoint: EndpointRef;
  generation: number;
  expiresAt: string;
  /** `approver:hash` for every code that was sent; the hash is SHA-256 of `request:code`. */
  codes: string[];
  notified: boolean;
  notifyErrors: string[];
  wrongCodes: number;
  hasToken: boolean;
};

/** What it takes to wake an execution: its token, the key to read it with, and Step Functions. */
type Resuming = With<'dynamodb' | 'kms' | 'sfn'>;

/** Who may approve and how many must, as configured now. */
export function approvalRules(services: With): ApprovalRules {
  const { approvers, requiredApprovals, requiredApprovalsIfRequesterUnknown } = services.config.file.approvals;
  return {
    approvers,
    required: { requesterKnown: requiredApprovals, requesterUnknown: requiredApprovalsIfRequesterUnknown },
  };
}

/** A code as people may type it: case and everything but letters and digits do not matter. */
const normalised = (code: string) => code.toUpperCase().replace(/[^0-9A-Z]/g, '');
export const codeHash = (request: string, code: string) => sha256(`${request}:${normalised(code)}`);

const keyOf = (services: With, id: string) => ({
  TableName: services.config.tables.approvals,
  Key: { id: { S: id } },
});

function requestFrom(item: Record<string, AttributeValue>): StoredRequest {
  return {
    id: item.id?.S ?? '',
    endpoint: EndpointRef.parse({ account: item.account?.S, region: item.region?.S, name: item.endpoint?.S }),
    generation: Number(item.generation?.N ?? 0),
    expiresAt: item.expiresAt?.S ?? '',
    codes: item.codes?.SS ?? [],
    notified: item.notified?.BOOL ?? false,
    notifyErrors: (item.notifyErrors?.L ?? []).map(({ S = '' }) => S),
    wrongCodes: Number(item.wrongCodes?.N ?? 0),
    hasToken: item.token?.B !== undefined,
  };
}

export async function readRequest(services: With<'dynamodb'>, id: string): Promise<StoredRequest | undefined> {
  if (!/^[a-z0-9]{26}$/.test(id)) return undefined;
  const { Item } = await services.dynamodb.send(new GetItemCommand({ ...keyOf(services, id), ConsistentRead: true }));
  return Item?.endpoint ? requestFrom(Item) : undefined;
}

/** Requests that nobody has closed yet, soonest expiry first. From an index, so for showing only. */
export async function listOpenRequests(services: With<'dynamodb'>): Promise<StoredRequest[]> {
  const found: StoredRequest[] = [];
  const pages = paginateQuery(
    { client: services.dynamodb },
    {
      TableName: services.config.tables.approvals,
      IndexName: 'by-open',
      KeyConditionExpression: '#open = :open',
      ExpressionAttributeNames: { '#open': 'open' },
      ExpressionAttributeValues: { ':open': { S: 'open' } },
    },
  );
  for await (const page of pages) found.push(...(page.Items ?? []).map(requestFrom));
  return found;
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
  await update(services, request.id, {
    UpdateExpression:
      'SET #token = :token, account = :account, #region = :region, endpoint = :endpoint, generation = :generation, expiresAt = :expiresAt, #open = :open',
    ExpressionAttributeNames: { '#token': 'token', '#region': 'region', '#open': 'open' },
    ExpressionAttributeValues: {
      ':token': { B: CiphertextBlob ?? new Uint8Array() },
      ':account': { S: request.endpoint.account },
      ':region': { S: request.endpoint.region },
      ':endpoint': { S: request.endpoint.name },
      ':generation': { N: String(request.generation) },
      ':expiresAt': { S: request.expiresAt },
      ':open': { S: 'open' },
    },
  });
}

/** Keeps the hashes of the codes before they are sent. Codes of an earlier message, which may have got through, stay valid. */
export async function storeCodes(
  services: With<'dynamodb'>,
  id: string,
  codes: ReadonlyMap<string, string>,
): Promise<void> {
  const hashes = [...codes].map(([approver, code]) => `${approver}:${codeHash(id, code)}`);
  // DynamoDB has no empty sets, and where nobody is asked there is no code.
  if (hashes.length === 0) return;
  await update(services, id, {
    UpdateExpression: 'ADD codes :codes',
    ExpressionAttributeValues: { ':codes': { SS: hashes } },
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
 * ledger. Call it only after the end of the request is in the ledger; calling it twice does no harm.
 */
export async function resumeExecution(services: Resuming, id: string): Promise<void> {
  for (;;) {
    const { Item } = await services.dynamodb.send(new GetItemCommand({ ...keyOf(services, id), ConsistentRead: true }));
    const ciphertext = Item?.token?.B;
    if (ciphertext) await sendCallback(services, id, ciphertext);
    if (await closeUnlessRetried(services, id, ciphertext)) return;
    // The task was retried in the meantime and waits with a new token now.
  }
}

async function sendCallback(services: Resuming, id: string, ciphertext: Uint8Array): Promise<void> {
  const { Plaintext } = await services.kms.send(
    new DecryptCommand({ CiphertextBlob: ciphertext, EncryptionContext: { request: id } }),
  );
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
 * decided died in between. Where it has not ended, says since when it has been waiting.
 */
export async function resumeIfDecided(
  services: Resuming,
  { id, endpoint, generation }: Pick<StoredRequest, 'id' | 'endpoint' | 'generation'>,
): Promise<{ resumed: true } | { resumed: false; since: string }> {
  const change = changeOf((await readStream(services, endpoint, generation)).history, generation);
  if (change?.decided ?? change?.outcome) {
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

const equal = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** Whose code is it? Every hash is compared, in constant time. */
function approverByCode(request: StoredRequest, code: string, approvers: readonly Approver[]): Approver | undefined {
  const hash = codeHash(request.id, code);
  return approvers.filter(({ id }) => request.codes.some((each) => equal(each, `${id}:${hash}`)))[0];
}

/** What a person says: who they are is told by the code that only their mailbox has. */
export type PersonalAnswer = { request: string; code: string; answer: ApprovalAnswer; reason: string; digest: string };

/**
 * Takes a person's answer: finds out who it is, decides and records it in one conditional insert, and wakes the
 * execution. The web page and the command line both come through here.
 */
export async function answerRequest(services: Resuming, given: PersonalAnswer): Promise<AnswerReply> {
  const request = await readRequest(services, given.request);
  if (!request) return refused('no-request', 'There is no such request.');
  if (request.wrongCodes >= MAX_WRONG_CODES) {
    return refused('too-many-wrong-codes', 'Too many wrong codes were tried; this request takes no more answers.');
  }
  const rules = approvalRules(services);
  const approver = approverByCode(request, given.code, rules.approvers);
  if (!approver) {
    await update(services, request.id, {
      UpdateExpression: 'ADD wrongCodes :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    });
    return refused('wrong-code', 'That is not the code from your message about this request.');
  }
  const { endpoint, generation } = request;
  let reply: AnswerReply = refused('no-request', 'Nothing was decided.');
  await append(services, await readStream(services, endpoint, generation), (history) => {
    reply = decideApproval(history, generation, { ...given, approver: approver.id }, rules, services.now());
    if (reply.reply !== 'recorded') return undefined;
    return {
      id: `approval#${request.id}#${approver.id}`,
      body: reply.append,
      actor: {
        kind: 'person',
        person: approver.id,
        names: [approver.email],
        arn: null,
        via: 'approver',
      },
    };
  });
  // The compiler cannot see that the callback above has run.
  const settled = reply as AnswerReply;
  if ('final' in settled && settled.final) {
    // The answer is recorded, and that is what the person is told. A callback that does not get through is made up
    // for later: whoever runs the request's task again finds the decision and resumes.
    await resumeExecution(services, request.id).catch((error: Error) =>
      console.error(
        JSON.stringify({ level: 'WARN', message: 'resume failed', request: request.id, error: error.name }),
      ),
    );
  }
  return settled;
}
