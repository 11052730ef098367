import { statSync } from 'node:fs';
import { listChanges } from '../shared/aws/change-pages.ts';
import { readWholeStream } from '../shared/aws/ledger.ts';
import { refOfStream, streamOf } from '../shared/model/endpoint-ref.ts';
import type { RecordBody } from '../shared/model/ledger-record.ts';
import { changeTable } from './change-table.ts';
import { type AwsOptions, endpointNamed, monthOf, servicesFor } from './context.ts';
import { exportDirectory } from './export-directory.ts';
import { type ExportFormat, writeExport } from './export-format.ts';
import { noteExport } from './note-export.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';
import { type ExportedItem, hiderFrom, trailItems } from './trail-items.ts';
import { type ScopeOptions, scopeOf } from './trail-scope.ts';
import type { WitnessOptions } from './witnesses.ts';

type Options = AwsOptions & { json?: boolean; endpoint?: string };

/** The stream of an endpoint name in the account of the credentials, or of a full stream key. */
export async function streamFor(services: ReturnType<typeof servicesFor>, endpoint: string): Promise<string> {
  if (refOfStream(endpoint)) return endpoint;
  return streamOf(await endpointNamed(services, endpoint));
}

/** `audit list`: the endpoints on record with the number of their records, or the newest changes of one month. */
export async function auditList(options: Options & { month?: string }, output: Output): Promise<number> {
  const month = monthOf(options.month);
  const services = servicesFor(options);
  const changes = await listChanges(services, month ? { from: month, to: month } : {}, 1_000);
  const shown = changes.filter(({ endpoint }) => options.endpoint === undefined || endpoint === options.endpoint);
  if (options.json) output.out(json(shown));
  else output.out(shown.length === 0 ? 'Nothing is on record for this month.' : changeTable(shown));
  return EXIT.fine;
}

/** `audit show ENDPOINT`: every record of its stream, oldest first. */
export async function auditShow(
  endpoint: string,
  options: Options & { change?: string },
  output: Output,
): Promise<number> {
  const services = servicesFor(options);
  const stream = await streamFor(services, endpoint);
  const items = [];
  for await (const item of readWholeStream(services, stream)) {
    if (options.change === undefined || String(item.record.body.generation) === options.change) items.push(item);
  }
  if (items.length === 0)
    throw new CliError(`Nothing is on record for ${endpoint}${options.change ? `, change ${options.change}` : ''}.`);
  if (options.json) output.out(json(items.map(({ record }) => record)));
  else
    output.out(
      table(
        ['SEQUENCE', 'TIME', 'CHANGE', 'KIND', 'ACTOR', 'WHAT'],
        items.map(({ record: { sequence, at, body, actor } }) => [
          String(sequence),
          at,
          String(body.generation),
          body.kind,
          actor.person,
          whatOf(body),
        ]),
      ),
    );
  return EXIT.fine;
}

