import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS, type MetricRow } from '../../local/metrics-table.ts';
import { root } from '../cli/portcullis.ts';
import { panelQueries, rules } from './monitoring.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const all = new Map<string, MetricRow>(Object.entries(METRICS));

/** Metrics that a query names: what Prometheus makes itself, and what a histogram falls into, is known. */
function unknownIn(query: string): string[] {
  const bare = query
    .replace(/"[^"]*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(by|without) \([^)]*\)/g, '')
    .replace(/\[\w+\]/g, '');
  const words = bare.match(/[A-Za-z_:][\w:]*/g) ?? [];
  const functions = 'sum max min_over_time rate increase histogram_quantile time'.split(' ');
  return words.filter((word) => {
    const histogram = all.get(word.replace(/_(bucket|sum|count)$/, ''))?.type === 'histogram';
    return !all.has(word) && !histogram && !functions.includes(word) && !['up', 'ALERTS'].includes(word);
  });
}
/** Labels that a query splits or selects by, and that none of its metrics has. */
function unknownLabelsIn(query: string): string[] {
  const named = [...query.matchAll(/(\w+)\s*=~?"|by \((\w+)\)/g)].map(([, selected, split]) => selected ?? split ?? '');
  const known = [...all].flatMap(([name, { labels = [] }]) => (query.includes(name) ? labels : []));
  return named.filter((label) => ![...known, 'le', 'job', 'alertstate'].includes(label));
}

describe.each([
  ['alerts', rules().map(({ alert, expr }) => ({ name: alert, query: expr }))],
  ['the dashboard', panelQueries().map(({ title, expr }) => ({ name: title, query: expr }))],
])('queries of %s', (_where, queries) => {
  test('are there', () => expect(queries.length).toBeGreaterThan(10));
  test.each(queries)('ask for metrics and labels that the gate has: $name', ({ query }) => {
    expect(unknownIn(query)).toEqual([]);
    expect(unknownLabelsIn(query)).toEqual([]);
    // A counter says something only by how it grows, a gauge only by what it is.
    for (const [name, { type }] of all)
      if (type === 'counter' && new RegExp(`${name}\\b`).test(query))
        expect(query).toMatch(new RegExp(`(rate|increase)\\(${name}`));
  });
});

test('a query for what there is not is found out', () => {
  expect(unknownIn('rate(portcullis_chnages_total[5m])')).toEqual(['portcullis_chnages_total']);
  expect(unknownLabelsIn('sum by (endpoint) (portcullis_queue_depth)')).toEqual(['endpoint']);
});

test('every metric is on the dashboard', () => {
  const shown = panelQueries()
    .map(({ expr }) => expr)
    .join('\n');
  expect([...all.keys()].filter((name) => !shown.includes(name))).toEqual([]);
});

test('the dashboard asks the source that is provisioned, which is the Prometheus of the compose file', () => {
  const [source] = parse(read('deployment/grafana/provisioning/datasources/prometheus.yml')).datasources;
  const panels = JSON.parse(read('deployment/grafana/dashboards/portcullis.json')).panels as { datasource: unknown }[];
  for (const { datasource } of panels) expect(datasource).toEqual({ type: source.type, uid: source.uid });
  expect(source.url).toBe('http://127.0.0.1:9090');
  expect(read('deployment/docker-compose.monitoring.yml')).toContain('--web.listen-address=127.0.0.1:9090');
});

describe('every alert', () => {
  const runbook = read('deployment/runbooks/self_hosted.md');
  const monitoring = read('deployment/monitoring.md');
  test.each(rules())(
    'has a section of the runbook, a row, and a case in which it fires: $alert',
    ({ alert, labels, annotations }) => {
      const section = runbook.split(new RegExp(`^## ${alert}$`, 'm'))[1]?.split(/^## /m)[0] ?? '';
      for (const what of ['**Means:**', '**First step:**', '**It is over when**'])
        expect(section, what).toContain(what);
      expect(annotations.runbook).toBe(`deployment/runbooks/self_hosted.md#${alert.toLowerCase()}`);
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(monitoring).toContain(
        `| [\`${alert}\`](runbooks/self_hosted.md#${alert.toLowerCase()}) | ${labels.severity} |`,
      );
      const cases = parse(read('deployment/prometheus/alerts.test.yml')).tests as {
        name: string;
        alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[];
      }[];
      const fires = cases.find(({ name }) => name === `${alert} fires`);
      expect(fires?.alert_rule_test).toMatchObject([{ alertname: alert, exp_alerts: [{}] }]);
      expect(cases[0]?.alert_rule_test.some((each) => each.alertname === alert && !each.exp_alerts)).toBe(true);
    },
  );
  test('and no section is about an alert that there is not', () => {
    const sections = [...runbook.matchAll(/^## (Portcullis\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(rules().map(({ alert }) => alert));
  });
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;
describe.skipIf(!promtool)('promtool (Debian: apt-get install prometheus)', () => {
  test.each([
    ['config', ['check', 'config', 'prometheus.yml']],
    ['rules', ['check', 'rules', 'alerts.yml']],
    ['that every alert fires where it should', ['test', 'rules', 'alerts.test.yml']],
  ])('agrees with %s', (_what, args) => {
    const run = spawnSync('promtool', args, { cwd: join(root, 'deployment/prometheus'), encoding: 'utf8' });
    expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
  });
});
