import type { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { endpointArn } from '../shared/model/endpoint-ref.ts';
import { type Decision, decide, type Finding } from '../shared/model/finding.ts';
import { SARIF_SCHEMA, sarifResults, sarifUndetermined, UNDETERMINED_RULE } from '../shared/model/sarif.ts';
import { VERSION } from '../shared/model/version.ts';
import { evaluate, policies } from '../shared/policies/index.ts';
import type { PolicySettings } from '../shared/policies/settings.ts';
import { json, table, visible } from './output.ts';

/** What was found about one endpoint, or why it could not be checked. */
export type Checked = {
  endpoint: string;
  arn: string;
  environment: string;
  decision: Decision;
  findings: Finding[];
  error?: string;
};

export function checkFacts(facts: EndpointFacts, settings: PolicySettings): Checked {
  const findings = evaluate(facts, settings);
  return {
    endpoint: facts.endpoint.name,
    arn: endpointArn(facts.endpoint),
    environment: facts.environment.name,
    decision: decide(findings),
    findings,
  };
}

export const FORMATS = ['table', 'json', 'markdown', 'sarif'] as const;
export type Format = (typeof FORMATS)[number];

const speaking = (finding: Finding) => ['violation', 'needs-approval', 'advice'].includes(finding.outcome);

function summary(
  checked: readonly Checked[],
): { environment: string; counts: Record<Decision, number>; endpoints: number }[] {
  return ['prod', 'staging', 'dev', 'unknown']
    .map((environment) => {
      const mine = checked.filter((each) => each.environment === environment);
      const count = (decision: Decision) => mine.filter((each) => each.decision === decision).length;
      return {
        environment,
        endpoints: mine.length,
        counts: {
          compliant: count('compliant'),
          'needs-approval': count('needs-approval'),
          blocked: count('blocked'),
          undetermined: count('undetermined'),
        },
      };
    })
    .filter(({ endpoints }) => endpoints > 0);
}

function asTable(checked: readonly Checked[]): string {
  const rows = checked.flatMap((each) => {
    const lines = each.findings
      .filter(speaking)
      .flatMap((finding) => finding.messages.map((message) => [finding.outcome, finding.policy, message] as const));
    const all = each.error ? [['undetermined', '-', each.error] as const, ...lines] : lines;
    const shown = all.length > 0 ? all : [['pass', '-', 'every policy that applies is met'] as const];
    return shown.map(([outcome, policy, message], index) => [
      index === 0 ? each.endpoint : '',
      index === 0 ? each.environment : '',
      index === 0 ? each.decision : '',
      outcome,
      policy,
      message,
    ]);
  });
  const totals = summary(checked).map(({ environment, endpoints, counts }) => [
    environment,
    String(endpoints),
    ...Object.values(counts).map(String),
  ]);
  const nothing = 'No endpoint was found, so nothing was checked.';
  if (checked.length === 0) return nothing;
  return [
    table(['ENDPOINT', 'ENV', 'DECISION', 'OUTCOME', 'POLICY', 'WHAT'], rows),
    '',
    table(['ENVIRONMENT', 'ENDPOINTS', 'COMPLIANT', 'NEEDS APPROVAL', 'BLOCKED', 'UNDETERMINED'], totals),
  ].join('\n');
}

const cell = (text: string) => visible(text).replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;');

function asMarkdown(checked: readonly Checked[]): string {
  const rows = checked.flatMap((each) => {
    const lines = each.findings
      .filter(speaking)
      .flatMap((finding) =>
        finding.messages.map(
          (message) =>
            `| ${cell(each.endpoint)} | ${each.environment} | ${each.decision} | ${finding.outcome} | \`${finding.policy}\` | ${cell(message)} |`,
        ),
      );
    if (each.error)
      lines.unshift(`| ${cell(each.endpoint)} | ${each.environment} | undetermined | - | - | ${cell(each.error)} |`);
    return lines.length > 0
      ? lines
      : [
          `| ${cell(each.endpoint)} | ${each.environment} | ${each.decision} | pass | - | every policy that applies is met |`,
        ];
  });
  const totals = summary(checked).map(
    ({ environment, endpoints, counts }) => `| ${environment} | ${endpoints} | ${Object.values(counts).join(' | ')} |`,
  );
  return [
    '| endpoint | environment | decision | outcome | policy | what |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '| environment | endpoints | compliant | needs approval | blocked | undetermined |',
    '|---|---|---|---|---|---|',
    ...totals,
  ].join('\n');
}

/** SARIF 2.1.0. `file` is what was checked, where that was a file; an endpoint is a logical location. */
function asSarif(checked: readonly Checked[], settings: PolicySettings, file: string | undefined): string {
  const results = checked.flatMap(({ endpoint, arn, findings, error }) => {
    const place = { endpoint, arn, file };
    const found = findings.filter(speaking).flatMap((finding) => sarifResults(finding, place));
    return error ? [sarifUndetermined(error, place), ...found] : found;
  });
  const rules = policies.map((policy) => ({
    id: policy.id,
    shortDescription: { text: policy.statement(settings) },
    fullDescription: { text: policy.rationale },
  }));
  return json({
    $schema: SARIF_SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Portcullis', version: VERSION, rules: [...rules, UNDETERMINED_RULE] } },
        invocations: [{ executionSuccessful: checked.every(({ error }) => error === undefined) }],
        results,
      },
    ],
  });
}

/** What was checked, in the format asked for. */
export function render(checked: readonly Checked[], format: Format, settings: PolicySettings, file?: string): string {
  switch (format) {
    case 'table':
      return asTable(checked);
    case 'json':
      return json({ summary: summary(checked), endpoints: checked });
    case 'markdown':
      return asMarkdown(checked);
    case 'sarif':
      return asSarif(checked, settings, file);
  }
}

/** 2 where anything could not be checked, or nothing was; else 1 where anything is violated; else 0. */
export function exitCodeFor(checked: readonly Checked[]): number {
  if (checked.length === 0 || checked.some(({ decision }) => decision === 'undetermined')) return 2;
  return checked.some(({ decision }) => decision === 'blocked') ? 1 : 0;
}