/** What a record says, in one line of text. */
export function whatOf(body: RecordBody): string {
  switch (body.kind) {
    case 'change-opened':
      return `${body.cause}; ${body.environment.name} (${body.environment.evidence}); digest ${body.digest.slice(0, 12)}`;
    case 'change-joined':
      return `${body.cause}; same deployment as change ${body.joined}`;
    case 'event-joined':
      return `${body.event.cause}${body.event.actor ? ` by ${body.event.actor.person}` : ''}`;
    case 'findings':
    case 'monitoring-verified': {
      const bad = body.findings.filter(({ outcome }) => outcome === 'violation' || outcome === 'needs-approval');
      return `${body.decision}${bad.length > 0 ? `: ${bad.map(({ policy, outcome }) => `${policy} (${outcome})`).join(', ')}` : ''}`;
    }
    case 'approval-requested':
      return `asked ${body.approvers.join(', ') || 'nobody'}; expires ${body.expiresAt}`;
    case 'approval-given':
      return `${body.answer} by ${body.approver}: ${body.reason}`;
    case 'decided':
      return `${body.answer}: ${body.reason}`;
    case 'commented':
      return `${body.person}: ${body.text}`;
    case 'break-glass-reviewed':
      return `${body.finding} by ${body.reviewer}: ${body.reason}`;
    case 'plan-matched':
      return `carried out by change ${body.change}`;
    case 'outcome':
      return `${body.result}: ${body.reason}`;
    case 'remediation-proposed':
      return `${namesOfCalls(body)}${body.to ? ` back to ${body.to.configName} of change ${body.to.generation}` : ''}`;
    case 'remediation-accepted':
      return `to be carried out by ${body.person}: ${body.reason}`;
    case 'remediation-intended':
      return `${namesOfCalls(body)}${body.person === null ? '' : ` for ${body.person}`}`;
    case 'remediation-done':
      return `${body.result}: ${body.reason}`;
    case 'waiver-granted': {
      const { policy, environment, until, approver, reason } = body.waiver;
      return `${policy} waived in ${environment} until ${until} by ${approver}: ${reason}`;
    }
    case 'waiver-revoked':
      return `waiver of ${body.policy} revoked by ${body.approver}: ${body.reason}`;
    case 'exported':
      return `${body.records} records as ${body.format}${body.pseudonymised ? ', persons replaced' : ''}`;
    case 'reconciled': {
      const { from, to, calls, gaps, surplus } = body.result;
      const found = `${calls.total} calls, ${gaps.length} gaps, ${surplus.length} without a cause`;
      return `${body.reconciled ? 'reconciled' : 'NOT reconciled'} ${from} to ${to}: ${found}`;
    }
    case 'settings-kept':
      return `${body.what} with digest ${body.digest.slice(0, 12)}`;
  }
  // A newer version of Portcullis may have written kinds that this one does not know; they are still shown.
  return '';
}

const namesOfCalls = ({ calls }: { calls: readonly { api: string }[] }) =>
  calls.map(({ api }) => api).join(', ') || 'nothing that the gate could call';

const isDirectory = (path: string) =>
  path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

type ExportOptions = WitnessOptions & ScopeOptions & { output?: string; format?: ExportFormat; pseudonymise?: string };

/**
 * `audit export`: every record as one line of JSON with its keys, or the changes and findings in a format of others, to a
 * file or to standard output; into a directory together with what proves them. Who did so is put on record.
 */
export async function auditExport(options: ExportOptions, output: Output): Promise<number> {
  const format = options.format ?? 'jsonl';
  if (options.output !== undefined && isDirectory(options.output)) {
    const narrower = ['endpoint', 'environment', 'from', 'to', 'pseudonymise'] as const;
    const given = narrower.find((name) => options[name] !== undefined);
    if (given !== undefined)
      throw new CliError(
        `Checkpoints are about everything, so a directory takes no --${given}. "audit bundle" does.`,
        EXIT.usage,
      );
    return exportDirectory(options.output, options, output);
  }
  const services = servicesFor(options);
  const scope = await scopeOf(options, services);
  const hide = hiderFrom(options.pseudonymise, services);
  let asked = 0;
  async function* counted(items: AsyncIterable<ExportedItem>): AsyncGenerator<ExportedItem> {
    for await (const item of items) {
      // Limits and prices go with every part, also with one that has nothing in it.
      if (refOfStream(item.pk)?.about !== 'settings') asked += 1;
      yield item;
    }
  }
  const records = await writeExport(format, counted(trailItems(services, scope, hide)), options.output);
  const noted = await noteExport(services, { format, scope, records, sha256: null, pseudonymised: hide !== undefined });
  output.err(`${records} records exported${options.output ? ` to ${options.output}` : ''}.`);
  if (!noted.recorded) output.err(`NOT RECORDED in the ledger: ${noted.reason}`);
  if (asked > 0) return EXIT.fine;
  output.err('Nothing is on record of what was asked for.');
  return EXIT.couldNotCheck;
}
