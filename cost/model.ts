import type { Assumed } from './mix.ts';
import { type LambdaSize, lambdasOf, ofType, sweepsPerMonth, type Template } from './template.ts';
import { type LambdaUsage, SIGNER, total, type Usage } from './usage.ts';

export type Price = { usd: number; per: number; unit: string; source: string; asOf: string; verified: boolean };
export type Prices = Record<string, Price>;

/** One line of a bill. */
export type Line = { id: string; item: string; quantity: number; price: Price; usd: number; from: string };

const GB = 1e9;

type Sizes = ReadonlyMap<string, LambdaSize>;

/** Billed time of Lambdas in GB-seconds: what it took here, an allowance for AWS's answers, and starts of containers. */
export function gbSeconds({ lambdas }: Usage, sizes: Sizes, { awsCallMs, initMs }: Assumed): number {
  return Object.entries(lambdas).reduce((sum, [name, { ms, awsCalls, starts }]) => {
    const size = sizes.get(name);
    if (!size) throw new Error(`The template has no Lambda ${name}.`);
    return sum + ((ms + awsCalls * awsCallMs + starts * initMs) / 1000) * (size.memoryMb / 1024);
  }, 0);
}

const sumBy = ({ lambdas }: Usage, of: (lambda: LambdaUsage) => number) =>
  Object.values(lambdas).reduce((sum, lambda) => sum + of(lambda), 0);

type Drafts = Record<string, [item: string, price: string, quantity: number, from: string]>;

function linesFrom(drafts: Drafts, prices: Prices): Line[] {
  return Object.entries(drafts).map(([id, [item, name, quantity, from]]) => {
    const price = prices[name];
    if (!price) throw new Error(`There is no price ${name}.`);
    return { id, item, quantity, price, usd: (quantity * price.usd) / price.per, from };
  });
}

export type Given = { sizes: Sizes; prices: Prices; assumed: Assumed; accessLogBytes: number };

/** How people are asked: by a mail to each, or by one message to a channel, for which a function reads its secret. */
export type Asking = 'by mail' | 'in Slack';

/** What is paid by use: changes above the fixed cost, and sweeps. */
export function usedLines(
  usage: Usage,
  { sizes, prices, assumed, accessLogBytes }: Given,
  asking: Asking = 'by mail',
): Line[] {
  const rounds = asking === 'in Slack' ? usage.rounds : 0;
  const invocations = sumBy(usage, (lambda) => lambda.invocations);
  const publicKeys = usage.signings > 0 ? (usage.lambdas[SIGNER]?.starts ?? 0) : 0;
  const [{ architecture = 'arm64' } = {}] = sizes.values();
  return linesFrom(
    {
      transitions: [
        'Step Functions transitions',
        'state-transition',
        usage.transitions,
        'states entered, with retries',
      ],
      'lambda-requests': ['Lambda requests', 'lambda-request', invocations, 'invocations'],
      'lambda-time': [
        'Lambda time',
        `lambda-gb-second-${architecture}`,
        gbSeconds(usage, sizes, assumed),
        `time here + ${assumed.awsCallMs} ms for each AWS call + ${assumed.initMs} ms for each start, x MemorySize`,
      ],
      writes: ['DynamoDB writes', 'dynamodb-write', usage.writeUnits, 'ConsumedCapacity, with indexes'],
      reads: ['DynamoDB reads', 'dynamodb-read', usage.readUnits, 'ConsumedCapacity, nothing remembered'],
      kms: [
        'KMS requests',
        'kms-request',
        usage.kmsRequests + usage.machineKeyRequests + rounds + sumBy(usage, ({ keyRequests }) => keyRequests),
        'calls; table keys, for each function and table',
      ],
      mails: [
        'Mails to approvers',
        'mail',
        asking === 'by mail' ? usage.mails : 0,
        'calls of SendEmail, one for each who is asked',
      ],
      'secret-reads': ['Secrets Manager requests', 'secret-request', rounds, 'one for each round of questions'],
      codes: ['Mails with login codes', 'mail', usage.codes, 'calls of SendEmail'],
      http: ['HTTP API requests', 'http-request', usage.httpRequests, 'requests of one who approves'],
      signings: [
        'Signatures of checkpoints',
        'kms-signing',
        usage.signings + publicKeys,
        'calls; the public key for each start',
      ],
      'checkpoint-puts': ['S3 puts and lists of checkpoints', 's3-put', usage.checkpointPuts, 'calls'],
      'checkpoint-reads': ['S3 reads of checkpoints', 's3-get', usage.checkpointReads, 'calls'],
      'archive-puts': ['S3 puts of the archive', 's3-put', usage.archivePuts, 'one for each record'],
      'artifact-reads': ['S3 reads of artifacts', 's3-get', usage.artifactReads, 'calls; paid by the bucket owner'],
      'trail-events': ['CloudTrail data events', 'trail-data-event', usage.ledgerWrites, 'inserts into the ledger'],
      'function-logs': [
        'Logs of Lambdas and the API',
        'log-ingestion',
        (usage.functionLogBytes + usage.httpRequests * accessLogBytes) / GB,
        'bytes of the lines that our logger writes, and of Lambda',
      ],
      'execution-logs': [
        'Logs of executions',
        'log-ingestion',
        (usage.stateEvents * assumed.stateEventBytes) / GB,
        `${assumed.stateEventBytes} bytes for each event of the history`,
      ],
      traces: ['X-Ray traces', 'trace', usage.executions, 'executions, as if every one were sampled'],
    },
    prices,
  );
}

