import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { listChanges } from '../shared/aws/change-pages.ts';
import { tokensIn } from '../shared/model/bearer-token.ts';
import type { DeploymentPlan } from '../shared/model/deployment-plan.ts';
import type { Result } from '../shared/model/ledger-record.ts';
import type { PlanState } from '../shared/model/plan-state.ts';
import { mistakeLine, readPlan } from '../shared/model/submitted-plan.ts';
import { changeTable } from './change-table.ts';
import { type AwsOptions, accountOf, servicesFor } from './context.ts';
import { CliError, EXIT, json, type Output } from './output.ts';
import {
  backoffMs,
  type Clock,
  gateByHttp,
  gateOnAws,
  LostConnectionError,
  type PlanGate,
  refOfId,
  type Send,
} from './plan-gate.ts';
import { inWords, isUnderWay, waitForPlan } from './plan-wait.ts';

type Options = AwsOptions & { json?: boolean; url?: string; timeout?: string };

/** Where plans are submitted, and the clock to wait by; replaced in tests. */
export type PlanParts = { gate: PlanGate; clock: Clock };

const realClock: Clock = { now: () => new Date().toISOString(), pause: (ms) => pause(ms) };

const ANSWER_WITHIN_MS = 30_000;
const soonFetch: typeof fetch = (input, init) =>
  fetch(input, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });

