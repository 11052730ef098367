import { listChanges } from '../shared/aws/change-pages.ts';
import { ChangeState } from '../shared/model/change-filter.ts';
import { Environment } from '../shared/model/environment.ts';
import { changeTable } from './change-table.ts';
import { type AwsOptions, monthOf, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output } from './output.ts';

const STATES = ChangeState.options;

/** `portcullis changes`: what changed lately and how it ended. */
export async function changes(
  options: AwsOptions & { json?: boolean; environment?: string; result?: string; month?: string; limit?: string },
  output: Output,
): Promise<number> {
  const environment = options.environment === undefined ? undefined : Environment.safeParse(options.environment);
  if (environment && !environment.success) {
    throw new CliError(`--environment is ${options.environment}; it must be dev, staging or prod.`, EXIT.usage);
  }
  const state = STATES.find((each) => each === options.result);
  if (options.result !== undefined && state === undefined)
    throw new CliError(`--result is ${options.result}; it must be one of ${STATES.join(', ')}.`, EXIT.usage);
  const month = monthOf(options.month);
  const limit = Number(options.limit ?? 50);
  if (!Number.isInteger(limit) || limit < 1)
    throw new CliError(`--limit is ${options.limit}; it must be a whole number above 0.`, EXIT.usage);
  const filter = {
    ...(environment ? { environment: environment.data } : {}),
    ...(month ? { from: month, to: month } : {}),
    ...(state ? { result: state } : {}),
  };
  const shown = await listChanges(servicesFor(options), filter, limit);
  if (options.json) output.out(json(shown));
  else if (shown.length === 0) output.out('No change is on record.');
  else {
    output.out(changeTable(shown));
  }
  return EXIT.fine;
}