export type Rest = {
  template: Template;
  /** One sweep. */
  sweep: Usage;
  /** One change, for what is kept of it. */
  change: Usage;
  /** Metrics that were seen, each with its dimensions. */
  metrics: number;
};

/** How long logs are kept, as the template says. */
const logMonths = (template: Template) =>
  Math.max(
    ...ofType(template, 'AWS::Logs::LogGroup').map(({ Properties }) => Number(Properties?.RetentionInDays ?? 3650)),
  ) / 30;

/** What a month costs while nothing changes: what is there, what is kept, and the sweep. */
export function restLines({ template, sweep, change, metrics }: Rest, given: Given): Line[] {
  const { prices, assumed } = given;
  const sweeps = sweepsPerMonth(template);
  const kept = assumed.changesPerMonth * assumed.storedMonths;
  const count = (type: string) => ofType(template, type).length;
  const alarmMetrics = ofType(template, 'AWS::CloudWatch::Alarm').reduce(
    (sum, { Properties }) => sum + (Properties?.Metrics?.filter((each: object) => 'MetricStat' in each).length ?? 1),
    0,
  );
  const trailFiles = count('AWS::CloudTrail::Trail') * assumed.trailRegions * 24 * 30 * (12 + 1);
  const logged = (usage: Usage, times: number) =>
    ((usage.functionLogBytes + usage.stateEvents * assumed.stateEventBytes) * times) / GB;
  const swept = usedLines(total([{ usage: sweep, times: sweeps }]), given)
    .filter(({ quantity }) => quantity > 0)
    .map((line) => ({ ...line, id: `sweep-${line.id}`, item: `Sweep: ${line.item}` }));
  return [
    ...linesFrom(
      {
        alarms: ['Alarms', 'alarm', alarmMetrics, 'template, by the metrics that they look at'],
        dashboards: ['Dashboards', 'dashboard', count('AWS::CloudWatch::Dashboard'), 'template'],
        metrics: ['Metrics of our own', 'metric', metrics, 'seen in the runs, as if sent in every hour'],
        keys: ['KMS keys', 'kms-key', count('AWS::KMS::Key'), 'template; one more each in the 2nd and 3rd year'],
        secrets: [
          'Secrets',
          'secret',
          count('AWS::SecretsManager::Secret'),
          'template; read once in five minutes at most',
        ],
        'trail-files': [
          'S3 puts of the trail',
          's3-put',
          trailFiles,
          `a file every 5 minutes and a digest every hour, ${assumed.trailRegions} regions`,
        ],
        schedule: ['Scheduler', 'schedule', sweeps, 'template'],
      },
      prices,
    ),
    ...swept,
    ...linesFrom(
      {
        'ledger-storage': ['Ledger, stored', 'dynamodb-storage', (change.ledgerBytes * kept) / GB, `${kept} changes`],
        'ledger-recovery': [
          'Ledger, recoverable',
          'dynamodb-recovery',
          (change.ledgerBytes * kept) / GB,
          `${kept} changes`,
        ],
        'archive-storage': ['Archive, stored', 's3-storage', (change.archiveBytes * kept) / GB, `${kept} changes`],
        'log-storage': [
          'Logs, stored',
          'log-storage',
          (logged(sweep, sweeps) + logged(change, assumed.changesPerMonth)) * logMonths(template),
          `${Math.round(logMonths(template) * 30)} days`,
        ],
      },
      prices,
    ),
  ];
}

export const sumOf = (lines: readonly Line[]) => lines.reduce((sum, { usd }) => sum + usd, 0);

/** What the model needs to know of the template and of what was not counted. */
export const givenBy = (template: Template, prices: Prices, assumed: Assumed): Given => ({
  sizes: lambdasOf(template),
  prices,
  assumed,
  // As it is configured: what its variables become is about as long as their names.
  accessLogBytes: ofType(template, 'AWS::ApiGatewayV2::Stage').reduce(
    (sum, { Properties }) => sum + Buffer.byteLength(Properties?.AccessLogSettings?.Format ?? ''),
    0,
  ),
});
