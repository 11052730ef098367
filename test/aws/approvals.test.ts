import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test, vi } from 'vitest';
import {
  answerRequest,
  approvalRules,
  closeRequest,
  codeHash,
  listOpenRequests,
  markNotified,
  readRequest,
  resumeExecution,
  resumeIfDecided,
  storeCodes,
  storeToken,
} from '../../shared/aws/approvals.ts';
import { endpoint, findings, given, later, NOW, opened, outcome, person, REQUEST, requested } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const request = { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) };
const CODES = new Map([
  ['asha', 'K7QM-2XVA-9RTB-4HNC'],
  ['ben', 'AAAA-BBBB-CCCC-DDDD'],
]);

/** A request that dana's change waits for, with its token and its codes. */
async function asked() {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person('dana') }, findings(), requested());
  await storeToken(aws.services, request, 'the-token');
  await storeCodes(aws.services, REQUEST, CODES);
  const answer = (overrides: Partial<Parameters<typeof answerRequest>[1]> = {}) =>
    answerRequest(aws.services, {
      request: REQUEST,
      code: CODES.get('asha') ?? '',
      answer: 'approved',
      reason: 'looks right',
      digest: opened().digest,
      ...overrides,
    });
  return { aws, tables, services: aws.services, answer };
}

describe('what is stored', () => {
  test('leads from the request to its stream, and holds hashes of codes instead of codes', async () => {
    const { services, tables } = await asked();
    expect(await readRequest(services, REQUEST)).toEqual({
      ...request,
      codes: [`asha:${codeHash(REQUEST, 'K7QM-2XVA-9RTB-4HNC')}`, `ben:${codeHash(REQUEST, 'AAAA-BBBB-CCCC-DDDD')}`],
      notified: false,
      notifyErrors: [],
      wrongCodes: 0,
      hasToken: true,
    });
    expect(JSON.stringify([...tables.approvals.values()])).not.toMatch(/K7QM|the-token/);
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
});

test.each(['K7QM-2XVA-9RTB-4HNC', 'k7qm2xva9rtb4hnc', ' K7QM 2XVA 9RTB 4HNC\n'])(
  'a code may be typed as %j',
  (code) => {
    expect(codeHash(REQUEST, code)).toBe(codeHash(REQUEST, 'K7QM-2XVA-9RTB-4HNC'));
  },
);
test('the same code of another request is another code', () => {
  expect(codeHash(REQUEST, 'K7QM')).not.toBe(codeHash('a'.repeat(26), 'K7QM'));
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

describe('answerRequest', () => {
  test('with the right code records the answer of its owner and wakes the execution afterwards', async () => {
    const { answer, tables, aws } = await asked();
    aws.calls.length = 0;
    expect(await answer()).toMatchObject({ reply: 'recorded', final: { answer: 'approved', approvers: ['asha'] } });
    expect(tables.records().at(-1)).toMatchObject({
      id: `approval#${REQUEST}#asha`,
      actor: { kind: 'person', person: 'asha', names: ['asha@example.com'], via: 'approver' },
      body: given(),
    });
    expect(aws.world.resumed).toEqual(['the-token']);
    expect(aws.calls.indexOf('ExecuteStatement')).toBeLessThan(aws.calls.indexOf('SendTaskSuccess'));
  });

  test('it is the code that says who answers', async () => {
    const { answer } = await asked();
    expect(await answer({ code: CODES.get('ben') ?? '' })).toMatchObject({ append: { approver: 'ben' } });
  });

  test('with a wrong code records nothing but that somebody tried', async () => {
    const { answer, tables, services } = await asked();
    expect(await answer({ code: 'WRONG' })).toMatchObject({ reply: 'refused', code: 'wrong-code' });
    expect(tables.kinds()).toHaveLength(3);
    expect(await readRequest(services, REQUEST)).toMatchObject({ wrongCodes: 1 });
  });

  test('after 25 wrong codes takes not even the right one', async () => {
    const { answer, tables } = await asked();
    for (let index = 0; index < 25; index += 1) await answer({ code: `WRONG${index}` });
    expect(await answer()).toMatchObject({ reply: 'refused', code: 'too-many-wrong-codes' });
    expect(tables.kinds()).toHaveLength(3);
  });

  test('after 24 it still does', async () => {
    const { answer } = await asked();
    for (let index = 0; index < 24; index += 1) await answer({ code: '' });
    expect((await answer()).reply).toBe('recorded');
  });

  test('the code of somebody who is no approver any more is wrong', async () => {
    const { answer, services } = await asked();
    services.config.file.approvals.approvers = services.config.file.approvals.approvers.filter(
      ({ id }) => id !== 'asha',
    );
    expect((await answer()).reply).toBe('refused');
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
    expect(await answer({ code: CODES.get('ben') ?? '' })).toMatchObject({ final: { approvers: ['asha', 'ben'] } });
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

test('the rules are those of the configuration, at the moment of asking', () => {
  const { services } = fakeAws();
  expect(approvalRules(services)).toMatchObject({ required: { requesterKnown: 1, requesterUnknown: 2 } });
  services.config.file.approvals.requiredApprovals = 3;
  expect(approvalRules(services).required.requesterKnown).toBe(3);
  expect(approvalRules(services).approvers.map(({ id }) => id)).toEqual(['asha', 'ben']);
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
});
