import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type ExportFormat, writeExport } from '../../cli/export-format.ts';
import type { LedgerRecord } from '../../shared/model/ledger-record.ts';
import { finding, findings, opened, outcome, records } from '../builders.ts';
import { bundleSources } from '../bundle-sources.ts';
import { ocsfErrors } from '../ocsf-shape.ts';
import { readSarif, sarifErrors } from '../published-sarif.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-export-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const STEERING = 'a\u001b[2Jb\u202ec';
const list = records(
  opened(1),
  findings(1, [
    finding('prod-min-instances', 'violation', 'One is too few.', STEERING),
    finding('prod-human-approval', 'needs-approval', 'Somebody must.'),
    finding('prod-model-monitor', 'waived', 'Waived by asha until 2026-12-01.', 'There is no monitor.'),
    finding('prod-budget', 'pass'),
    finding('dev-instance-type', 'not-applicable', 'This is about dev.'),
  ]),
  outcome(1, 'blocked'),
  opened(2),
  findings(2, [finding('prod-min-instances', 'violation', 'One is too few.')]),
  outcome(2, 'undetermined', { reason: 'AccessDenied' }),
);

async function exported(format: ExportFormat, of: readonly LedgerRecord[] = list): Promise<string> {
  const path = join(directory, `${format}-${of.length}`);
  expect(await writeExport(format, bundleSources([of]).items as never, path)).toBe(of.length);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  return readFileSync(path, 'utf8');
}

describe('an export', () => {
  test('in SARIF has the published shape, and tells results of different changes apart', async () => {
    const text = await exported('sarif');
    expect(sarifErrors(JSON.parse(text))).toEqual([]);
    const { results, invocations } = readSarif(text);
    expect(results.map(({ ruleId, level }) => `${ruleId} ${level}`)).toEqual([
      'prod-min-instances error',
      'prod-min-instances error',
      'prod-human-approval warning',
      'prod-model-monitor error',
      'prod-model-monitor error',
      'prod-min-instances error',
      'undetermined error',
    ]);
    expect(invocations).toEqual([{ executionSuccessful: false }]);
  });
  test('in SARIF suppresses what was waived, and says why', async () => {
    const suppressed = readSarif(await exported('sarif')).results.filter(({ suppressions }) => suppressions);
    expect(suppressed.map(({ ruleId }) => ruleId)).toEqual(['prod-model-monitor', 'prod-model-monitor']);
    expect(suppressed[0]?.suppressions?.[0]?.justification).toContain('Waived by asha');
  });
  test('of nothing is still SARIF, and no error', async () => {
    expect(readSarif(await exported('sarif', []))).toMatchObject({
      results: [],
      invocations: [{ executionSuccessful: true }],
    });
  });
  test.each([
    ['a level that SARIF does not know', '"level":"error"', '"level":"fatal"'],
    ['a member that SARIF does not define', '"ruleId":', '"colour":"red","ruleId":'],
    ['a result without a message', '"message":{', '"massage":{'],
    ['a suppression of no kind', '"kind":"external",', ''],
    ['a suppression of another status', '"status":"accepted"', '"status":"granted"'],
    ['a message that is no text', '"text":"One is too few."', '"text":1'],
    ['a rule without an id', '"id":"undetermined",', ''],
    ['a run that does not say whether it succeeded', '"executionSuccessful":false', '"executionSuccessful":"no"'],
    ['another version', '"version":"2.1.0"', '"version":"2.2"'],
  ])('in SARIF is held against the published schema, which refuses %s', async (_, written, planted) => {
    const text = await exported('sarif');
    expect(text).toContain(written);
    expect(sarifErrors(JSON.parse(text.replace(written, planted)))).not.toEqual([]);
  });
  test('in OCSF is one event of the published shape a line, for each finding and what could not be determined', async () => {
    const events = (await exported('ocsf'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(events).toHaveLength(5 + 1 + 1);
    expect(events.flatMap(ocsfErrors)).toEqual([]);
  });
  test('as lines of JSON is the records in their own bytes', async () => {
    const sources = bundleSources([list]);
    const lines: string[] = [];
    for await (const { line } of sources.items) lines.push(line);
    expect(await exported('jsonl')).toBe(`${lines.join('\n')}\n`);
  });
  test('in CSV is one line for each change, in which nothing steers what shows it', async () => {
    const lines = (await exported('csv')).split('\r\n');
    expect(lines).toHaveLength(1 + 2 + 1);
    expect(lines[2]).toContain('"undetermined","AccessDenied"');
  });
  test.each<ExportFormat>(['sarif', 'ocsf', 'csv'])('in %s steers no terminal', async (format) => {
    const text = await exported(format);
    expect(['\u001b', '\u202e'].filter((steering) => text.includes(steering))).toEqual([]);
  });
});
