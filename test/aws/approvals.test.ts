import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test, vi } from 'vitest';
import {
  approvalRules,
  closeRequest,
  decide,
  listOpenRequests,
  listOpenReviews,
  markNotified,
  type PersonalAnswer,
  pageOpenRequests,
  readRequest,
  resumeExecution,
  resumeIfDecided,
  storeToken,
} from '../../shared/aws/approvals.ts';
import { UnreadableApproversError } from '../../shared/model/approval-settings.ts';
import {
  change,
  endpoint,
  findings,
  given,
  later,
  NOW,
  opened,
  outcome,
  person,
  REQUEST,
  requested,
} from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const request = { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) };
/** A request that dana's change waits for, with its token. */
async function asked() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person('dana') }, findings(), requested());
  await storeToken(aws.services, request, 'the-token');
  const answer = (overrides: Partial<PersonalAnswer> = {}) =>
    decide(aws.services, {
      request: REQUEST,
      person: 'asha',
      via: 'page',
      answer: 'approved',
      reason: 'looks right',
      digest: opened().digest,
      ...overrides,
    });
  return { aws, tables, services: aws.services, answer };
}

describe('what is stored', () => {
  test('leads from the request to its stream, and holds no token that could be read', async () => {
    const { services, tables } = await asked();
    expect(await readRequest(services, REQUEST)).toEqual({
      ...request,
      askedAt: NOW,
      notified: false,
      notifyErrors: [],
      hasToken: true,
    });
    expect(JSON.stringify([...tables.approvals.values()])).not.toMatch(/the-token/);
  });
  test('of a plan leads to the stream of plans', async () => {
    const { services } = await asked();
    const plan = { ...request, id: 'p'.repeat(26), endpoint: { ...endpoint, planned: true as const } };
    await storeToken(services, plan, 't');
    expect((await readRequest(services, plan.id))?.endpoint).toEqual(plan.endpoint);
    expect((await readRequest(services, REQUEST))?.endpoint).toEqual(endpoint);
  });
  test('is not looked for under an id that is none', async () => {
    const { services, aws } = await asked();
    aws.calls.length = 0;
    expect(await readRequest(services, "x'; --")).toBeUndefined();
    expect(aws.calls).toEqual([]);
    expect(await readRequest(services, 'a'.repeat(26))).toBeUndefined();
  });
  test('the token is encrypted with the request as context', async () => {
    const { aws } = await asked();
    expect(aws.kms.commandCalls(EncryptCommand)[0]?.args[0].input).toMatchObject({
      KeyId: 'alias/portcullis',
      EncryptionContext: { request: REQUEST },
    });
  });
  test('whom it could not tell is kept', async () => {
    const { services } = await asked();
    await markNotified(services, REQUEST, ['ben: MessageRejected']);
    expect(await readRequest(services, REQUEST)).toMatchObject({
      notified: true,
      notifyErrors: ['ben: MessageRejected'],
    });
  });
  test('open requests are listed soonest expiry first, over every page, until they are closed', async () => {
    const { services, aws } = await asked();
    aws.world.pageSize = 1;
    const ids = ['b', 'a', 'c'].map((letter) => letter.repeat(26));
    for (const [index, id] of ids.entries())
      await storeToken(services, { ...request, id, expiresAt: later(index) }, 't');
    expect((await listOpenRequests(services)).map(({ id }) => id)).toEqual([...ids, REQUEST]);
    await closeRequest(services, ids[0] ?? '');
    expect((await listOpenRequests(services)).map(({ id }) => id)).toEqual([...ids.slice(1), REQUEST]);
  });
  test('a page at a time they are all there, once each, and a cursor that is none begins at the start', async () => {
    const { services } = await asked();
    const ids = ['b', 'a', 'c'].map((letter) => letter.repeat(26));
    for (const id of ids) await storeToken(services, { ...request, id, expiresAt: later(1) }, 't');
    const first = await pageOpenRequests(services, { limit: 3 });
    expect(first.requests).toHaveLength(3);
    const second = await pageOpenRequests(services, { limit: 3, after: first.next });
    expect(second.next).toBeUndefined();
    expect([...first.requests, ...second.requests].map(({ id }) => id)).toEqual([...ids, REQUEST]);
    const astray = await pageOpenRequests(services, { limit: 3, after: "x' OR" });
    expect(astray.requests).toEqual(first.requests);
  });
});

