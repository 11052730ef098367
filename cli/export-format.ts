import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { LedgerItem } from '../shared/aws/ledger.ts';
import { BUNDLE_TABLES } from '../shared/model/bundle-tables.ts';
import { type ChangeGroup, ChangeGroups } from '../shared/model/change-groups.ts';
import { endpointArn, refOfStream } from '../shared/model/endpoint-ref.ts';
import { foundIn, undeterminedWhy } from '../shared/model/found-in.ts';
import { ocsfFindings } from '../shared/model/ocsf-finding.ts';
import {
  SARIF_SCHEMA,
  type SarifRule,
  sarifResults,
  sarifUndetermined,
  UNDETERMINED_RULE,
} from '../shared/model/sarif.ts';
import { VERSION } from '../shared/model/version.ts';
import { visible } from '../shared/model/visible-text.ts';
import { CliError } from './output.ts';

export type ExportFormat = 'jsonl' | 'csv' | 'ocsf' | 'sarif';

type Items = AsyncIterable<Pick<LedgerItem, 'pk' | 'record'> & { line: string }>;

/** The changes of endpoints and of plans, one after the other. What is no record, and what the gate notes about itself, is none. */
async function* changesIn(items: Items): AsyncGenerator<ChangeGroup> {
  const groups = new ChangeGroups();
  for await (const { pk, record } of items)
    if (record?.body?.generation !== undefined && record.endpoint && !refOfStream(pk)?.about)
      yield* groups.add(pk, record);
  yield* groups.end();
}

async function* asCsv(items: Items): AsyncGenerator<string> {
  const [table] = BUNDLE_TABLES;
  if (!table) return;
  yield `${table.headings}\r\n`;
  for await (const group of changesIn(items)) for (const row of table.rows(group)) yield `${row}\r\n`;
}

async function* asOcsf(items: Items): AsyncGenerator<string> {
  for await (const group of changesIn(items))
    for (const event of ocsfFindings(group)) yield `${visible(JSON.stringify(event))}\n`;
}

/** One run. Its rules come after its results, since they are known then; the order of members has no meaning in JSON. */
async function* asSarif(items: Items): AsyncGenerator<string> {
  const rules = new Map<string, SarifRule>([[UNDETERMINED_RULE.id, UNDETERMINED_RULE]]);
  let [first, undetermined] = [true, false];
  yield `{"$schema":"${SARIF_SCHEMA}","version":"2.1.0","runs":[{"results":[`;
  for await (const group of changesIn(items)) {
    const { endpoint, change } = group;
    const place = { endpoint: endpoint.name, arn: endpointArn(endpoint) };
    const results: object[] = foundIn(group).flatMap(({ record, finding, when }) => {
      rules.set(finding.policy, { id: finding.policy, shortDescription: { text: finding.statement } });
      const properties = {
        stream: group.stream,
        change: change.generation,
        record: record.sequence,
        at: record.at,
        when,
      };
      return sarifResults(finding, place, { within: `${group.stream}#${record.sequence}`, properties });
    });
    const why = undeterminedWhy(group);
    if (why !== undefined) {
      undetermined = true;
      const properties = { stream: group.stream, change: change.generation };
      results.push(sarifUndetermined(why, place, { within: `${group.stream}#${change.generation}`, properties }));
    }
    for (const result of results) {
      yield `${first ? '' : ','}\n${visible(JSON.stringify(result))}`;
      first = false;
    }
  }
  const tool = { driver: { name: 'Portcullis', version: VERSION, rules: [...rules.values()] } };
  yield `\n],"tool":${JSON.stringify(tool)},"invocations":[{"executionSuccessful":${!undetermined}}]}]}\n`;
}

/** In their own bytes, which are what was signed; on standard output, which may be a terminal, made harmless. */
async function* asLines(items: Items, harmless: boolean): AsyncGenerator<string> {
  for await (const { line } of items) yield `${harmless ? visible(line) : line}\n`;
}

const WRITERS = { jsonl: asLines, csv: asCsv, ocsf: asOcsf, sarif: asSarif } as const;

/** Writes an export to a file (mode 600) or to standard output; returns how many records went into it. */
export async function writeExport(format: ExportFormat, items: Items, path: string | undefined): Promise<number> {
  const file = path === undefined ? process.stdout : createWriteStream(path, { mode: 0o600 });
  if (file !== process.stdout)
    await once(file, 'open').catch((error: Error) => {
      throw new CliError(`${path} cannot be written: ${error.message}`);
    });
  let records = 0;
  async function* counted(): Items {
    for await (const item of items) {
      records += 1;
      yield item;
    }
  }
  for await (const text of WRITERS[format](counted(), path === undefined))
    if (!file.write(text)) await once(file, 'drain');
  if (file !== process.stdout) {
    file.end();
    await once(file, 'finish');
  }
  return records;
}
