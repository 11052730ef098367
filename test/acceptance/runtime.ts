import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { give, spawnGate } from '../spawn-gate.ts';
import { Gate } from './gate.ts';

/** The loopback AWS's account. */
export const ACCOUNT = '000000000000';
export const APPROVERS_YAML = `
approvals:
  timeoutHours: 24
  approvers:
    - { id: ada, name: Ada, email: ada@example.com }
    - { id: ben, name: Ben, email: ben@example.com }
    - { id: eve, name: Eve, email: eve@example.com, awsIdentities: [eve-role] }
`;

export type Ready = { ready: true; awsUrl: string; consoleUrl: string; resumed: number; ms: number };

/** The runtime as a process, in a directory of its own, on free ports. */
export class Runtime extends Gate {
  readonly dataDir: string;
  readonly configPath: string;
  ready!: Ready;
  #child: ChildProcess | undefined;
  #args: string[];
  #env: NodeJS.ProcessEnv;
  stderr = '';

  constructor(config = APPROVERS_YAML, args: string[] = [], env: NodeJS.ProcessEnv = {}) {
    super();
    this.dataDir = mkdtempSync(join(tmpdir(), 'portcullis-'));
    this.configPath = join(this.dataDir, 'portcullis.yaml');
    writeFileSync(this.configPath, config);
    give(this.dataDir);
    this.#args = args;
    this.#env = env;
  }

  async start(): Promise<Ready> {
    const args = ['up', '--json', '--fleet', 'none', '--aws-port', '0', '--console-port', '0', '--transition-ms', '0'];
    const child = spawnGate([...args, '--data', join(this.dataDir, 'data'), ...this.#args], {
      env: { ...process.env, PORTCULLIS_CONFIG: this.configPath, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    let text = '';
    this.ready = await new Promise<Ready>((resolve, reject) => {
      child.stdout?.on('data', (chunk) => {
        text += String(chunk);
        const line = text.split('\n').find((each) => each.includes('"ready":true'));
        if (line) resolve(JSON.parse(line) as Ready);
      });
      child.once('exit', (code) => reject(new Error(`The runtime ended with ${code}: ${this.stderr}`)));
    });
    return this.ready;
  }

  get awsUrl(): string {
    return this.ready.awsUrl;
  }
  get consoleUrl(): string {
    return this.ready.consoleUrl;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Ends the process and waits for it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return ended;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Puts events on the bus as anybody may; account, region and id are the bus's own. */
  async putEvents(events: { source: string; 'detail-type': string; time?: string; detail: object }[]): Promise<void> {
    for (let start = 0; start < events.length; start += 10) {
      const Entries = events.slice(start, start + 10).map(({ source, 'detail-type': type, time, detail }) => ({
        Source: source,
        DetailType: type,
        Detail: JSON.stringify(detail),
        ...(time === undefined ? {} : { Time: Date.parse(time) / 1000 }),
      }));
      await this.call('AWSEvents.PutEvents', { Entries });
    }
  }

  /** Lets the loopback AWS fail an operation so many times. */
  async fail(operation: string, code: string, times: number, status = 400): Promise<void> {
    await fetch(`${this.ready.awsUrl}/_loopback/faults`, {
      method: 'POST',
      body: JSON.stringify({ operation, code, times, status }),
    });
  }

  /** Lets the loopback AWS lose every event from now on, or no more. */
  async loseEvents(lost: boolean): Promise<void> {
    await fetch(`${this.ready.awsUrl}/_loopback/events`, { method: 'POST', body: JSON.stringify({ lost }) });
  }

  async failNothing(): Promise<void> {
    await fetch(`${this.ready.awsUrl}/_loopback/faults`, { method: 'DELETE' });
  }

  /** Calls that the gate made, by `Service.Operation`. */
  async gateCalls(): Promise<Record<string, number>> {
    const all = (await (await fetch(`${this.ready.awsUrl}/_loopback/calls`)).json()) as Record<string, number>;
    return Object.fromEntries(
      Object.entries(all).flatMap(([key, count]) =>
        key.startsWith('portcullis ') ? [[key.slice('portcullis '.length), count]] : [],
      ),
    );
  }
}