describe('resumeExecution', () => {
  test('wakes the execution with nothing but a wake-up, and forgets the token', async () => {
    const { services, aws } = await asked();
    await resumeExecution(services, REQUEST);
    expect(aws.sfn.commandCalls(SendTaskSuccessCommand).map(({ args }) => args[0].input)).toEqual([
      { taskToken: 'the-token', output: '{}' },
    ]);
    expect(await readRequest(services, REQUEST)).toMatchObject({ hasToken: false });
    expect(await listOpenRequests(services)).toEqual([]);
  });
  test('twice wakes it once', async () => {
    const { services, aws } = await asked();
    await resumeExecution(services, REQUEST);
    await resumeExecution(services, REQUEST);
    expect(aws.world.resumed).toEqual(['the-token']);
  });
  test.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    '%s means that nothing waits any more, so it is closed',
    async (name) => {
      const { services, aws } = await asked();
      aws.sfn.on(SendTaskSuccessCommand).rejects(awsError(name));
      await resumeExecution(services, REQUEST);
      expect(await listOpenRequests(services)).toEqual([]);
    },
  );
  test('a token that was exchanged while the old one was used is used too', async () => {
    const { services, aws } = await asked();
    const used: string[] = [];
    aws.sfn.on(SendTaskSuccessCommand).callsFake(async ({ taskToken }: { taskToken: string }) => {
      used.push(taskToken);
      // The task was started again after a crash and waits with a new token from here on.
      if (taskToken === 'the-token') await storeToken(services, request, 'the-new-token');
      throw awsError('TaskTimedOut');
    });
    await resumeExecution(services, REQUEST);
    expect(used).toEqual(['the-token', 'the-new-token']);
    expect(await listOpenRequests(services)).toEqual([]);
  });
  test('a token that was read before it was exchanged is tried, and then the one that waits is', async () => {
    const { services, aws, tables } = await asked();
    const before = tables.approvals.get(REQUEST)?.token?.B;
    await storeToken(services, request, 'the-new-token');
    await resumeExecution(services, REQUEST, before);
    expect(aws.sfn.commandCalls(SendTaskSuccessCommand).map(({ args }) => args[0].input.taskToken)).toEqual([
      'the-token',
      'the-new-token',
    ]);
    expect(await listOpenRequests(services)).toEqual([]);
  });
  test('any other error is thrown and the token kept for the next try', async () => {
    const { services, aws } = await asked();
    aws.sfn.on(SendTaskSuccessCommand).rejects(awsError('ThrottlingException'));
    await expect(resumeExecution(services, REQUEST)).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(await readRequest(services, REQUEST)).toMatchObject({ hasToken: true });
  });
  test('a token moved to another request does not open', async () => {
    const { services, tables } = await asked();
    const other = 'a'.repeat(26);
    const item = tables.approvals.get(REQUEST) ?? {};
    tables.approvals.set(other, { ...item, id: { S: other } });
    await expect(resumeExecution(services, other)).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
  });
});

