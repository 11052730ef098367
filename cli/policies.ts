import { loadConfig } from '../shared/config-yaml.ts';
import { auditPolicy, policies } from '../shared/policies/index.ts';
import { EXIT, json, type Output, table } from './output.ts';

/** The policies with the limits in force, in document order. */
export function policyTable(settings: Parameters<(typeof policies)[number]['statement']>[0]) {
  const checked = policies.map(({ id, statement, rationale, waivable, guard }) => ({
    id,
    statement: statement(settings),
    rationale,
    waivable,
    verifiedAgain: guard === true,
  }));
  return [
    ...checked,
    {
      id: auditPolicy.id,
      statement: auditPolicy.statement,
      rationale: auditPolicy.rationale,
      waivable: false,
      verifiedAgain: false,
    },
  ];
}

export function policiesMarkdown(settings: Parameters<typeof policyTable>[0]): string {
  return [
    '| policy | sentence | rationale |',
    '|---|---|---|',
    ...policyTable(settings).map(({ id, statement, rationale }) => `| \`${id}\` | ${statement} | ${rationale} |`),
  ].join('\n');
}

/** `portcullis policies`: what is enforced, with the limits of this configuration. */
export function listPolicies(options: { json?: boolean; markdown?: boolean }, output: Output): number {
  const { policySettings } = loadConfig(process.env);
  const rows = policyTable(policySettings);
  if (options.json) output.out(json(rows));
  else if (options.markdown) output.out(policiesMarkdown(policySettings));
  else
    output.out(
      table(
        ['POLICY', 'WAIVABLE', 'SENTENCE'],
        rows.map(({ id, waivable, statement }) => [id, waivable ? 'yes' : 'no', statement]),
      ),
    );
  return EXIT.fine;
}
