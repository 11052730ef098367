import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { listOpenRequests } from '../shared/aws/approvals.ts';
import { regionsOf, settingsNow } from '../shared/aws/live-prices.ts';
import type { Metric, Services } from '../shared/aws/services.ts';
import { Result } from '../shared/model/ledger-record.ts';
import { tableFor } from '../shared/model/price-table.ts';
import { VERSION } from '../shared/model/version.ts';
import { METRICS, type MetricRow } from './metrics-table.ts';

type Name = keyof typeof METRICS;
type Named<Type extends MetricRow['type']> = {
  [Each in Name]: (typeof METRICS)[Each]['type'] extends Type ? Each : never;
}[Name];

/** What is asked at each scrape, of the runtime that is measured. */
export type Measured = {
  services: Services;
  eventsUnderWay: () => number;
  executionsUnderWay: () => number;
  sweepEverySeconds: number;
};

/** From a compliant dev endpoint (milliseconds) to a read that AWS throttles for a quarter of an hour. */
const DECISION_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
/** Names under which AWS services refuse what comes too fast. */
const THROTTLES = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'ProvisionedThroughputExceededException',
  'SlowDown',
]);
/** The calls that append to the ledger; see `append` in shared/aws/ledger.ts. */
const APPEND = 'ExecuteStatementCommand';

/** What is measured as a number of times and shown as just that. */
const COUNTED = {
  SweepFindings: 'portcullis_sweep_findings_total',
  BreakGlass: 'portcullis_break_glass_total',
  GuardsDown: 'portcullis_guards_down_total',
  NotificationFailures: 'portcullis_notification_failures_total',
  MixedFleets: 'portcullis_mixed_fleets_total',
  PriceLimitsCrossed: 'portcullis_price_limits_crossed_total',
} as const;

type Middleware = (
  next: (args: unknown) => Promise<unknown>,
  context: { commandName?: string },
) => (args: unknown) => Promise<unknown>;
type Client = {
  middlewareStack: {
    add: (middleware: Middleware, options: { step: 'deserialize'; priority: 'high'; name: string }) => void;
  };
};