describe('decide', () => {
  test('records the answer of whoever gives it and how it came in, and wakes the execution afterwards', async () => {
    const { answer, tables, aws } = await asked();
    aws.calls.length = 0;
    expect(await answer()).toMatchObject({ reply: 'recorded', final: { answer: 'approved', approvers: ['asha'] } });
    expect(tables.records().at(-1)).toMatchObject({
      id: `approval#${REQUEST}#asha`,
      actor: { kind: 'person', person: 'asha', names: ['asha@example.com'], via: 'approver' },
      body: given({ via: 'page', approvers: ['asha'] }),
    });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect(aws.calls.indexOf('ExecuteStatement')).toBeLessThan(aws.calls.indexOf('SendTaskSuccess'));
  });

  test('asks who may approve at the moment of deciding', async () => {
    const { answer, services, tables } = await asked();
    services.readApprovals = () => ({ ...services.config.file.approvals, approvers: [] });
    expect(await answer()).toMatchObject({ reply: 'refused', code: 'not-an-approver' });
    expect(tables.kinds()).toHaveLength(3);
  });

  test('asks again for every try: whoever is taken off the list during a race does not decide', async () => {
    const { answer, services, tables } = await asked();
    let approvers = services.config.file.approvals.approvers;
    services.readApprovals = () => ({ ...services.config.file.approvals, approvers });
    tables.hooks.beforeInsert = () => {
      approvers = [];
      tables.add({ kind: 'event-joined', generation: 1, event: change({ eventId: 'event-9' }) });
    };
    expect(await answer()).toMatchObject({ reply: 'refused', code: 'not-an-approver' });
    expect(tables.kinds()).not.toContain('approval-given#1');
  });

  test('refuses everybody while the list of approvers cannot be read', async () => {
    const { answer, services, tables } = await asked();
    services.readApprovals = () => {
      throw new UnreadableApproversError('portcullis.yaml: not YAML');
    };
    expect(await answer()).toMatchObject({ reply: 'refused', code: 'approvers-unreadable' });
    expect(tables.kinds()).toHaveLength(3);
    // Shown is an empty list.
    expect(approvalRules(services).approvers).toEqual([]);
  });

  test('a request that is not there is refused', async () => {
    const { answer } = await asked();
    expect(await answer({ request: 'a'.repeat(26) })).toMatchObject({ reply: 'refused', code: 'no-request' });
  });

  test('what the rules refuse is not recorded and wakes nobody', async () => {
    const { answer, tables, aws } = await asked();
    expect((await answer({ reason: '' })).reply).toBe('refused');
    expect(tables.kinds()).toHaveLength(3);
    expect(aws.world.resumed).toEqual([]);
  });

  test('an answer that decides nothing yet wakes nobody', async () => {
    const { answer, services, aws } = await asked();
    services.config.file.approvals.requiredApprovals = 2;
    expect(await answer()).toMatchObject({ reply: 'recorded', final: undefined });
    expect(aws.world.resumed).toEqual([]);
    expect(await answer({ person: 'ben' })).toMatchObject({ final: { approvers: ['asha', 'ben'] } });
    expect(aws.world.resumed).toEqual(['the-token']);
  });

  test('of two who answer at once, one decides and the other is told', async () => {
    const { answer, tables } = await asked();
    tables.hooks.beforeInsert = () => tables.add(given({ approver: 'ben', answer: 'rejected', reason: 'no' }));
    expect(await answer()).toEqual({
      reply: 'already-decided',
      final: { answer: 'rejected', approvers: ['ben'], reason: 'no' },
    });
    expect(tables.bodies().filter(({ kind }) => kind === 'approval-given')).toHaveLength(1);
  });

  test('an execution that cannot be woken does not undo the answer; it is logged without the token', async () => {
    const { answer, aws, tables } = await asked();
    aws.sfn.on(SendTaskSuccessCommand).rejects(awsError('ThrottlingException', 'the-token'));
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect((await answer()).reply).toBe('recorded');
    expect(tables.kinds().at(-1)).toBe('approval-given#1');
    expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toEqual({
      level: 'WARN',
      message: 'resume failed',
      request: REQUEST,
      error: 'ThrottlingException',
    });
    log.mockRestore();
  });

  test('answering again after that wakes it', async () => {
    const { answer, aws } = await asked();
    aws.kms.on(DecryptCommand).rejectsOnce(awsError('KMSInternalException'));
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await answer();
    log.mockRestore();
    aws.kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from('the-token') });
    expect((await answer()).reply).toBe('already-recorded');
    expect(aws.world.resumed).toEqual(['the-token']);
  });

  test('the request and its stream are read consistently', async () => {
    const { answer, aws } = await asked();
    await answer();
    expect(aws.dynamodb.commandCalls(GetItemCommand).every(({ args }) => args[0].input.ConsistentRead)).toBe(true);
    expect(
      aws.dynamodb.commandCalls(UpdateItemCommand).every(({ args }) => args[0].input.TableName === 'approvals'),
    ).toBe(true);
  });
});

