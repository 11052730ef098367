import { expect, test } from 'vitest';
import { generateFacts } from '../../bench/facts-generator.ts';
import { benchSettings, disagreements, policyEngines } from '../../bench/policies.ts';
import { EndpointFacts } from '../../shared/model/endpoint-facts.ts';

test('our policies and the same rules in two other engines agree on 300 generated facts', async () => {
  const texts = generateFacts(300).map((facts) => JSON.stringify(facts));
  expect(await disagreements(policyEngines(benchSettings()), texts)).toEqual([]);
});

test('an engine that says something else is caught', async () => {
  const [own] = policyEngines(benchSettings());
  const texts = generateFacts(300).map((facts) => JSON.stringify(facts));
  const silent = { name: 'silent', evaluate: () => [] };
  expect(await disagreements([own, silent], texts)).toHaveLength(300);
});

test('what is never found is said', async () => {
  expect(await disagreements(policyEngines(benchSettings()), [])).toContain('policy prod-budget never found anything');
});

test('generated facts are valid, and the same for the same seed', () => {
  const facts = generateFacts(200, 7);
  expect(generateFacts(200, 7)).toEqual(facts);
  expect(generateFacts(200, 8)).not.toEqual(facts);
  for (const each of facts) expect(EndpointFacts.parse(each)).toEqual(each);
});
