import { putSmokeEvent } from '../shared/aws/smoke-event.ts';
import { SMOKE_PREFIX } from '../shared/model/smoke-event.ts';
import { attempt, type Check, checksTable, exitCodeOf, ok, problem } from './checks.ts';
import { type AwsOptions, accountOf, servicesFor, stackOf } from './context.ts';
import { CliError, EXIT, json, type Output } from './output.ts';
import { checkMetrics, checkPosting, checkReading, type Probed } from './smoke-console.ts';
import { checkChain, checkCopies, checkOutcome, type Watched } from './smoke-ledger.ts';

const AT_MOST_SECONDS = 60;

/** What a smoke test is given; `pause` and `fetch` are replaced in tests. */
export type SmokeParts = Pick<Probed, 'services' | 'url'> &
  Partial<Pick<Watched, 'pause'> & Pick<Probed, 'fetch'>> & {
    /** Undefined on this machine, which keeps no sealed copies. */
    stack: string | undefined;
    progress: (line: string) => void;
  };
type Smoke = Watched & Probed;

export type SmokeReport = { endpoint: string; seconds: number; checks: Check[] };

/** One synthetic change through the whole gate. Costs nothing: no endpoint is made, and the event says so to all. */
export async function runSmoke(parts: SmokeParts): Promise<SmokeReport> {
  const { services, stack, progress } = parts;
  const started = Date.parse(services.now());
  const checks: Check[] = [];
  const told = (check: Check) => {
    checks.push(check);
    progress(`${check.check}: ${check.result}: ${check.detail}`);
    return check.result === 'ok';
  };
  const name = `${SMOKE_PREFIX}${services.newId()}`;
  let sent: { smoke: Smoke; eventId: string } | undefined;
  told(
    await attempt('event', 'sts:GetCallerIdentity and events:PutEvents', async () => {
      const endpoint = { account: await accountOf(services), region: services.config.region, name };
      const smoke: Smoke = {
        pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        fetch: globalThis.fetch,
        ...parts,
        endpoint,
      };
      sent = { smoke, eventId: await putSmokeEvent(services, endpoint) };
      return ok(`about ${name}`);
    }),
  );
  if (sent) {
    const { smoke, eventId } = sent;
    const query = 'dynamodb:Query';
    told(await attempt('outcome', query, () => checkOutcome(smoke, eventId)));
    told(await attempt('chain', query, () => checkChain(smoke)));
    if (stack)
      told(await attempt('archive', 's3:GetObject, s3:ListBucket and kms:Decrypt', () => checkCopies(smoke, stack)));
    told(await attempt('reading', query, () => checkReading(smoke)));
    told(await attempt('posting', 'nothing', () => checkPosting(smoke)));
    if (!stack) told(await attempt('metrics', 'nothing', () => checkMetrics(smoke)));
  }
  const seconds = Math.round((Date.parse(services.now()) - started) / 100) / 10;
  told({ check: 'time', ...(seconds > AT_MOST_SECONDS ? problem : ok)(`${seconds} s of ${AT_MOST_SECONDS}`) });
  return { endpoint: name, seconds, checks };
}

function consoleUrl(given: string): string {
  if (/^https?:\/\//.test(given) && URL.canParse(given)) return given.replace(/\/+$/, '');
  throw new CliError(`--url is ${given}; it must be an address such as https://gate.example.com.`, EXIT.usage);
}

/** `portcullis smoke`: does the gate that was just deployed work? 0 yes, 1 no, 2 could not check. */
export async function smoke(options: AwsOptions & { url?: string; json?: boolean }, output: Output): Promise<number> {
  const services = servicesFor(options);
  const given =
    options.url ?? process.env.PORTCULLIS_CONSOLE_URL ?? (options.local ? services.config.consoleUrl : undefined);
  if (given === undefined) throw new CliError('Where is the console? Give its address with --url.', EXIT.usage);
  const report = await runSmoke({
    services,
    url: consoleUrl(given),
    stack: options.local ? undefined : stackOf(options),
    progress: (line) => output.err(line),
  });
  output.out(options.json ? json(report) : checksTable(report.checks));
  return exitCodeOf(report.checks);
}
