import { once } from 'node:events';
import { createWriteStream, statSync } from 'node:fs';
import { listStreams } from '../shared/aws/audit.ts';
import { listChanges } from '../shared/aws/change-index.ts';
import { readWholeStream } from '../shared/aws/ledger.ts';
import { EndpointRef, streamOf } from '../shared/model/endpoint-ref.ts';
import { changeTable } from './change-table.ts';
import { type AwsOptions, accountOf, monthOf, servicesFor } from './context.ts';
import { exportDirectory } from './export-directory.ts';
import { CliError, EXIT, json, type Output, table, visible } from './output.ts';
import type { WitnessOptions } from './witnesses.ts';

type Options = AwsOptions & { json?: boolean; endpoint?: string };

/** The stream of an endpoint name in the account of the credentials, or of a full stream key. */
export async function streamFor(services: ReturnType<typeof servicesFor>, endpoint: string): Promise<string> {
  if (/^(endpoint|plan)#/.test(endpoint)) return endpoint;
  const ref = EndpointRef.safeParse({
    account: await accountOf(services),
    region: services.config.region,
    name: endpoint,
  });
  if (!ref.success) throw new CliError(`"${endpoint}" is no endpoint name.`, EXIT.usage);
  return streamOf(ref.data);
}

/** `audit list`: the endpoints on record with the number of their records, or the newest changes of one month. */
export async function auditList(options: Options & { month?: string }, output: Output): Promise<number> {
  const month = monthOf(options.month);
  const services = servicesFor(options);
  const changes = await listChanges(services, { ...(month ? { month } : {}), limit: 1_000 });
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

function whatOf(body: import('../shared/model/ledger-record.ts').RecordBody): string {
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
  }
}

const isDirectory = (path: string) =>
  path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * `audit export`: every record as one line of JSON, with its keys, to a file or to standard output; into a directory
 * together with what proves them.
 */
export async function auditExport(
  options: WitnessOptions & Options & { output?: string },
  output: Output,
): Promise<number> {
  if (options.output !== undefined && isDirectory(options.output)) {
    if (options.endpoint !== undefined)
      throw new CliError('Checkpoints are about everything, so a directory takes no --endpoint.', EXIT.usage);
    return exportDirectory(options.output, options, output);
  }
  const services = servicesFor(options);
  const streams = options.endpoint ? [await streamFor(services, options.endpoint)] : await listStreams(services);
  const file = options.output === undefined ? process.stdout : createWriteStream(options.output, { mode: 0o600 });
  if (file !== process.stdout) {
    await once(file, 'open').catch((error: Error) => {
      throw new CliError(`${options.output} cannot be written: ${error.message}`);
    });
  }
  let records = 0;
  for (const stream of streams) {
    for await (const { pk, sk, hash, record } of readWholeStream(services, stream)) {
      records += 1;
      if (!file.write(`${visible(JSON.stringify({ pk, sk, hash, record }))}\n`)) await once(file, 'drain');
    }
  }
  if (file !== process.stdout) {
    file.end();
    await once(file, 'finish');
  }
  output.err(
    `${records} records of ${streams.length} streams exported${options.output ? ` to ${options.output}` : ''}.`,
  );
  return records === 0 ? EXIT.couldNotCheck : EXIT.fine;
}
