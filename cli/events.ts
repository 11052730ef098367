import { run as receiveEvent } from '../functions/receive-event.ts';
import { listDropped, listQuarantined, releaseQuarantined } from '../shared/aws/work.ts';
import { type AwsOptions, servicesFor, servicesOfGate } from './context.ts';
import { CliError, EXIT, json, type Output, table, visible } from './output.ts';

type Options = AwsOptions & { json?: boolean };

/** `events list-quarantined`: poison events with their reasons, and how many events were dropped for what. */
export async function listQuarantinedEvents(options: Options, output: Output): Promise<number> {
  const services = servicesFor(options);
  const [quarantined, dropped] = await Promise.all([listQuarantined(services), listDropped(services)]);
  if (options.json) output.out(json({ quarantined, dropped }));
  else {
    output.out(
      quarantined.length === 0
        ? 'No event is in quarantine.'
        : table(
            ['ID', 'TIME', 'REASON'],
            quarantined.map(({ id, at, reason }) => [id, at, reason]),
          ),
    );
    if (dropped.length > 0) {
      output.out(
        `\nDropped because they are about nothing the gate watches:\n${table(
          ['COUNT', 'REASON'],
          dropped.map(({ reason, count }) => [String(count), reason]),
        )}`,
      );
    }
  }
  return quarantined.length === 0 ? EXIT.fine : EXIT.violations;
}

/** `events replay ID`: hands a quarantined event to the gate again; it leaves the quarantine if it is taken now. */
export async function replayEvent(id: string, options: Options, output: Output): Promise<number> {
  const services = servicesOfGate(options);
  const found = (await listQuarantined(services)).find((event) => event.id === id);
  if (!found) throw new CliError(`No event ${id} is in quarantine. "portcullis events list-quarantined" shows them.`);
  const event: unknown = JSON.parse(found.event);
  const result = await receiveEvent(event, services);
  if (result.as !== 'quarantined') await releaseQuarantined(services, id);
  if (options.json) output.out(json(result));
  else output.out(`${result.as}: ${visible(result.detail)}`);
  return result.as === 'quarantined' ? EXIT.violations : EXIT.fine;
}
