import { describe, expect, test } from 'vitest';
import { keepSettings, readPrices, readSettings } from '../../shared/aws/kept-settings.ts';
import { digestOf } from '../../shared/model/canonical-json.ts';
import { streamOf } from '../../shared/model/endpoint-ref.ts';
import { digestsOf, limitsOf } from '../../shared/policies/judge.ts';
import { prices, settings } from '../builders.ts';
import { fakeAws, services } from '../fake-aws.ts';
import { fakeTables } from '../fake-ledger.ts';

const setUp = () => {
  const aws = fakeAws();
  return { ...aws, tables: fakeTables(aws) };
};
const stricter = settings({ monitoringGraceMinutes: 5 });

describe('settings under which something is decided', () => {
  test('are on record by their digest, each once, in streams of their own', async () => {
    const aws = setUp();
    await keepSettings(aws.services, settings());
    await keepSettings(aws.services, settings());
    await keepSettings(services({ dynamodb: aws.services.dynamodb }), settings());
    const { policyDigest, priceDigest } = digestsOf(settings());
    expect(aws.tables.ofGate().map(({ endpoint, id, sequence }) => [streamOf(endpoint), id, sequence])).toEqual([
      [`settings#111122223333#us-east-1#limits-${policyDigest.slice(0, 40)}`, `kept#${policyDigest}`, 1],
      [`settings#111122223333#us-east-1#prices-${priceDigest.slice(0, 40)}`, `kept#${priceDigest}`, 1],
    ]);
  });

  test('are kept again only where they are others', async () => {
    const aws = setUp();
    await keepSettings(aws.services, settings());
    await keepSettings(aws.services, stricter);
    expect(aws.tables.ofGate().map(({ body }) => (body.kind === 'settings-kept' ? body.what : '?'))).toEqual([
      'limits',
      'limits',
      'prices',
    ]);
  });

  test('are looked for once in a container', async () => {
    const aws = setUp();
    await keepSettings(aws.services, settings());
    const before = aws.calls.length;
    await keepSettings(aws.services, settings());
    expect(aws.calls.length).toBe(before);
  });

  test('are found by the digest of a decision, with the sentences as they were enforced', async () => {
    const aws = setUp();
    await keepSettings(aws.services, settings());
    await keepSettings(aws.services, stricter);
    const { policyDigest, priceDigest } = digestsOf(stricter);
    const kept = await readSettings(aws.services, policyDigest);
    expect(digestOf(kept?.limits)).toBe(policyDigest);
    expect(kept?.limits).toEqual(limitsOf(stricter));
    expect(kept?.statements['prod-min-instances']).toContain('instance_count >= 2');
    expect(await readPrices(aws.services, priceDigest)).toEqual(prices);
  });

  test('that are not on record are not made up', async () => {
    const aws = setUp();
    await keepSettings(aws.services, settings());
    expect(await readSettings(aws.services, 'ab'.repeat(32))).toBeUndefined();
    // The digest of prices is no digest of limits.
    expect(await readSettings(aws.services, digestsOf(settings()).priceDigest)).toBeUndefined();
  });

  test('whose document does not have the digest it is kept by are not believed', async () => {
    const aws = setUp();
    const { policyDigest } = digestsOf(settings());
    const ref = { account: '111122223333', region: 'us-east-1', name: 'limits-forged', about: 'settings' } as const;
    aws.tables.seedAt(ref, {
      kind: 'settings-kept',
      generation: 1,
      what: 'limits',
      digest: policyDigest,
      document: { prod: { minInstances: 1 } },
      version: '0.1.0',
    });
    expect(await readSettings(aws.services, policyDigest)).toBeUndefined();
  });
});
