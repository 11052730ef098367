import { createInterface } from 'node:readline/promises';
import type { Services } from '../shared/aws/services.ts';
import { signedRequest } from '../shared/aws/signed-request.ts';
import type { AwsOptions } from './context.ts';
import { CliError, EXIT } from './output.ts';

/** Options of every command that does something through the gate's HTTP API. */
export type ActOptions = AwsOptions & {
  json?: boolean;
  url?: string;
  as?: string;
  code?: string;
  login?: string;
};

/** What the API answered, as far as it is known; programs get it whole. */
export type ApiReply = {
  reply?: string;
  code?: string;
  reason?: string;
  final?: { answer: string; approvers: string[]; reason: string } | null;
  endpoint?: { name: string };
  generation?: number;
  waiver?: string;
  looksAgain?: number;
  error?: string;
  mistakes?: { field: string; wanted: string }[];
  binding?: string;
};

function baseOf({ url }: ActOptions, services: Services): string {
  const base = url ?? services.config.consoleUrl;
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
    throw new CliError(
      `--url is ${base}; it must be the address of the gate, such as https://gate.example.com.`,
      EXIT.usage,
    );
  }
  return base.replace(/\/$/, '');
}

/** Sends it and reads the JSON that comes back. Whatever is not the gate's own answer ends with exit code 2. */
async function exchange(base: string, send: () => Promise<Response>): Promise<{ status: number; body: ApiReply }> {
  let response: Response;
  try {
    response = await send();
  } catch (error) {
    const { message, cause } = error as Error;
    const why = (cause as { code?: string } | undefined)?.code ?? message;
    throw new CliError(`The gate at ${base} cannot be reached (${why}). Is it running, and is --url right?`);
  }
  const text = await response.text();
  let body: ApiReply | undefined;
  try {
    body = JSON.parse(text) as ApiReply;
  } catch {
    // A page of some proxy, for instance.
  }
  if (body?.reply === undefined && body?.error === undefined && body?.binding === undefined) {
    const said = (body as { message?: string } | undefined)?.message;
    throw new CliError(
      `${base} answered ${response.status}${said ? ` (${said})` : ''}, which is no answer of the gate.`,
    );
  }
  return { status: response.status, body };
}

const posted = (services: Services, url: string, body: object) =>
  services.fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Has a code mailed to an approver; returns what has to be shown together with it. */
export async function askForCode(options: ActOptions, services: Services): Promise<string> {
  const base = baseOf(options, services);
  const { body } = await exchange(base, () => posted(services, `${base}/code`, { person: options.as }));
  if (body.binding === undefined) throw new CliError(body.error ?? 'The gate sent no code.', EXIT.violations);
  return body.binding;
}

async function typedCode(): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question('The code from your mail: ');
  } finally {
    terminal.close();
  }
}

/** Does something about a request for approval. */
export const actOn = (id: string, action: string, fields: object, options: ActOptions, services: Services) =>
  actAt(`approvals/${encodeURIComponent(id)}/${action}`, fields, options, services);

/**
 * Does something through the HTTP API, which is the only one that may: signed with the ordinary AWS credentials, or with
 * `--as` and a code from that person's mailbox.
 */
export async function actAt(
  path: string,
  fields: object,
  options: ActOptions,
  services: Services,
): Promise<{ status: number; body: ApiReply }> {
  const base = baseOf(options, services);
  if (options.as === undefined) {
    if (options.code !== undefined) {
      throw new CliError('--code needs --as: whose code it is.', EXIT.usage);
    }
    if (options.local) {
      throw new CliError('There is no IAM on this machine; say who you are with --as PERSON.', EXIT.usage);
    }
    const request = { url: `${base}/api/${path}`, method: 'POST', body: fields } as const;
    return exchange(base, () => signedRequest(services, request));
  }
  if ((options.code === undefined) !== (options.login === undefined)) {
    throw new CliError('--code and --login belong together; "approvals code" tells both.', EXIT.usage);
  }
  const binding = options.login ?? (await askForCode(options, services));
  const code = options.code ?? (await typedCode());
  return exchange(base, () =>
    posted(services, `${base}/code/${path}`, { person: options.as, binding, code, ...fields }),
  );
}
