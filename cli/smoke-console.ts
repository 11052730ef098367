import { ROUTES } from '../local/http-api.ts';
import { listOpenRequests } from '../shared/aws/approvals.ts';
import { readStream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { type Found, ok, problem } from './checks.ts';
import { CliError } from './output.ts';

const ANSWER_WITHIN_MS = 5_000;

/** The console that is probed; `url` has no slash at its end. */
export type Probed = { services: Services; endpoint: EndpointRef; url: string; fetch: typeof globalThis.fetch };

async function ask({ url, fetch }: Probed, method: string, path: string): Promise<number> {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    return (await fetch(`${url}${path}`, { method, redirect: 'manual', signal })).status;
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    throw new CliError(
      `${url} could not be reached: ${cause?.code ?? name}. Is it the address of the console (--url)?`,
    );
  }
}

/** Every address of the console that only reads, about the smoke endpoint and about a request that there is not. */
function readingPaths({ endpoint, services }: Probed): string[] {
  const { account, region, name } = endpoint;
  const parts: Record<string, string> = { account, region, endpoint: name, generation: '1', id: services.newId() };
  return ROUTES.filter(({ method }) => method === 'GET').map(({ path }) =>
    path.replaceAll(/\{(\w+)\}/g, (_, part: string) => parts[part] ?? part),
  );
}

/** What reading must leave as it is. */
async function readState({ services, endpoint }: Probed) {
  const [stream, requests] = await Promise.all([readStream(services, endpoint), listOpenRequests(services)]);
  return { records: stream.records.length, open: requests.map(({ id }) => id) };
}

/** GET and HEAD answer everywhere, and change nothing: whoever follows a link decides nothing by it. */
export async function checkReading(probed: Probed): Promise<Found> {
  const before = await readState(probed);
  const asked = readingPaths(probed).flatMap((path) => ['GET', 'HEAD'].map((method) => ({ method, path })));
  const answers = await Promise.all(
    asked.map(async ({ method, path }) => ({ method, path, status: await ask(probed, method, path) })),
  );
  // A console may want a login first; what it may not is fail, or not know what this very gate has on record.
  const failed = answers.filter(
    ({ method, path, status }) =>
      status >= 500 ||
      (method === 'GET' && path === '/health' && status !== 200) ||
      (method === 'GET' && path.startsWith('/changes/') && status === 404),
  );
  if (failed.length > 0) {
    return problem(`fails: ${failed.map(({ method, path, status }) => `${method} ${path} (${status})`).join(', ')}`);
  }
  // Said, since a page that was not shown was not tried.
  const loginFirst = answers.filter(
    ({ status }) => status === 401 || status === 403 || (status >= 300 && status < 400),
  ).length;
  const after = await readState(probed);
  if (after.records !== before.records) return problem(`${after.records - before.records} records came by reading`);
  // Others may be asked for at any time; none may be settled by somebody who only reads.
  const settled = before.open.filter((id) => !after.open.includes(id));
  return settled.length > 0
    ? problem(`${settled.length} requests were settled meanwhile. If nobody answered them just now, reading did.`)
    : ok(
        `${answers.length} reads of ${probed.url}, nothing changed${loginFirst > 0 ? `; ${loginFirst} want a login first` : ''}`,
      );
}

/** An answer without a form, a code or a request is refused, and not by failing. */
export async function checkPosting(probed: Probed): Promise<Found> {
  const status = await ask(probed, 'POST', `/approvals/${probed.services.newId()}/answer`);
  return status >= 400 && status < 500
    ? ok(`an empty answer is refused (${status})`)
    : problem(`an empty answer was met with ${status} instead of a refusal`);
}

/** On one machine: Prometheus can read the gate, and what it reads is of a gate. */
export async function checkMetrics({ url, fetch }: Probed): Promise<Found> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (answer.status === 401)
    return problem(`${url}/metrics wants the access token: it was not asked from its own machine`);
  if (answer.status !== 200) return problem(`${url}/metrics was met with ${answer.status}`);
  const text = await answer.text();
  const missing = [
    'portcullis_changes_total',
    'portcullis_sweep_lag_seconds',
    'portcullis_ledger_appends_total',
  ].filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(text));
  return missing.length > 0
    ? problem(`${url}/metrics lacks ${missing.join(', ')}`)
    : ok(`${text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length} samples for Prometheus`);
}
