import { run as receiveEvent } from '../functions/receive-event.ts';
import { type DeadLetter, deadLetters } from '../shared/aws/dead-letters.ts';
import type { Services } from '../shared/aws/services.ts';
import { type AwsOptions, servicesOfGate } from './context.ts';
import { CliError, EXIT, json, type Output, table } from './output.ts';
import { unreachable } from './unreachable.ts';

type Options = AwsOptions & { queue?: string[]; stage?: string; json?: boolean };

const COLUMNS = ['started', 'joined', 'recorded', 'dropped', 'quarantined', 'left', 'failed'] as const;
type Row = Record<(typeof COLUMNS)[number], number> & { queue: string; errors: string[] };

/** `...:stateMachine:portcullis-prod-endpoint-compliance` -> `prod` */
const stageIn = (stateMachineArn: string) => /:portcullis-(.+)-endpoint-compliance$/.exec(stateMachineArn)?.[1];

/** What is read: the queues that are named, or all of the stage that events are handed to. */
async function queuesOf({ queue, stage }: Options, services: Services): Promise<string[]> {
  if (queue) return queue;
  const deployed = stageIn(services.config.stateMachineArn);
  if (stage !== undefined && deployed !== undefined && stage !== deployed) {
    throw new CliError(
      `--stage is ${stage}, but PORTCULLIS_STATE_MACHINE_ARN is that of ${deployed}: its events would start changes there.`,
      EXIT.usage,
    );
  }
  const wanted = stage ?? deployed;
  if (wanted === undefined) throw new CliError('Say which queues: --stage <name> or --queue <url>.', EXIT.usage);
  const found = await deadLetters(services)
    .queues(`portcullis-${wanted}-`)
    .catch((error: unknown) => {
      throw unreachable(error);
    });
  if (found.length > 0) return found;
  throw new CliError(`No queue here has a name that begins with portcullis-${wanted}-. Is the gate deployed here?`);
}

/** A letter leaves its queue only after it was handled: whoever is interrupted in between handles it again. */
async function handle({ event, remove }: DeadLetter, services: Services, row: Row): Promise<void> {
  if (!event) {
    row.left += 1;
    return;
  }
  try {
    const { as } = await receiveEvent(event, services);
    await remove();
    row[as] += 1;
  } catch (error) {
    row.failed += 1;
    row.errors = [...new Set([...row.errors, (error as Error).name])];
  }
}

async function redriveQueue(queue: string, services: Services, output: Output): Promise<Row> {
  const row: Row = {
    ...{ queue: queue.split('/').at(-1) ?? queue, errors: [] },
    ...{ started: 0, joined: 0, recorded: 0, dropped: 0, quarantined: 0, left: 0, failed: 0 },
  };
  let read = 0;
  try {
    for await (const letter of deadLetters(services).letters(queue)) {
      await handle(letter, services, row);
      read += 1;
      if (read % 100 === 0) output.err(`${row.queue}: ${read} letters read`);
    }
  } catch (error) {
    throw unreachable(error);
  }
  if (read > 0) output.err(`${row.queue}: ${read} letters read`);
  return row;
}

/**
 * `events redrive`: hands what lies in the dead-letter queues to the gate again, as if it had just arrived. An event
 * that was handled before, or twice, starts nothing a second time. 0: all is handled; 1: something needs people
 * (quarantined, or no event at all and left where it was); 2: something could not be handled and is still in its queue.
 */
export async function redriveEvents(options: Options, output: Output): Promise<number> {
  const services = servicesOfGate(options);
  const rows: Row[] = [];
  for (const queue of await queuesOf(options, services)) rows.push(await redriveQueue(queue, services, output));
  if (options.json) output.out(json(rows));
  else {
    output.out(
      table(
        ['QUEUE', ...COLUMNS.map((name) => name.toUpperCase()), 'ERRORS'],
        rows.map((row) => [row.queue, ...COLUMNS.map((name) => String(row[name])), row.errors.join(', ') || '-']),
      ),
    );
  }
  const some = (...names: (typeof COLUMNS)[number][]) => rows.some((row) => names.some((name) => row[name] > 0));
  if (some('failed')) return EXIT.couldNotCheck;
  return some('quarantined', 'left') ? EXIT.violations : EXIT.fine;
}
