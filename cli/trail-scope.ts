import type { Services } from '../shared/aws/services.ts';
import { EndpointRef, refOfStream } from '../shared/model/endpoint-ref.ts';
import { Environment } from '../shared/model/environment.ts';
import type { AskedTime } from '../shared/model/ledger-question.ts';
import type { TrailScope } from '../shared/model/trail-scope.ts';
import { accountOf } from './context.ts';
import { CliError, EXIT } from './output.ts';

const DAY_MS = 86_400_000;

export type ScopeOptions = { from?: string; to?: string; endpoint?: string; environment?: string };

/** `2026-11-01` (its beginning, UTC) or `2026-11-01T12:00:00Z`, as ISO 8601 with milliseconds. */
export function momentOf(option: string, text: string): string {
  const [, date, clock] = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)Z)?$/.exec(text) ?? [];
  const moment = new Date(`${date}T${clock ?? '00:00'}Z`);
  // The 31st of November is taken for the 1st of December.
  if (!Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(date ?? '?')) return moment.toISOString();
  throw new CliError(
    `${option} is "${text}"; it must be a day or a moment in UTC, such as 2026-11-01 or 2026-11-01T12:00:00Z.`,
    EXIT.usage,
  );
}

/** The whole of a day, or a moment. */
export function timeOf(option: string, text: string): AskedTime {
  const from = momentOf(option, text);
  return { from, to: text.includes('T') ? from : new Date(Date.parse(from) + DAY_MS - 1).toISOString() };
}

async function endpointOf(services: Services, text: string): Promise<EndpointRef> {
  const { about, planned: _plan, ...named } = refOfStream(text) ?? { about: undefined };
  const place =
    'name' in named ? named : { account: await accountOf(services), region: services.config.region, name: text };
  const ref = EndpointRef.safeParse(place);
  if (ref.success && about === undefined) return ref.data;
  throw new CliError(`--endpoint is "${text}"; it must be the name of an endpoint.`, EXIT.usage);
}

/** The part of the trail that the options ask for. */
export async function scopeOf(options: ScopeOptions, services: Services): Promise<TrailScope> {
  const from = options.from === undefined ? null : momentOf('--from', options.from);
  const to = options.to === undefined ? null : momentOf('--to', options.to);
  if (from !== null && to !== null && from >= to)
    throw new CliError(`--from ${options.from} is not before --to ${options.to}.`, EXIT.usage);
  const environment = Environment.nullable().safeParse(options.environment ?? null);
  if (!environment.success)
    throw new CliError(`--environment is "${options.environment}"; it must be dev, staging or prod.`, EXIT.usage);
  const endpoint = options.endpoint === undefined ? null : await endpointOf(services, options.endpoint);
  return { from, to, endpoint, environment: environment.data };
}
