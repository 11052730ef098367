import { SendEmailCommand } from '@aws-sdk/client-sesv2';
import { describe, expect, test } from 'vitest';
import { run } from '../../functions/request-approval.ts';
import { answerRequest, listOpenRequests, readRequest } from '../../shared/aws/approvals.ts';
import { change, endpoint, findings, given, later, opened, person, type Written } from '../builders.ts';
import { awsError, fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const ID = 'request0000000000000000001';

function setUp(...written: Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed(...(written.length > 0 ? written : [{ body: opened(), actor: person('dana') }, findings()]));
  const ask = (taskToken = 'token-1', seconds = 3600) =>
    run({ change: change(), generation: 1, approvalTimeoutSeconds: seconds, taskToken }, aws.services);
  return { aws, tables, ask, services: aws.services };
}
const codeIn = (text = '') => /code for this request: (\S+)/.exec(text)?.[1] ?? '';

describe('request approval', () => {
  test('puts the question on record: what is asked, by which policies, whom, until when', async () => {
    const { ask, tables } = setUp();
    expect(await ask()).toEqual({ request: ID });
    expect(tables.records().at(-1)).toMatchObject({
      id: 'request#1',
      actor: { kind: 'gate' },
      body: {
        kind: 'approval-requested',
        generation: 1,
        digest: opened().digest,
        request: ID,
        expiresAt: later(3600),
        approvers: ['asha', 'ben'],
        reasons: ['prod-human-approval'],
      },
    });
  });

  test('tells every approver, each with a code of their own and a link that names nothing but the request', async () => {
    const { ask, aws } = setUp();
    await ask();
    const { mails } = aws.world;
    expect(mails.map(({ to }) => to)).toEqual(['asha@example.com', 'ben@example.com']);
    for (const { subject, text } of mails) {
      expect(subject).toContain('fraud-prod');
      expect(text).toContain(`https://gate.example.com/approvals/${ID}`);
      expect(text).toContain('dana');
      expect(text).not.toContain('token-1');
    }
    expect(new Set(mails.map(({ text }) => codeIn(text))).size).toBe(2);
  });

  test('a mailed code is good for an answer', async () => {
    const { ask, aws, services } = setUp();
    await ask();
    const reply = await answerRequest(services, {
      request: ID,
      code: codeIn(aws.world.mails[1]?.text),
      answer: 'approved',
      reason: 'fine',
      digest: opened().digest,
    });
    expect(reply).toMatchObject({ reply: 'recorded', final: { approvers: ['ben'] } });
    expect(aws.world.resumed).toEqual(['token-1']);
  });

  test('lists the request as open, and keeps the token sealed', async () => {
    const { ask, services, tables } = setUp();
    await ask();
    expect(await listOpenRequests(services)).toMatchObject([
      { id: ID, endpoint, generation: 1, expiresAt: later(3600), hasToken: true },
    ]);
    expect(JSON.stringify([...tables.approvals.values()])).not.toContain('token-1');
    expect(JSON.stringify(tables.records())).not.toContain('token-1');
  });

  test('whoever made the change is not asked', async () => {
    const { ask, aws, services } = setUp({ body: opened(), actor: person('session', 'Asha@example.com') }, findings());
    await ask();
    expect(aws.world.mails.map(({ to }) => to)).toEqual(['ben@example.com']);
    expect((await readRequest(services, ID))?.codes.map((each) => each.split(':')[0])).toEqual(['ben']);
  });

  test('a message that does not go out is noted and does not lose the wait', async () => {
    const { ask, aws, services } = setUp();
    aws.ses.on(SendEmailCommand).rejectsOnce(awsError('MessageRejected')).resolves({});
    expect(await ask()).toEqual({ request: ID });
    expect(await readRequest(services, ID)).toMatchObject({ notified: true, notifyErrors: ['asha: MessageRejected'] });
  });

  test('codes can be checked before anybody gets one', async () => {
    const { ask, aws, tables } = setUp();
    const stored: boolean[] = [];
    aws.world.before = (command) => {
      if (command === 'SendEmail') stored.push(Boolean(tables.approvals.get(ID)?.codes));
    };
    await ask();
    expect(stored).toEqual([true, true]);
  });
});

describe('run again', () => {
  test('it asks nobody twice, keeps the record and its deadline, and exchanges the token', async () => {
    const { ask, aws, tables, services } = setUp();
    await ask('token-1');
    const records = tables.records();
    aws.clock.advance(600);
    expect(await ask('token-2')).toEqual({ request: ID });
    expect(tables.records()).toEqual(records);
    expect(aws.world.mails).toHaveLength(2);
    await answerRequest(services, {
      request: ID,
      code: codeIn(aws.world.mails[0]?.text),
      answer: 'rejected',
      reason: 'no',
      digest: opened().digest,
    });
    expect(aws.world.resumed).toEqual(['token-2']);
  });

  test.each([
    ['first', 0],
    ['second', -1],
  ])(
    'where it died while telling them, all are told again, and the code of the %s message works',
    async (_which, at) => {
      const { ask, aws, services } = setUp();
      let marked = 0;
      aws.world.before = (command, input) => {
        const marks = command === 'UpdateItem' && JSON.stringify(input).includes('notified');
        marked += marks ? 1 : 0;
        if (marks && marked === 1) throw awsError('InternalServerError', 'died here', 500);
      };
      await expect(ask()).rejects.toThrow('died here');
      await ask('token-2');
      expect(aws.world.mails).toHaveLength(4);
      const code = codeIn(aws.world.mails.at(at)?.text);
      expect(
        (
          await answerRequest(services, {
            request: ID,
            code,
            answer: 'approved',
            reason: 'ok',
            digest: opened().digest,
          })
        ).reply,
      ).toBe('recorded');
    },
  );

  test('after it was decided, nobody will use the new token, so it says that there is nothing to wait for', async () => {
    const { ask, aws, tables } = setUp();
    await ask('token-1');
    tables.add(given({ request: ID }));
    await expect(ask('token-2')).rejects.toMatchObject({ name: 'AlreadyDecidedError' });
    expect(aws.world.resumed).toEqual([]);
  });

  test('two runs at once make one request', async () => {
    const { ask, tables } = setUp();
    const [one, two] = await Promise.all([ask('a'), ask('b')]);
    expect(one).toEqual(two);
    expect(tables.kinds().filter((kind) => kind.startsWith('approval-requested'))).toHaveLength(1);
  });
});

test('without findings there is nothing to ask about', async () => {
  await expect(setUp(opened()).ask()).rejects.toThrow('no findings');
});
test('without a token there is nobody to wake', async () => {
  await expect(
    run({ change: change(), generation: 1, approvalTimeoutSeconds: 60 }, setUp().services),
  ).rejects.toMatchObject({
    name: 'InvalidInputError',
    message: expect.stringContaining('taskToken'),
  });
});