/** Shows the access token of programs. Redirects are not followed: it is for one address. */
const withToken =
  (token: string): Send =>
  ({ url, method = 'GET', headers, body }) =>
    soonFetch(url, {
      method,
      redirect: 'manual',
      headers: { ...headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

/** The gate at `--url` (with the access token, or else signed with AWS credentials), or the one in AWS or on this machine. */
async function partsFor(options: Options): Promise<PlanParts> {
  const { url } = options;
  if (url === undefined) {
    const services = servicesFor(options);
    const local = services.config.stateMachineArn.split(':')[4];
    const account = options.local && local ? local : await accountOf(services);
    return { gate: gateOnAws(services, account, realClock), clock: realClock };
  }
  if (!URL.canParse(url)) throw new CliError(`--url is ${url}; it must be the address of the console.`, EXIT.usage);
  // The environment of the gate itself may hold two.
  const [token] = tokensIn(process.env.PORTCULLIS_ACCESS_TOKEN ?? '');
  if (token) return { gate: gateByHttp(url, 'token', withToken(token)), clock: realClock };
  const { signedRequest } = await import('../shared/aws/signed-request.ts');
  const services = { ...servicesFor(options), fetch: soonFetch };
  return { gate: gateByHttp(url, 'api', (request) => signedRequest(services, request)), clock: realClock };
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `30m`, `24h`, `2d` in milliseconds; forever where none is given. */
export function durationOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) {
    throw new CliError(`--timeout is ${text}; it must be written like 90s, 30m, 24h or 2d.`, EXIT.usage);
  }
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

/** Exit codes of `plan` besides those of every command. */
export const STILL_WAITING = 3;

const GO: readonly (Result | string)[] = ['approved', 'compliant', 'unchanged'];

/** 0 may be carried out; 1 may not; 2 could not be checked; 3 still waiting. */
export function exitCodeOf(plan: PlanState): number {
  if (isUnderWay(plan)) return STILL_WAITING;
  if (plan.state === 'undetermined') return EXIT.couldNotCheck;
  return GO.includes(plan.state) ? EXIT.fine : EXIT.violations;
}

/** Reads a plan from a file, or from standard input as `-`. Every mistake is named by its field. */
export function planIn(file: string, now: string): DeploymentPlan {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    const document = parseDocument(text);
    const [problem] = document.errors;
    if (problem) throw problem;
    value = document.toJS();
  } catch (error) {
    throw new CliError(`${file} is neither YAML nor JSON: ${(error as Error).message.split('\n')[0]}`);
  }
  const reading = readPlan(value, now);
  if ('plan' in reading) return reading.plan;
  throw new CliError(`${file} is no valid DeploymentPlan:\n  ${reading.mistakes.map(mistakeLine).join('\n  ')}`);
}

const problems = ({ findings }: PlanState) =>
  findings.flatMap(({ policy, outcome, messages }) => [
    `  ${outcome}: ${policy}`,
    ...messages.map((message) => `    ${message}`),
  ]);

function show(plan: PlanState, options: Options, output: Output): void {
  if (options.json) output.out(json(plan));
  else output.out([`plan ${plan.id}: ${inWords(plan)}`, ...problems(plan)].join('\n'));
}

async function waitAndShow(id: string, options: Options, output: Output, { gate, clock }: PlanParts): Promise<number> {
  const timeoutMs = durationOf(options.timeout);
  const started = Date.parse(clock.now());
  const hint = `Go on waiting with: portcullis plan wait ${id}${options.local ? ' --local' : ''}${options.url ? ` --url ${options.url}` : ''}`;
  const stopped = () => {
    output.err(hint);
    process.exit(130);
  };
  process.once('SIGINT', stopped);
  try {
    const { state, timedOut } = await waitForPlan(gate, id, started + timeoutMs, clock, (line) => output.err(line));
    show(state, options, output);
    if (timedOut) output.err(`It has not ended within ${options.timeout}. ${hint}`);
    return timedOut ? STILL_WAITING : exitCodeOf(state);
  } catch (error) {
    if (!(error instanceof LostConnectionError)) throw error;
    throw new CliError(`How the plan stands could not be read: ${error.message}. ${hint}`);
  } finally {
    process.removeListener('SIGINT', stopped);
  }
}

const TRIES = 8;

/** Submits until the gate has it; sent again it is the same submission. */
async function submitUntilTaken(plan: DeploymentPlan, { gate, clock }: PlanParts, output: Output): Promise<string> {
  const key = crypto.randomUUID();
  for (let failures = 1; ; failures += 1) {
    try {
      return await gate.submit(plan, key);
    } catch (error) {
      if (!(error instanceof LostConnectionError)) throw error;
      if (failures === TRIES) throw new CliError(`The plan could not be submitted: ${error.message}.`);
      output.err(`Not submitted yet (${error.message}); it is tried again.`);
      await clock.pause(backoffMs(failures));
    }
  }
}

/** `portcullis plan submit FILE`: with `--wait` until it is known whether it may be carried out. */
export async function planSubmit(
  file: string,
  options: Options & { wait?: boolean },
  output: Output,
  given?: PlanParts,
): Promise<number> {
  durationOf(options.timeout);
  const plan = planIn(file, (given?.clock ?? realClock).now());
  const parts = given ?? (await partsFor(options));
  const id = await submitUntilTaken(plan, parts, output);
  if (options.wait) {
    output.err(`Submitted as plan ${id}.`);
    return waitAndShow(id, options, output, parts);
  }
  output.out(options.json ? json({ id }) : `Submitted as plan ${id}.`);
  return EXIT.fine;
}

/** `portcullis plan wait ID`: goes on where a wait was broken off. */
export async function planWait(id: string, options: Options, output: Output, given?: PlanParts): Promise<number> {
  durationOf(options.timeout);
  refOfId(id);
  return waitAndShow(id, options, output, given ?? (await partsFor(options)));
}

/** `portcullis plan show ID`: how it stands now. Ends as `plan wait` would. */
export async function planShow(id: string, options: Options, output: Output, given?: PlanParts): Promise<number> {
  refOfId(id);
  const { gate } = given ?? (await partsFor(options));
  try {
    const plan = await gate.state(id);
    show(plan, options, output);
    return exitCodeOf(plan);
  } catch (error) {
    if (!(error instanceof LostConnectionError)) throw error;
    throw new CliError(`How the plan stands could not be read: ${error.message}.`);
  }
}

const LISTED = 500;

/** `portcullis plan list`: plans of the last three months, newest first. */
export async function planList(options: AwsOptions & { json?: boolean }, output: Output): Promise<number> {
  const plans = await listChanges(servicesFor(options), { origin: 'plan' }, LISTED);
  if (options.json) output.out(json(plans));
  else output.out(plans.length === 0 ? 'No plan is on record.' : changeTable(plans));
  return EXIT.fine;
}