/** Keeps what the gate measures for Prometheus, beside what it asks of the runtime when it is scraped. */
export function createMetrics() {
  const registry = new Registry();
  const shape = (name: Name) => {
    const { help, labels = [] }: MetricRow = METRICS[name];
    return { name, help, labelNames: labels as string[], registers: [registry] };
  };
  const counters = new Map<Name, Counter>();
  const gauges = new Map<Name, Gauge>();
  const decisions = new Histogram({
    ...shape('portcullis_event_to_decision_seconds'),
    buckets: DECISION_BUCKETS_SECONDS,
  });
  for (const [name, { type }] of Object.entries(METRICS) as [Name, MetricRow][]) {
    if (type === 'counter') counters.set(name, new Counter(shape(name)));
    if (type === 'gauge') gauges.set(name, new Gauge(shape(name)));
  }
  const counter = (name: Named<'counter'>) => counters.get(name) as Counter;
  const gauge = (name: Named<'gauge'>) => gauges.get(name) as Gauge;
  // One that appears with its first count has never increased, so no alert would see the first.
  for (const outcome of Result.options) counter('portcullis_changes_total').inc({ outcome }, 0);
  for (const result of ['proposed', 'done', 'failed', 'abandoned', 'stopped'])
    counter('portcullis_remediations_total').inc({ result }, 0);

  // A 0 would be a certificate that ended long ago.
  const certificate = gauge('portcullis_tls_certificate_expiration_timestamp_seconds');
  certificate.remove();

  let measured: Measured | undefined;
  let startedAt = 0;
  let sweptAt: number | undefined;

  /** Everything that code measures, in the units of Prometheus. */
  const measure = (metric: Metric): void => {
    switch (metric.name) {
      case 'Changes':
        counter('portcullis_changes_total').inc({ outcome: metric.dimensions.Outcome }, metric.value);
        break;
      case 'Remediations':
        counter('portcullis_remediations_total').inc({ result: metric.dimensions.Result }, metric.value);
        break;
      case 'EventToDecisionMs':
        decisions.observe(metric.value / 1_000);
        break;
      case 'SweptEndpoints':
        sweptAt = measured && Date.parse(measured.services.now());
        gauge('portcullis_swept_endpoints').set(metric.value);
        break;
      // Asked for at each scrape instead, so that an answer shows at once.
      case 'WaitingApprovals':
      case 'WaitingApprovalAgeSeconds':
      // Found by the copies in a bucket with Object Lock, which one machine does not have.
      case 'LedgerTampering':
        break;
      default:
        counter(COUNTED[metric.name]).inc(metric.value);
    }
  };

  /** Counts every try of every call. What reads in member accounts makes clients of its own, which are not counted. */
  const countCalls = (services: Services): void => {
    const calls = counter('portcullis_aws_calls_total');
    for (const [service, client] of Object.entries(services)) {
      const { middlewareStack } = (client ?? {}) as Partial<Client>;
      if (middlewareStack === undefined) continue;
      for (const outcome of ['ok', 'throttled', 'error']) calls.inc({ service, outcome }, 0);
      const count: Middleware =
        (next, { commandName }) =>
        async (args) => {
          try {
            const answer = await next(args);
            calls.inc({ service, outcome: 'ok' });
            if (commandName === APPEND) counter('portcullis_ledger_appends_total').inc();
            return answer;
          } catch (error) {
            const { name } = error as Error;
            calls.inc({ service, outcome: THROTTLES.has(name) ? 'throttled' : 'error' });
            if (name === 'DuplicateItemException') counter('portcullis_ledger_conflicts_total').inc();
            throw error;
          }
        };
      middlewareStack.add(count, { step: 'deserialize', priority: 'high', name: 'portcullisMetrics' });
    }
  };

  const ask = async ({ services, eventsUnderWay, executionsUnderWay, sweepEverySeconds }: Measured) => {
    const now = Date.parse(services.now());
    const secondsSince = (then: number) => Math.max(0, (now - then) / 1_000);
    const timeoutSeconds = services.config.file.approvals.timeoutHours * 3_600;
    const open = await listOpenRequests(services);
    /** What was asked before this was kept is known by when it ends. */
    const waitedFor = ({ askedAt, expiresAt }: (typeof open)[number]) =>
      askedAt === undefined
        ? Math.max(0, timeoutSeconds - (Date.parse(expiresAt) - now) / 1_000)
        : secondsSince(Date.parse(askedAt));
    const { prices } = await settingsNow(services);
    gauge('portcullis_build_info').set({ version: VERSION }, 1);
    gauge('portcullis_process_start_time_seconds').set(startedAt / 1_000);
    gauge('portcullis_resident_memory_bytes').set(process.memoryUsage.rss());
    gauge('portcullis_queue_depth').set({ queue: 'events' }, eventsUnderWay());
    gauge('portcullis_queue_depth').set({ queue: 'executions' }, executionsUnderWay());
    gauge('portcullis_waiting_approvals').set(open.length);
    gauge('portcullis_waiting_approval_age_seconds').set(Math.max(0, ...open.map(waitedFor)));
    gauge('portcullis_approval_timeout_seconds').set(timeoutSeconds);
    gauge('portcullis_sweep_lag_seconds').set(secondsSince(sweptAt ?? startedAt));
    gauge('portcullis_sweep_interval_seconds').set(sweepEverySeconds);
    // A region whose prices were read has no table's any more.
    gauge('portcullis_price_age_seconds').reset();
    for (const region of regionsOf(services)) {
      const source = prices.live?.[region] ? 'read' : 'table';
      gauge('portcullis_price_age_seconds').set(
        { region, source },
        secondsSince(Date.parse(tableFor(prices, region).asOf)),
      );
    }
  };

  return {
    measure,
    /** From now on this is what a scrape asks. */
    watch: (what: Measured): void => {
      measured = what;
      startedAt = Date.parse(what.services.now());
      countCalls(what.services);
    },
    /** The text that Prometheus reads. Throws where something cannot be asked: a scrape is whole, or it fails and that is seen. */
    text: async (): Promise<string> => {
      if (!measured) throw new Error('The gate is still starting.');
      await ask(measured);
      return registry.metrics();
    },
    contentType: registry.contentType,
    /** ISO 8601. */
    certificateEnds: (at: string): void => certificate.set(Date.parse(at) / 1_000),
  };
}
export type Metrics = ReturnType<typeof createMetrics>;
