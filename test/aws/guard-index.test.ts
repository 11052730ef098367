import { expect, test } from 'vitest';
import { guardedEndpoints, rememberGuards } from '../../shared/aws/guard-index.ts';
import { artifact, endpoint, facts } from '../builders.ts';
import { fakeAws } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

async function setUp() {
  const aws = fakeAws();
  fakeTables(aws);
  const other = { ...endpoint, name: 'pricing-prod', region: 'eu-west-1' };
  await rememberGuards(aws.services, endpoint, facts());
  await rememberGuards(aws.services, other, facts({ endpoint: other, artifacts: [artifact()] }));
  return { services: aws.services, other };
}

test('an alarm guards endpoints of its own region only', async () => {
  const { services, other } = await setUp();
  const key = { kind: 'alarm', name: 'fraud-prod-DataDriftAlarm' } as const;
  expect(await guardedEndpoints(services, endpoint, [key])).toEqual([endpoint]);
  expect(await guardedEndpoints(services, other, [key])).toEqual([other]);
  expect(await guardedEndpoints(services, { ...endpoint, account: '222233334444' }, [key])).toEqual([]);
});

test('a bucket serves endpoints wherever they are', async () => {
  const { services, other } = await setUp();
  const place = { account: '999988887777', region: 'us-west-2' };
  const found = await guardedEndpoints(services, place, [{ kind: 'bucket', name: 'ml-artifacts-prod' }]);
  expect(found).toEqual([other, endpoint]);
});

test('what several of the keys guard is named once', async () => {
  const { services } = await setUp();
  const keys = [
    { kind: 'alarm', name: 'fraud-prod-DataDriftAlarm' },
    { kind: 'alarm', name: 'fraud-prod-5xx' },
    { kind: 'schedule', name: 'fraud-prod-data-quality' },
    { kind: 'job-definition', name: 'DataQuality/fraud-prod-data-quality-job' },
  ] as const;
  expect(await guardedEndpoints(services, endpoint, keys)).toEqual([endpoint]);
});

test('what guards nothing is nothing', async () => {
  const { services } = await setUp();
  expect(await guardedEndpoints(services, endpoint, [{ kind: 'alarm', name: 'other' }])).toEqual([]);
});
