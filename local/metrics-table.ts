/** A metric of `/metrics`: what it is, and by what it is split. Every label has few values, none of which anybody outside chooses. */
export type MetricRow = { type: 'counter' | 'gauge' | 'histogram'; help: string; labels?: readonly string[] };

/** Every metric that a gate on one machine shows to Prometheus. Documents, alerts and dashboards are held to this table. */
export const METRICS = {
  portcullis_build_info: { type: 'gauge', help: 'Always 1; which version runs', labels: ['version'] },
  portcullis_process_start_time_seconds: { type: 'gauge', help: 'When the gate was started, in seconds since 1970' },
  portcullis_resident_memory_bytes: { type: 'gauge', help: 'Memory that the gate uses' },
  portcullis_changes_total: { type: 'counter', help: 'Changes that ended, by how', labels: ['outcome'] },
  portcullis_event_to_decision_seconds: {
    type: 'histogram',
    help: 'From the event to the first decision of the gate',
  },
  portcullis_queue_depth: {
    type: 'gauge',
    help: 'What is under way: events accepted and not handled yet, executions that have not ended (those that wait for people too)',
    labels: ['queue'],
  },
  portcullis_waiting_approvals: { type: 'gauge', help: 'Requests that nobody has answered' },
  portcullis_waiting_approval_age_seconds: {
    type: 'gauge',
    help: 'How long the oldest of them has waited; 0 without any',
  },
  portcullis_approval_timeout_seconds: {
    type: 'gauge',
    help: 'How long people have (`approvals.timeoutHours`); unanswered then means rejected',
  },
  portcullis_aws_calls_total: {
    type: 'counter',
    help: 'Tries of calls to AWS, by how they ended: `ok`, `throttled`, or `error` (which a missing endpoint is, too)',
    labels: ['service', 'outcome'],
  },
  portcullis_ledger_appends_total: { type: 'counter', help: 'Records that were appended to the ledger' },
  portcullis_ledger_conflicts_total: {
    type: 'counter',
    help: 'Appends that came second at their place, read again and were tried again',
  },
  portcullis_sweep_lag_seconds: { type: 'gauge', help: 'Since a sweep finished, or since the start where none has' },
  portcullis_sweep_interval_seconds: { type: 'gauge', help: 'How often the sweep runs' },
  portcullis_swept_endpoints: { type: 'gauge', help: 'Endpoints that the last sweep saw' },
  portcullis_sweep_findings_total: {
    type: 'counter',
    help: 'What no event had told of: changes, dead executions, lost callbacks',
  },
  portcullis_price_age_seconds: {
    type: 'gauge',
    help: 'Age of the prices that are counted with: those of a table, or those read from AWS (which stay old while AWS does not change them)',
    labels: ['region', 'source'],
  },
  portcullis_price_limits_crossed_total: {
    type: 'counter',
    help: 'Limits that a change of prices broke, with nothing deployed',
  },
  portcullis_guards_down_total: {
    type: 'counter',
    help: 'Times that a production endpoint lost what it was accepted with',
  },
  portcullis_remediations_total: {
    type: 'counter',
    help: 'Ways back that were proposed, and how putting back ended',
    labels: ['result'],
  },
  portcullis_mixed_fleets_total: { type: 'counter', help: 'Updates that failed and whose rollback failed, too' },
  portcullis_break_glass_total: { type: 'counter', help: 'Changes that somebody approved alone, past everybody else' },
  portcullis_tls_certificate_expiration_timestamp_seconds: {
    type: 'gauge',
    help: 'When the certificate that the console serves ends, or the first of its chain, in seconds since 1970; absent without one',
  },
  portcullis_notification_failures_total: { type: 'counter', help: 'Messages to people that did not get through' },
} as const satisfies Record<string, MetricRow>;

/** The rows of a Markdown table of them. */
export const metricsMarkdown = (): string =>
  [
    '| metric | type | labels | what it says |',
    '|---|---|---|---|',
    ...Object.entries<MetricRow>(METRICS).map(
      ([name, { type, labels = [], help }]) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ') || '-'} | ${help} |`,
    ),
  ].join('\n');
