import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run as gatherFacts } from '../../functions/gather-facts.ts';
import { storeToken } from '../../shared/aws/approvals.ts';
import { askAgain } from '../../shared/aws/ask-again.ts';
import { ExecutionInput } from '../../shared/aws/executions.ts';
import { type Actor, unknownActor } from '../../shared/model/actor.ts';
import { decideApproval } from '../../shared/model/approval.ts';
import { ApprovalSettings } from '../../shared/model/approval-settings.ts';
import { DeploymentPlan } from '../../shared/model/deployment-plan.ts';
import { changeOf, historyOf, requestersOf } from '../../shared/model/endpoint-history.ts';
import {
  approver,
  endpoint,
  facts,
  findings,
  given,
  instanceVariant,
  later,
  NOW,
  opened,
  outcome,
  person,
  REQUEST,
  requested,
  type Written,
} from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const expired = { ...requested(), kind: 'decided', answer: 'expired', reason: 'nobody answered' } as const;
const { expiresAt: _e, approvers: _a, reasons: _r, ...decided } = expired;

/** A request about asha's change, and what became of it. */
async function ended(...end: Written[]) {
  const aws = fakeAws();
  const tables = fakeTables(aws);
  tables.seed({ body: opened(), actor: person('asha') }, findings(), requested(), ...end);
  await storeToken(aws.services, { id: REQUEST, endpoint, generation: 1, expiresAt: later(86_400) }, 't');
  const again = (who = 'ben') => askAgain(aws.services, { request: REQUEST, person: who });
  /** What the execution that was started was given. */
  const input = () => ExecutionInput.parse(JSON.parse([...aws.world.executions.values()].at(-1)?.input ?? '{}'));
  return { aws, tables, services: aws.services, again, input };
}

describe('askAgain', () => {
  test.each(['expired', 'superseded', 'withdrawn', 'undetermined'] as const)(
    'after a change ended %s starts a new change',
    async (result) => {
      const { again, input } = await ended(decided, outcome(1, result));
      expect(await again()).toEqual({ reply: 'recorded', endpoint, generation: 2 });
      expect(input()).toMatchObject({
        generation: 2,
        change: { cause: 'asked again', again: { request: REQUEST, person: 'ben', requesters: [{ person: 'asha' }] } },
      });
    },
  );
  test('twice at once starts one', async () => {
    const { again, aws } = await ended(decided, outcome(1, 'expired'));
    await again();
    aws.clock.advance(1);
    expect(await again()).toMatchObject({ reply: 'recorded', generation: 2 });
    expect(aws.world.executions.size).toBe(1);
  });
  const refusals: [string, Written[], string, string][] = [
    ['while it waits', [], 'ben', 'still-open'],
    ['before the end is on record', [decided], 'ben', 'still-open'],
    ['after an approval', [given(), outcome(1, 'approved')], 'ben', 'ended'],
    ['after a rejection', [given({ answer: 'rejected' }), outcome(1, 'rejected')], 'ben', 'ended'],
    ['by a stranger', [decided, outcome(1, 'expired')], 'mallory', 'not-an-approver'],
    ['while a later change is open', [decided, outcome(1, 'superseded'), opened(2)], 'ben', 'still-open'],
  ];
  test.each(refusals)('%s is refused and starts nothing', async (_when, end, who, code) => {
    const { again, aws } = await ended(...end);
    expect(await again(who)).toMatchObject({ reply: 'refused', code });
    expect(aws.world.executions.size).toBe(0);
  });
  test('about no request is refused', async () => {
    const { services } = await ended();
    const given = { request: 'a'.repeat(26), person: 'ben' };
    expect(await askAgain(services, given)).toMatchObject({ reply: 'refused', code: 'no-request' });
  });

  describe('the new change', () => {
    const settings = ApprovalSettings.parse({ approvers: [approver('asha'), approver('ben')] });
    async function reopened(read = facts()) {
      const { again, input, services, tables, aws } = await ended(decided, outcome(1, 'expired'));
      await again();
      aws.clock.advance(60);
      if (read !== undefined && read.variants[0]?.kind === 'instance') {
        const config = aws.world.configs['fraud-prod-cfg-18']?.ProductionVariants?.[0];
        if (config) config.InstanceType = read.variants[0].instanceType as 'ml.m5.large';
      }
      expect(await gatherFacts(input(), services)).toEqual({ state: 'opened' });
      return historyOf(tables.records());
    }

    test('is opened although what is deployed is on record, and says who asked', async () => {
      const history = await reopened();
      expect(changeOf(history, 2)?.opened).toMatchObject({ cause: 'asked again', again: { person: 'ben' } });
    });
    test('was made by whoever made it before: they cannot approve it now either, and whoever asked again can', async () => {
      const history = await reopened();
      expect(requestersOf(history, 2).map(({ person: who }) => who)).toEqual(['asha']);
      const request = { ...requested(2), request: 'n'.repeat(26), digest: changeOf(history, 2)?.opened?.digest ?? '' };
      const asked = {
        ...history,
        changes: history.changes.map((each) => (each.generation === 2 ? { ...each, request } : each)),
      };
      const answer = { request: request.request, answer: 'approved', reason: 'ok', digest: request.digest } as const;
      const by = (who: string) => decideApproval(asked, 2, { ...answer, approver: who }, settings, later(120));
      expect(by('asha')).toMatchObject({ reply: 'refused', code: 'own-change' });
      expect(by('ben')).toMatchObject({ reply: 'recorded', append: { decides: true } });
    });
    test('of another deployment by now was made by nobody known, so it takes two', async () => {
      const history = await reopened(facts({ variants: [instanceVariant({ instanceType: 'ml.m5.xlarge' })] }));
      expect(requestersOf(history, 2)).toEqual([]);
    });
  });
});

describe('about a plan', () => {
  const planned = { ...endpoint, planned: true as const };
  const document = DeploymentPlan.parse(
    parse(readFileSync(new URL('../../examples/plans/fraud-prod.yaml', import.meta.url), 'utf8')),
  );
  async function expiredPlan(validUntil?: string) {
    const aws = fakeAws();
    const tables = fakeTables(aws);
    const plan = {
      document: { ...document, ...(validUntil && { validUntil }) },
      validUntil: later(604_800),
      onTheWay: [],
    };
    const claim: Actor = { ...unknownActor, person: 'asha', names: ['asha'], via: 'claim' };
    const first = { body: opened(1, facts(), { plan }), actor: claim };
    tables.seedAt(planned, first, findings(), requested(), decided, outcome(1, 'expired'));
    await storeToken(aws.services, { id: REQUEST, endpoint: planned, generation: 1, expiresAt: later(86_400) }, 't');
    const reply = await askAgain(aws.services, { request: REQUEST, person: 'ben' });
    return { aws, reply };
  }

  test('submits the same document again, with whoever was named in it', async () => {
    const { aws, reply } = await expiredPlan();
    expect(reply).toEqual({ reply: 'recorded', endpoint: planned, generation: 2 });
    const input = ExecutionInput.parse(JSON.parse([...aws.world.executions.values()][0]?.input ?? '{}'));
    expect(input.change).toMatchObject({
      kind: 'plan',
      endpoint: planned,
      plan: document,
      again: { requesters: [{ kind: 'unknown', names: ['asha'] }] },
    });
  });
  test('whose time is over is refused', async () => {
    const { aws, reply } = await expiredPlan(NOW);
    expect(reply).toMatchObject({ reply: 'refused', code: 'ended' });
    expect(aws.world.executions.size).toBe(0);
  });
});
