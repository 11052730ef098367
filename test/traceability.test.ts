import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { auditPolicy, policies } from '../shared/policies/index.ts';
import type { Policy } from '../shared/policies/policy.ts';
import { settings } from './builders.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Every `**POLICY:**` sentence of the policy document with the rationale below it, where there is one. */
const sentences = read('docs/policies/agentops-deployment-policies.md')
  .split(/^#.*$|(?=\*\*POLICY:\*\*)/m)
  .filter((block) => block.startsWith('**POLICY:**'))
  .map((block) => {
    const [first = '', ...notes] = block.trim().split('\n');
    return {
      statement: first.replace('**POLICY:**', '').trim(),
      rationale: notes
        .find((line) => line.startsWith('- Rationale: '))
        ?.replace('- Rationale: ', '')
        .trim(),
      noException: notes.includes('- Exception: None'),
    };
  });

const enforced = [
  ...policies.map(({ statement, rationale, waivable }) => ({ statement: statement(settings()), rationale, waivable })),
  { ...auditPolicy, waivable: undefined },
];

test('twelve sentences were examined, and each is different', () => {
  expect(sentences).toHaveLength(12);
  expect(new Set(sentences.map(({ statement }) => statement)).size).toBe(12);
});

describe('each sentence of the policy document', () => {
  test.each(sentences)('"$statement" is quoted word for word by exactly one policy', ({ statement }) => {
    expect(enforced.filter((policy) => policy.statement === statement)).toHaveLength(1);
  });

  const explained = sentences.filter(({ rationale }) => rationale);
  test('has its reason in the document, all but the list of instance types', () => expect(explained).toHaveLength(11));
  test.each(explained)(
    '"$statement" is enforced for the reason that the document gives',
    ({ statement, rationale }) => {
      expect(enforced.find((policy) => policy.statement === statement)?.rationale).toBe(rationale);
    },
  );

  test('two of them allow no exception', () => {
    expect(sentences.filter(({ noException }) => noException)).toHaveLength(2);
  });
  // The audit is no policy on facts, so there is nothing to waive.
  const checked = sentences.filter(({ statement }) => statement !== auditPolicy.statement);
  test.each(checked)(
    '"$statement" can be waived unless the document says: no exception',
    ({ statement, noException }) => {
      expect(enforced.find((policy) => policy.statement === statement)?.waivable).toBe(!noException);
    },
  );
});

test('no policy is enforced that the document does not have', () => {
  const written = sentences.map(({ statement }) => statement);
  expect(enforced.map(({ statement }) => statement).filter((statement) => !written.includes(statement))).toEqual([]);
});

test('policies stand in the order of the document', () => {
  const order = policies.map(({ statement }) =>
    sentences.findIndex((each) => each.statement === statement(settings())),
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test('the sentence about the audit is enforced by a file that is there and has its test', () => {
  expect(existsSync(new URL(auditPolicy.enforcedBy, root))).toBe(true);
  expect(
    existsSync(new URL(`test/${auditPolicy.enforcedBy.replace(/^shared\//, '').replace(/\.ts$/, '.test.ts')}`, root)),
  ).toBe(true);
});

describe('every policy file', () => {
  const files = readdirSync(new URL('shared/policies/', root)).filter(
    (name) => name.endsWith('.ts') && name !== 'index.ts',
  );
  const isPolicy = (value: unknown): value is Policy =>
    typeof value === 'object' && value !== null && 'check' in value && 'statement' in value;
  const withPolicy = files.filter((name) => /^export const \w+: Policy = /m.test(read(`shared/policies/${name}`)));

  test('that exports a policy was found, eleven in all', () => expect(withPolicy).toHaveLength(policies.length));
  test.each(files)('%s has a test of its name', (name) => {
    expect(existsSync(new URL(`test/policies/${name.replace(/\.ts$/, '.test.ts')}`, root))).toBe(true);
  });
  test.each(withPolicy)('%s exports one policy, named as the file, and it is registered', async (name) => {
    const exported = Object.values((await import(`../shared/policies/${name.slice(0, -3)}.ts`)) as object).filter(
      isPolicy,
    );
    expect(exported).toHaveLength(1);
    expect(policies).toContain(exported[0]);
    expect(exported[0]?.id).toBe(name.replace(/\.ts$/, ''));
  });
});
