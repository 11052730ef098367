import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { portcullis, root } from '../cli/portcullis.ts';
import { panelQueries } from '../deployment/monitoring.ts';
import { deploy, eventually, outcomeOf } from './gate.ts';
import { Runtime } from './runtime.ts';

// A real Prometheus with our configuration, rules and dashboard, at a real gate under load. It takes half a minute, so it runs
// when it is asked for (npm run test:monitoring), and there it fails where Prometheus is missing.
const wanted = process.env.PORTCULLIS_MONITORING === 'yes';
const ENDPOINTS = 40;

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

type Sample = { metric: Record<string, string>; value: [number, string] };

describe.skipIf(!wanted)('Prometheus at a gate under load (npm run test:monitoring)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-monitoring-'));
  let runtime: Runtime;
  let prometheus: ChildProcess;
  let url = '';

  async function ask(query: string): Promise<Sample[]> {
    const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { status, data, error } = (await answer.json()) as {
      status: string;
      data?: { result: Sample[] };
      error?: string;
    };
    if (status !== 'success') throw new Error(`${query}: ${error}`);
    return data?.result ?? [];
  }
  const number = async (query: string) => Number((await ask(query))[0]?.value[1]);
  const firing = async () => (await ask('ALERTS{alertstate="firing"}')).map(({ metric }) => metric.alertname);

  beforeAll(async () => {
    const version = spawnSync('prometheus', ['--version'], { encoding: 'utf8' });
    if (version.error) throw new Error('There is no Prometheus here (Debian: apt-get install prometheus).');
    const [consolePort, ownPort] = [await freePort(), await freePort()];
    runtime = new Runtime(undefined, ['--console-port', String(consolePort)]);
    await runtime.start();
    const from = (name: string) => readFileSync(join(root, 'deployment/prometheus', name), 'utf8');
    // Ours, but faster, and at this gate.
    const config = from('prometheus.yml')
      .replaceAll(': 15s', ': 3s')
      .replace('127.0.0.1:4510', `127.0.0.1:${consolePort}`);
    writeFileSync(join(folder, 'prometheus.yml'), config);
    writeFileSync(join(folder, 'alerts.yml'), from('alerts.yml').replace(/for: \d+m/g, 'for: 2s'));
    mkdirSync(join(folder, 'data'));
    url = `http://127.0.0.1:${ownPort}`;
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${ownPort}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    await eventually(
      'answer of Prometheus',
      async () =>
        fetch(`${url}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      30_000,
    );
    await eventually('scrape', async () => (await number('up{job="portcullis"}')) === 1, 30_000);
  }, 90_000);
  afterAll(async () => {
    prometheus?.kill('SIGKILL');
    await runtime?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test('it sees every change that ended, and a scrape stays short', async () => {
    const names = Array.from({ length: ENDPOINTS }, (_, index) => `load-${index}`);
    await Promise.all(names.map((name) => deploy(runtime, name, { alarms: false })));
    await Promise.all(names.map((name) => outcomeOf(runtime, name, {}, 60_000)));
    await eventually(
      'all of them in Prometheus',
      async () => (await number('sum(portcullis_changes_total)')) >= ENDPOINTS,
      30_000,
    );
    const [slowest, failed] = [
      await number('max_over_time(scrape_duration_seconds[5m])'),
      await number('min_over_time(up[5m])'),
    ];
    console.log(
      `${await number('sum(portcullis_changes_total)')} changes; ${await number('scrape_samples_scraped')} samples a scrape; slowest scrape ${Math.round(slowest * 1_000)} ms`,
    );
    expect(failed).toBe(1);
    expect(slowest).toBeLessThan(5);
  }, 120_000);

  test('it answers every query of the dashboard', async () => {
    const empty: string[] = [];
    for (const { title, expr } of panelQueries()) {
      const found = await ask(expr);
      if (found.length === 0) empty.push(`${title}: ${expr}`);
    }
    // Nothing is wrong here, and this console has no certificate.
    expect(empty.map((each) => each.split(':')[0])).toEqual(['Alerts', 'Until the certificate ends']);
  });

  test('an alert fires when the gate is killed, and its runbook ends it', async () => {
    expect(await firing()).toEqual([]);
    await runtime.end('SIGKILL');
    await eventually('PortcullisGateDown', async () => (await firing()).includes('PortcullisGateDown'), 30_000);
    const refused = await fetch(`${runtime.consoleUrl}/health`).then(
      () => false,
      () => true,
    );
    expect(refused).toBe(true);
    // Its first step, and then when it is over.
    await runtime.start();
    expect((await fetch(`${runtime.consoleUrl}/health`)).status).toBe(200);
    const swept = await portcullis(['sweep', '--local', '--aws-port', new URL(runtime.awsUrl).port]);
    expect(swept, swept.err).toMatchObject({ code: 0 });
    await eventually('end of the alert', async () => !(await firing()).includes('PortcullisGateDown'), 30_000);
  }, 120_000);
});
