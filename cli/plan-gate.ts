import { putPlanEvent } from '../shared/aws/plan-event.ts';
import { generationOfSubmission, readPlanState } from '../shared/aws/plan-state.ts';
import type { Services } from '../shared/aws/services.ts';
import type { SignedRequest } from '../shared/aws/signed-request.ts';
import type { DeploymentPlan } from '../shared/model/deployment-plan.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { type PlanState, partsOfPlanId, planId } from '../shared/model/plan-state.ts';
import type { Mistake } from '../shared/model/submitted-plan.ts';
import { CliError, EXIT } from './output.ts';
import { unreachable } from './unreachable.ts';

/** A gate that plans are submitted to: through AWS itself, or by HTTP. */
export type PlanGate = {
  /** Submits a plan; the same `key` again is the same submission. Returns the plan's id. */
  submit: (plan: DeploymentPlan, key: string) => Promise<string>;
  state: (id: string) => Promise<PlanState>;
};

/** Something that may be gone in a moment: a lost connection, a gate that is busy. */
export class LostConnectionError extends Error {
  override readonly name = 'LostConnectionError';
}

/** What the wait and its retries are given; replaced in tests. */
export type Clock = { now: () => string; pause: (ms: number) => Promise<void> };

const MAX_PAUSE_MS = 30_000;
/** 1, 2, 4, ... seconds, half a minute at most. */
export const backoffMs = (failures: number): number => Math.min(1_000 * 2 ** Math.max(failures - 1, 0), MAX_PAUSE_MS);

/** The account, region, endpoint and number in a plan's id. */
export function refOfId(id: string): { ref: EndpointRef; generation: number } {
  const parts = partsOfPlanId(id);
  const ref = EndpointRef.safeParse({ account: parts?.account, region: parts?.region, name: parts?.endpoint });
  if (!parts || !ref.success) {
    throw new CliError(`${id} is no plan; its id is <account>/<region>/<endpoint>/<number>.`, EXIT.usage);
  }
  return { ref: ref.data, generation: Number(parts.generation) };
}

const noSuchPlan = (id: string) => new CliError(`There is no plan ${id}.`);

const LOST_CODES = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE', 'UND_ERR_SOCKET'];
type AwsError = Error & { code?: string; $metadata?: { httpStatusCode?: number }; $retryable?: unknown };

/** AWS throttles, breaks down or is not reached: worth another try. What it refuses is not. */
function orLost(error: unknown): Error {
  const { name, code, $metadata, $retryable, message } = error as AwsError;
  const lost =
    (code !== undefined && LOST_CODES.includes(code)) ||
    name === 'TimeoutError' ||
    $retryable !== undefined ||
    ($metadata?.httpStatusCode ?? 0) >= 500;
  return lost ? new LostConnectionError(message || code || name) : unreachable(error);
}

/** How long a submitted event may take until it is on record. */
const RECEIVED_WITHIN_MS = 120_000;

/** A gate reached with AWS credentials: plans go to its bus, and the ledger says how they stand. */
export function gateOnAws(services: Services, account: string, clock: Clock): PlanGate {
  const trying = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw error instanceof CliError ? error : orLost(error);
    }
  };
  return {
    submit: async (plan) => {
      const place = { account: plan.account ?? account, region: plan.region ?? services.config.region };
      const ref: EndpointRef = { ...place, name: plan.endpoint };
      const eventId = await trying(() => putPlanEvent(services, { ...plan, ...place }));
      const started = Date.parse(clock.now());
      for (let tries = 1; ; tries += 1) {
        const generation = await trying(() => generationOfSubmission(services, ref, eventId)).catch((error) => {
          if (error instanceof LostConnectionError) return undefined;
          throw error;
        });
        if (generation !== undefined) return planId(ref, generation);
        if (Date.parse(clock.now()) - started > RECEIVED_WITHIN_MS) {
          throw new CliError(
            `The bus took the plan (event ${eventId}), but the gate has not read it. "portcullis events list-quarantined" may say why.`,
          );
        }
        await clock.pause(Math.min(250 * 2 ** (tries - 1), 5_000));
      }
    },
    state: async (id) => {
      const { ref, generation } = refOfId(id);
      const found = await trying(() => readPlanState(services, ref, generation));
      if (!found) throw noSuchPlan(id);
      return found;
    },
  };
}

type Answered = { status: number; body: Record<string, unknown> };

/** Sends a request with what proves who asks. */
export type Send = (request: SignedRequest) => Promise<Response>;

/** A gate reached by HTTP at `url`. */
export function gateByHttp(url: string, prefix: 'api' | 'token', send: Send): PlanGate {
  const base = url.replace(/\/+$/, '');
  const ask = async (path: string, rest: Omit<SignedRequest, 'url'>): Promise<Answered> => {
    let response: Response;
    try {
      response = await send({ url: `${base}/${prefix}/plans${path}`, ...rest });
    } catch (error) {
      const { name, cause, message } = error as Error & { cause?: { code?: string } };
      if (name === 'CredentialsProviderError') throw unreachable(error);
      throw new LostConnectionError(cause?.code ?? message);
    }
    const { status } = response;
    if (status >= 500 || status === 429) throw new LostConnectionError(`the gate answered ${status}`);
    const body = (await response.json().catch(() => ({}))) as Answered['body'];
    if (status < 400 && status >= 200 && status < 300) return { status, body };
    const mistakes = Array.isArray(body.mistakes) ? (body.mistakes as Mistake[]) : [];
    const lines = mistakes.map(({ field, value, wanted }) => `\n  ${field}: ${JSON.stringify(value)}: ${wanted}`);
    throw new CliError(`${String(body.error ?? `The gate answered ${status}.`)}${lines.join('')}`);
  };
  return {
    submit: async (plan, key) => {
      const { body } = await ask('', { method: 'POST', headers: { 'idempotency-key': key }, body: plan });
      return String(body.id);
    },
    state: async (id) => {
      const { ref, generation } = refOfId(id);
      const path = [ref.account, ref.region, ref.name, String(generation)].map(encodeURIComponent).join('/');
      return (await ask(`/${path}`, { method: 'GET' })).body as unknown as PlanState;
    },
  };
}
