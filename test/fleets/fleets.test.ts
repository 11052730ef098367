import { expect, test } from 'vitest';
import { readEndpoint } from '../../shared/aws/endpoint-reader.ts';
import type { Outcome } from '../../shared/model/finding.ts';
import { evaluate } from '../../shared/policies/index.ts';
import { inMemoryLoopback } from '../local/in-memory-loopback.ts';
import { servicesOver } from '../local/services-over.ts';
import { goodFindings, putRow, type Row } from './account.ts';
import { alarmRows } from './alarms.ts';
import { deploymentRows } from './deployments.ts';
import { effectiveRows } from './effective-values.ts';
import { modelRows } from './models.ts';
import { monitorRows } from './monitors.ts';
import { variantRows } from './variants.ts';

// Real-life fleets, read by the gate's own clients from a loopback AWS, and what must be found about each. All are in one
// account, as they would be: a row that disturbs its neighbours is found out.
const rows: Row[] = [...deploymentRows, ...alarmRows, ...monitorRows, ...variantRows, ...modelRows, ...effectiveRows];
const loopback = inMemoryLoopback();
const services = servicesOver(loopback);

test('there are at least sixty, each said once', () => {
  expect(rows.length).toBeGreaterThanOrEqual(60);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

test.each(rows.map((row, index) => [row.name, row, `fraud-${index}-prod`] as const))('%s', async (_name, row, name) => {
  putRow(loopback, row, name);
  const ref = { account: loopback.account, region: loopback.region, name };
  if (row.fails) {
    await expect(readEndpoint(services, ref, { fresh: true })).rejects.toThrow(row.fails);
    return;
  }
  const facts = await readEndpoint(services, ref, { fresh: true });
  if (!facts) throw new Error('It is not there.');
  const findings = evaluate(facts, { ...services.config.policySettings, ...row.settings });
  const expected: Record<string, Outcome> = { ...goodFindings };
  for (const [policy, found] of Object.entries(row.finds ?? {})) {
    expected[policy] = typeof found === 'string' ? found : found[0];
    const messages = findings.find((finding) => finding.policy === policy)?.messages.join(' ');
    if (typeof found !== 'string') expect(messages, policy).toMatch(found[1]);
  }
  expect(Object.fromEntries(findings.map(({ policy, outcome }) => [policy, outcome]))).toEqual(expected);
});
