import { describe, expect, test } from 'vitest';
import { decide, listOpenReviews, storeToken } from '../../shared/aws/approvals.ts';
import { reviewBreakGlass } from '../../shared/aws/review-break-glass.ts';
import { approver, endpoint, findings, later, opened, person, REQUEST, requested } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

/** Asha broke the glass for a change that ben made. */
async function broken() {
  const aws = fakeAws();
  const { services } = aws;
  const tables = fakeTables(aws);
  const approvals = {
    ...services.config.file.approvals,
    approvers: [approver('asha'), approver('ben'), approver('cleo')],
    groups: { leads: ['asha'] },
    breakGlassGroup: 'leads',
  };
  services.readApprovals = () => approvals;
  tables.seed({ body: opened(), actor: person('ben') }, findings(), requested());
  await storeToken(services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) }, 'the-token');
  const { digest } = requested();
  const reason = 'the site is down';
  await decide(services, {
    request: REQUEST,
    person: 'asha',
    via: 'page',
    answer: 'approved',
    reason,
    digest,
    breakGlass: true,
  });
  const review = (who: string, finding: 'justified' | 'not-justified' = 'justified', why = 'it was down') =>
    reviewBreakGlass(services, { request: REQUEST, person: who, finding, reason: why });
  return { aws, tables, services, review };
}

describe('reviewBreakGlass', () => {
  test('by a second person is recorded and takes the review off the list', async () => {
    const { review, tables, services } = await broken();
    expect(await listOpenReviews(services)).toHaveLength(1);
    expect(await review('cleo', 'not-justified')).toMatchObject({ reply: 'recorded' });
    expect(tables.records().at(-1)).toMatchObject({
      actor: { person: 'cleo' },
      body: { kind: 'break-glass-reviewed', reviewer: 'cleo', finding: 'not-justified', reason: 'it was down' },
    });
    expect(await listOpenReviews(services)).toEqual([]);
  });
  test.each([
    ['by whoever broke it', 'asha', 'own-break-glass'],
    ['by whoever made the change', 'ben', 'own-change'],
    ['by a stranger', 'mallory', 'not-an-approver'],
  ])('%s is refused, and it stays on the list', async (_how, who, code) => {
    const { review, services } = await broken();
    expect(await review(who)).toMatchObject({ reply: 'refused', code });
    expect(await listOpenReviews(services)).toHaveLength(1);
  });
  test('without a reason is refused', async () => {
    const { review } = await broken();
    expect(await review('cleo', 'justified', ' ')).toMatchObject({ reply: 'refused', code: 'no-reason' });
  });
  test('is done once: the same again is told so, another is refused', async () => {
    const { review, tables } = await broken();
    await review('cleo');
    expect(await review('cleo')).toEqual({ reply: 'already-recorded' });
    expect(await review('cleo', 'not-justified')).toMatchObject({ reply: 'refused', code: 'nothing-to-review' });
    expect(tables.kinds().filter((kind) => kind.startsWith('break-glass-reviewed'))).toHaveLength(1);
  });
  test('of an ordinary approval is refused', async () => {
    const aws = fakeAws();
    const tables = fakeTables(aws);
    tables.seed({ body: opened(), actor: person('dana') }, findings(), requested());
    await storeToken(aws.services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) }, 't');
    const given = { request: REQUEST, person: 'asha', finding: 'justified', reason: 'fine' } as const;
    expect(await reviewBreakGlass(aws.services, given)).toMatchObject({ reply: 'refused', code: 'nothing-to-review' });
  });
});
