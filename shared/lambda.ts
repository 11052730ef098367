import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type * as z from 'zod';
import type { allClients } from './aws/clients.ts';
import { type Clients, type Metric, servicesWith, type With } from './aws/services.ts';
import { packagedConfig } from './config.ts';
import { WayOn } from './model/way-on.ts';

/** The input is not what the state machine promises; nothing to retry. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
}
/** The task itself made something that its schema does not allow. */
export class InvalidOutputError extends Error {
  override readonly name = 'InvalidOutputError';
}

const explain = (error: z.ZodError) =>
  error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'input'}: ${message}`).join('; ');

type Makers<Names extends keyof Clients> = Pick<typeof allClients, Names>;

function publish(metrics: Metrics, metric: Metric): void {
  const one = metrics.singleMetric();
  if ('dimensions' in metric) one.addDimensions(metric.dimensions);
  one.addMetric(metric.name, metric.unit, metric.value);
}

/** Which change a task is about, for the log. Nothing else of an input is logged: it may hold a task token. */
function subjectOf(event: unknown): Record<string, unknown> {
  const { change, generation } = (event ?? {}) as { change?: { endpoint?: { name?: unknown } }; generation?: unknown };
  return change === undefined ? {} : { endpoint: change.endpoint?.name, generation };
}

/**
 * Makes a Lambda handler of a function and the AWS services that it calls. Services are built on the first call and
 * kept. Every call is one line in the log: what it was about, how long it took, and the error's name where it failed.
 */
export function lambda<Names extends keyof Clients, Event, Result>(
  clients: Makers<Names>,
  run: (event: Event, services: With<Names>) => Promise<Result>,
) {
  let services: With<Names> | undefined;
  // Two stages in one account must not answer for each other in alarms.
  const serviceName = `portcullis-${process.env.PORTCULLIS_STAGE ?? 'dev'}`;
  const logger = new Logger({ serviceName });
  const metrics = new Metrics({ namespace: 'Portcullis', serviceName });
  return middy<Event, Result>().handler(async (event): Promise<Result> => {
    services ??= servicesWith(clients, packagedConfig(process.env), {
      measure: (metric) => publish(metrics, metric),
      note: (event) => logger.info('security', { security: event }),
    });
    const started = Date.now();
    const line = (fields: object) => ({ ...subjectOf(event), ms: Date.now() - started, ...fields });
    try {
      const result = await run(event, services);
      logger.info('done', line({}));
      return result;
    } catch (error) {
      const { name } = error as Error;
      if (error instanceof WayOn) logger.info('goes another way', line({ way: name }));
      else logger.error('failed', line({ errorName: name }));
      throw error;
    }
  });
}

/** A task of the state machine: which AWS services it calls, what goes in, what comes out, and what it does. */
export type Task<Names extends keyof Clients, In extends z.ZodType, Out extends z.ZodType> = {
  clients: Makers<Names>;
  input: In;
  output: Out;
  run: (input: z.output<In>, services: With<Names>) => Promise<z.input<Out>>;
};

/**
 * Makes a Lambda handler of a task: parse, run, parse. Errors pass through by name, since Step Functions owns retry and
 * failure.
 */
export function task<Names extends keyof Clients, In extends z.ZodType, Out extends z.ZodType>({
  clients,
  input,
  output,
  run,
}: Task<Names, In, Out>) {
  const handle = async (event: unknown, services: With<Names>): Promise<z.output<Out>> => {
    const parsed = input.safeParse(event);
    if (!parsed.success) throw new InvalidInputError(explain(parsed.error));
    const result = output.safeParse(await run(parsed.data, services));
    if (!result.success) throw new InvalidOutputError(explain(result.error));
    return result.data;
  };
  return {
    /** Called by AWS. */
    handler: lambda(clients, handle),
    /** Called with services by whoever has them. */
    run: handle,
  };
}
