import { describe, expect, test } from 'vitest';
import { verifyStream } from '../../shared/aws/audit.ts';
import { append, readStream } from '../../shared/aws/ledger.ts';
import { gateActor } from '../../shared/model/actor.ts';
import { withoutGroups } from '../../shared/model/approval-settings.ts';
import { historyOf } from '../../shared/model/endpoint-history.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { withCleanWords } from '../../shared/model/person-text.ts';
import { Protection, protectionsOff, protectionVariable } from '../../shared/model/protection.ts';
import { config, endpoint, given, opened } from '../builders.ts';
import { fakeAws, services } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

/** Every combination of them, each `true`, `false`. */
const COMBINATIONS = Array.from({ length: 2 ** Protection.options.length }, (_, bits) =>
  Protection.options.filter((_each, index) => bits & (1 << index)),
);
const STAGES = [undefined, '', 'prod', 'PRODUCTION', 'prod-eu', 'live', 'dev', 'staging', 'test'] as const;
const MATRIX = STAGES.flatMap((stage) =>
  COMBINATIONS.map((off) => ({ stage, off, named: off.join(' and ') || 'nothing' })),
);

describe('switched off', () => {
  test.each(MATRIX)('with the stage $stage: $named', ({ stage, off }) => {
    const env = Object.fromEntries(
      Protection.options.map((each) => [protectionVariable(each), String(!off.includes(each))]),
    );
    const problems: string[] = [];
    expect(protectionsOff({ ...env, PORTCULLIS_STAGE: stage }, problems)).toEqual(off);
    const refused = !['dev', 'staging', 'test'].includes(stage ?? '');
    expect(problems).toHaveLength(refused ? off.length : 0);
    for (const problem of problems) expect(problem).toContain('cannot be switched off in prod');
  });
  test.each(['False', '0', 'no', 'off', '', ' false'])(
    '%j is neither true nor false, and switches nothing off',
    (value) => {
      const problems: string[] = [];
      expect(protectionsOff({ PORTCULLIS_STAGE: 'dev', PORTCULLIS_AUTHENTICATION_ENABLED: value }, problems)).toEqual(
        [],
      );
      expect(problems).toEqual([expect.stringContaining('must be true or false')]);
    },
  );
  test('by nobody, nothing is', () => {
    const problems: string[] = [];
    expect([protectionsOff({}, problems), problems]).toEqual([[], []]);
  });
});

const HOSTILE = 'looks right\u202e\u001b[2J\nsecond line';
async function written(off: Protection[]) {
  const aws = fakeAws({ config: config({ off }) });
  const tables = fakeTables(aws);
  const draft = (body: ReturnType<typeof opened> | ReturnType<typeof given>, id: string) => () => ({
    id,
    body,
    actor: gateActor,
  });
  const stream = await append(aws.services, await readStream(aws.services, endpoint), draft(opened(), 'a'));
  await append(aws.services, stream, draft(given({ reason: HOSTILE }), 'b'));
  return { ...aws, records: tables.records() };
}

describe('every record', () => {
  test.each(COMBINATIONS.map((off) => [off.join(' and ') || 'nothing', off] as const))(
    'says that %s was switched off, and the trail is whole with it',
    async (_name, off) => {
      const { records, services: built } = await written(off);
      expect(records).toHaveLength(2);
      for (const record of records) {
        expect(LedgerRecord.parse(record)).toEqual(record);
        expect(record.unprotected).toEqual(off.length > 0 ? off : undefined);
        expect('unprotected' in record).toBe(off.length > 0);
      }
      expect(historyOf(records).changes).toHaveLength(1);
      expect((await verifyStream(built, streamOf(endpoint))).broken).toBeUndefined();
    },
  );
  test('holds what people wrote made visible, unless sanitization is off', async () => {
    const reasons = async (off: Protection[]) =>
      (await written(off)).records.map(({ body }) => 'reason' in body && body.reason);
    expect(await reasons([])).toEqual([false, 'looks right\\u202e\\u001b[2J\nsecond line']);
    expect(await reasons(['sanitization'])).toEqual([false, HOSTILE]);
  });
});

test('words without anything of the kind come back as the same object', () => {
  const body = given();
  expect(withCleanWords(body)).toBe(body);
});

test('with authorization switched off every approver is in every group, and with it on only its members are', () => {
  const settings = { ...config().file.approvals, groups: { leads: ['asha'] } };
  const file = { ...config().file, approvals: settings };
  expect(withoutGroups(settings)).toEqual({ ...settings, groups: { leads: ['asha', 'ben'] } });
  expect(services({ config: config({ file }) }).readApprovals().groups).toEqual({ leads: ['asha'] });
  expect(services({ config: config({ file, off: ['authorization'] }) }).readApprovals().groups).toEqual({
    leads: ['asha', 'ben'],
  });
});
