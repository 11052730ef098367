import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../cli/portcullis.ts';

export type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
};

/** The alert rules of Prometheus. */
export const rules = (): Rule[] =>
  (
    parse(readFileSync(join(root, 'deployment/prometheus/alerts.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }
  ).groups.flatMap((group) => group.rules);

/** Every query of the dashboard of Grafana. */
export const panelQueries = (): { title: string; expr: string }[] =>
  (
    JSON.parse(readFileSync(join(root, 'deployment/grafana/dashboards/portcullis.json'), 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    }
  ).panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
