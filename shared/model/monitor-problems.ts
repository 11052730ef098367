import type { DataCapture, EndpointFacts, Monitor } from './endpoint-facts.ts';
import { longestPeriodMinutes } from './schedule-period.ts';

/** Runs start up to 20 minutes late (SageMaker developer guide, schedule of monitoring jobs). */
const START_DELAY_MINUTES = 20;
/** Where an expression is none that the API documents: nobody monitors more seldom than once a week. */
const UNKNOWN_PERIOD_MINUTES = 7 * 24 * 60;

const plusMinutes = (at: string, minutes: number) => new Date(Date.parse(at) + minutes * 60_000).toISOString();
const latest = (...times: (string | null | undefined)[]) =>
  times
    .filter((time) => typeof time === 'string')
    .reduce((a, b) => (Date.parse(a) > Date.parse(b) ? a : b), new Date(0).toISOString());

/** When it counts as dead, if it has not run again by then: two periods after it last ran, or was last set going. */
function runDueBy({ expression, createdAt, modifiedAt, lastRun }: Monitor): string {
  const period = longestPeriodMinutes(expression ?? '') ?? UNKNOWN_PERIOD_MINUTES;
  return plusMinutes(latest(createdAt, modifiedAt, lastRun?.scheduledAt), 2 * period + START_DELAY_MINUTES);
}

/** What is wrong with its last run: a schedule can be `Scheduled` and fail every hour. */
function runProblem(monitor: Monitor, readAt: string): string | undefined {
  const { name, lastRun } = monitor;
  // Of a planned one, runs are not known.
  if (lastRun === undefined) return undefined;
  if (lastRun?.status === 'Failed') {
    return `the last run of schedule ${name} failed${lastRun.failureReason ? `: ${lastRun.failureReason}` : ''}`;
  }
  if (lastRun?.status === 'Stopped' || lastRun?.status === 'Stopping') {
    return `the last run of schedule ${name} was stopped`;
  }
  const due = runDueBy(monitor);
  if (Date.parse(readAt) <= Date.parse(due)) return undefined;
  return lastRun
    ? `schedule ${name} has not run since ${lastRun.scheduledAt} (${monitor.expression})`
    : `schedule ${name} has never run, and should have by ${due} (${monitor.expression})`;
}

/** What keeps a schedule from being a monitor; undefined where it is one. */
export function monitorProblem(monitor: Monitor, readAt: string): string | undefined {
  const { name, status, expression, baselineUris, unseenBaselines = [] } = monitor;
  if (status !== 'Scheduled') return `schedule ${name} is ${status}, not Scheduled`;
  if (expression?.trim().toUpperCase() === 'NOW') return `schedule ${name} runs once only (ScheduleExpression NOW)`;
  if (expression === null) return `schedule ${name} has no ScheduleExpression, so it does not run again`;
  if (baselineUris.length === 0) return `schedule ${name} has no baseline to compare with`;
  const [unseen] = unseenBaselines;
  if (unseen?.why === 'missing') return `the baseline ${unseen.uri} of schedule ${name} does not exist`;
  if (unseen) return `the baseline ${unseen.uri} of schedule ${name} cannot be read, so whether it exists is unknown`;
  return runProblem(monitor, readAt);
}

/** What a monitor that counts has to say all the same. */
export function monitorRemark(monitor: Monitor): string | undefined {
  const { name, lastRun } = monitor;
  if (lastRun === null) {
    return `Schedule ${name} has not run yet; it counts as dead if it has not by ${runDueBy(monitor)}.`;
  }
  if (lastRun?.status === 'CompletedWithViolations') {
    return `The last run of schedule ${name} (${lastRun.scheduledAt}) found violations of its baseline.`;
  }
  return undefined;
}

/** What the config says against capture; it takes another deployment to put it right. */
function configuredProblem(capture: DataCapture | null): string | undefined {
  if (!capture?.enabled) return 'data capture is off (DataCaptureConfig), and monitors read what it captures';
  if (capture.samplingPercentage <= 0) return 'data capture samples 0 % (InitialSamplingPercentage)';
  const missing = (['Input', 'Output'] as const).filter((each) => !(capture.directions?.includes(each) ?? true));
  if (missing.length > 0) return `data capture takes no ${missing.join(' and no ')} (CaptureOptions)`;
  return undefined;
}

/** Capture may stop by itself, at high disk use, and is started again by people. */
function liveProblem(capture: DataCapture | null): string | undefined {
  const live = capture?.live;
  if (live === undefined) return undefined;
  if (live === null) return 'data capture is configured, and DescribeEndpoint shows none';
  if (live.status !== 'Started') return `data capture is ${live.status} (CaptureStatus), not Started`;
  return live.samplingPercentage > 0 ? undefined : 'data capture samples 0 % (CurrentSamplingPercentage)';
}

/** What keeps monitors from having anything to read; `lasting` where waiting does not help. */
export function captureProblem({ dataCapture }: EndpointFacts): { what: string; lasting: boolean } | undefined {
  const configured = configuredProblem(dataCapture);
  if (configured) return { what: configured, lasting: true };
  const live = liveProblem(dataCapture);
  return live === undefined ? undefined : { what: live, lasting: false };
}