describe('breaking the glass', () => {
  async function emergency() {
    const all = await asked();
    const approvals = { ...all.services.config.file.approvals, groups: { leads: ['asha'] }, breakGlassGroup: 'leads' };
    const metrics: unknown[] = [];
    all.services.readApprovals = () => ({ ...approvals, requiredApprovals: 2 });
    all.services.measure = (metric) => metrics.push(metric);
    return { ...all, metrics, broken: () => all.answer({ breakGlass: true, reason: 'the site is down' }) };
  }

  test('decides alone, is counted, and leaves a review open', async () => {
    const { broken, tables, services, metrics, aws } = await emergency();
    expect(await broken()).toMatchObject({ reply: 'recorded', final: { approvers: ['asha'] } });
    expect(tables.records().at(-1)).toMatchObject({ id: `break-glass#${REQUEST}#asha`, body: { breakGlass: true } });
    expect(metrics).toEqual([{ name: 'BreakGlass', unit: 'Count', value: 1 }]);
    expect(await listOpenReviews(services)).toEqual([{ request: REQUEST, endpoint, generation: 1, since: NOW }]);
    expect(await listOpenRequests(services)).toEqual([]);
    expect(aws.world.resumed).toEqual(['the-token']);
  });

  test('twice is counted once', async () => {
    const { broken, metrics } = await emergency();
    await broken();
    expect(await broken()).toMatchObject({ reply: 'already-recorded' });
    expect(metrics).toHaveLength(1);
  });

  test('goes on only when the review is on the list; the sweep makes up for it', async () => {
    const { broken, services, aws } = await emergency();
    aws.world.before = (command) => {
      if (command === 'UpdateItem') throw awsError('ThrottlingException');
    };
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect((await broken()).reply).toBe('recorded');
    log.mockRestore();
    expect(aws.world.resumed).toEqual([]);
    aws.world.before = () => undefined;
    expect(await resumeIfDecided(services, request)).toEqual({ resumed: true });
    expect(await listOpenReviews(services)).toHaveLength(1);
    expect(aws.world.resumed).toEqual(['the-token']);
  });
});

describe('a request whose callback may not have got through', () => {
  test('goes on waiting since it was asked where nobody decided', async () => {
    const { services, aws } = await asked();
    aws.clock.advance(60);
    expect(await resumeIfDecided(services, request)).toEqual({ resumed: false, since: NOW });
    expect(aws.world.resumed).toEqual([]);
  });
  test('is resumed where somebody did, or where its change has ended', async () => {
    for (const end of [given(), outcome(1, 'undetermined')]) {
      const { services, aws, tables } = await asked();
      tables.add(end);
      expect(await resumeIfDecided(services, request)).toEqual({ resumed: true });
      expect(aws.world.resumed).toEqual(['the-token']);
    }
  });
  test('is decided where what was given has come to be enough', async () => {
    const { services, aws, tables } = await asked();
    services.readApprovals = () => ({ ...services.config.file.approvals, requiredApprovals: 2 });
    tables.add(given({ decides: false }));
    expect(await resumeIfDecided(services, request)).toMatchObject({ resumed: false });
    services.readApprovals = () => services.config.file.approvals;
    expect(await resumeIfDecided(services, request)).toEqual({ resumed: true });
    expect(tables.records().at(-1)).toMatchObject({
      id: `decided#${REQUEST}`,
      actor: { kind: 'gate' },
      body: { kind: 'decided', answer: 'approved', approvers: ['asha'] },
    });
    expect(aws.world.resumed).toEqual(['the-token']);
  });
  test('by broken glass whose review is not on the list gets it there first', async () => {
    const { services, tables } = await asked();
    tables.add(given({ breakGlass: true }));
    await resumeIfDecided(services, request);
    expect(await listOpenReviews(services)).toHaveLength(1);
  });
});
