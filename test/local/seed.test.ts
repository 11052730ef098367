import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Fleet } from '../../local/aws/fleet.ts';
import { sagemaker } from '../../local/aws/sagemaker.ts';
import { seedFleet } from '../../local/aws/seed.ts';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import type { Services } from '../../shared/aws/services.ts';
import { readEvent } from '../../shared/model/aws-event.ts';
import { decide } from '../../shared/model/finding.ts';
import { evaluate, policies } from '../../shared/policies/index.ts';
import { callerOf, inMemoryLoopback, type TestLoopback } from './in-memory-loopback.ts';
import { servicesOver } from './services-over.ts';

const document: unknown = parse(readFileSync(new URL('../../examples/fleet.yaml', import.meta.url), 'utf8'));
const fleet = Fleet.parse(document);

describe('examples/fleet.yaml', () => {
  let loopback: TestLoopback;
  let services: Services;
  let created: string[];
  beforeAll(() => {
    loopback = inMemoryLoopback(60_000);
    services = servicesOver(loopback);
    created = seedFleet(loopback, fleet);
  });

  test('it covers every environment, kind of variant and end', () => {
    expect(created).toHaveLength(fleet.endpoints.length);
    expect(created.length).toBeGreaterThanOrEqual(10);
    expect(new Set(fleet.endpoints.map(({ ends }) => ends)).size).toBe(3);
    for (const environment of ['dev', 'staging', 'prod']) {
      expect(
        created.some((name) => name.endsWith(`-${environment}`)),
        environment,
      ).toBe(true);
    }
  });
  test('every reason is a policy', () => {
    const reasons = fleet.endpoints.flatMap(({ because }) => because);
    expect(policies.map(({ id }) => id)).toEqual(expect.arrayContaining(reasons));
    for (const { name, ends, because } of fleet.endpoints) expect(because.length > 0, name).toBe(ends !== 'compliant');
  });
  test('a comment above each endpoint says how it ends', () => {
    const text = readFileSync(new URL('../../examples/fleet.yaml', import.meta.url), 'utf8');
    const said = [...text.matchAll(/^ {2}# (compliant|waiting|blocked): .+\n {2}- name: (\S+)\n {4}ends: (\S+)$/gm)];
    expect(said.map(([, , name]) => name)).toEqual(fleet.endpoints.map(({ name }) => name));
    for (const [, comment, name, ends] of said) expect(comment, name).toBe(ends);
  });

  test.each(fleet.endpoints)('$name ends $ends, as the file says', async ({ name, ends, because, createdDaysAgo }) => {
    const facts = await readEndpoint(services, { account: loopback.account, region: loopback.region, name });
    if (!facts) throw new Error('It is not there.');
    expect(facts.status).toBe('InService');
    expect((Date.parse(facts.readAt) - Date.parse(facts.createdAt)) / 86_400_000).toBeCloseTo(createdDaysAgo);
    const findings = evaluate(facts, services.config.policySettings);
    const outcome = { compliant: 'none', waiting: 'needs-approval', blocked: 'violation' }[ends];
    const reasons = findings.filter((finding) => finding.outcome === outcome).map(({ policy }) => policy);
    expect(reasons.sort()).toEqual(because.toSorted());
    expect(decide(findings)).toBe({ compliant: 'compliant', waiting: 'needs-approval', blocked: 'blocked' }[ends]);
  });
  test('every kind of variant is read', async () => {
    const kinds = new Set<string>();
    for (const name of created) {
      const facts = await readEndpoint(services, { account: loopback.account, region: loopback.region, name });
      for (const { kind, shadow } of facts?.variants ?? []) kinds.add(shadow ? 'shadow' : kind);
    }
    expect([...kinds].sort()).toEqual([
      'inference-component-host',
      'instance',
      'instance-pool',
      'serverless',
      'shadow',
    ]);
  });

  test('the first event about an endpoint says who made it, and that it was created long ago', () => {
    const place = { id: 'e-1', account: loopback.account, region: loopback.region };
    for (const { name, changedBy, createdDaysAgo } of fleet.endpoints) {
      const about = loopback.events.filter((event) => {
        const reading = readEvent({ ...place, ...event });
        return reading.as === 'change' && reading.change.endpoint.name === name;
      });
      expect(about[0]?.detail).toMatchObject({ eventName: 'CreateEndpoint', userIdentity: { userName: changedBy } });
      const inService = about.find(({ detail }) => detail.EndpointStatus === 'IN_SERVICE');
      expect(inService?.detail.CreationTime).toBe(loopback.now().getTime() - createdDaysAgo * 86_400_000);
    }
  });
  test('no event that it emits is poison', () => {
    const place = { id: 'e-1', account: loopback.account, region: loopback.region };
    const readings = loopback.events.map((event) => readEvent({ ...place, ...event }).as);
    expect(readings.length).toBeGreaterThan(100);
    expect(readings).not.toContain('poison');
  });
});

describe('seeding', () => {
  test('a second time changes nothing, and what a person changed stays', () => {
    const loopback = inMemoryLoopback();
    seedFleet(loopback, fleet);
    const call = callerOf(sagemaker(loopback));
    call('UpdateEndpoint', { EndpointName: 'recommender-dev', EndpointConfigName: 'fraud-prod-config-1' });
    loopback.events.length = 0;
    expect(seedFleet(loopback, fleet)).toEqual([]);
    expect(loopback.events).toEqual([]);
    expect(call('DescribeEndpoint', { EndpointName: 'recommender-dev' })).toMatchObject({
      EndpointConfigName: 'fraud-prod-config-1',
    });
  });
  test('an endpoint that was deleted does not come back, and does not keep the rest from starting', () => {
    const loopback = inMemoryLoopback();
    const { endpoints } = fleet;
    const [first, second] = endpoints;
    seedFleet(loopback, { endpoints: endpoints.slice(0, 1) });
    callerOf(sagemaker(loopback))('DeleteEndpoint', { EndpointName: first?.name });
    loopback.pass(60_000);
    expect(seedFleet(loopback, { endpoints: endpoints.slice(0, 2) })).toEqual([second?.name]);
  });
  test('an endpoint that is new to the file is added', () => {
    const loopback = inMemoryLoopback();
    const { endpoints } = fleet;
    seedFleet(loopback, { endpoints: endpoints.slice(0, 2) });
    expect(seedFleet(loopback, { endpoints: endpoints.slice(0, 3) })).toEqual([endpoints[2]?.name]);
  });
});

describe('a fleet file', () => {
  const [endpoint] = (document as { endpoints: Record<string, unknown>[] }).endpoints;
  const problems = (change: object) => {
    const parsed = Fleet.safeParse({ endpoints: [{ ...endpoint, ...change }] });
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  const model = { image: 'a:1', artifact: 's3://models-of-a/model.tar.gz' };

  test('is refused for a field that is not known', () => {
    expect(problems({ owner: 'dana' })).toEqual(['endpoints.0: Unrecognized key: "owner"']);
  });
  test('is refused for a variant of no kind, with the kinds there are, and for one of two kinds', () => {
    expect(problems({ variants: [{ model }] })).toEqual([
      expect.stringMatching(/^endpoints\.0\.variants\.0: must be of one kind: model \+ instanceType \+ count/),
    ]);
    expect(problems({ variants: [{ model, instanceType: 'ml.m5.large', count: 1, serverless: {} }] })).toEqual([
      'endpoints.0.variants.0: Unrecognized key: "serverless"',
    ]);
  });
  test('is refused for two endpoints of one name', () => {
    const twice = Fleet.safeParse({
      endpoints: [endpoint, { ...endpoint, name: String(endpoint?.name).toUpperCase() }],
    });
    expect(twice.error?.issues[0]?.message).toBe('two endpoints have the same name');
  });
});
