import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT, type Output, printable } from '../../cli/output.ts';
import { run as runCommand } from '../../cli/run.ts';
import { ConfigError } from '../../shared/config-error.ts';
import { spawnGate } from '../spawn-gate.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type Run = { code: number | null; out: string; err: string };

/** Nothing of the AWS settings of whoever runs the tests, so that no command finds an account by accident. */
const cleanEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(AWS|PORTCULLIS|NODE_V8|VITEST)/.test(name)),
);

/** A command as somebody would start it: what it printed, and with which code it ended. */
export function portcullis(
  args: readonly string[],
  { cwd = root, env = {}, input = '' }: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Run> {
  const options = {
    cwd,
    env: { ...cleanEnvironment, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: 'pipe',
  } as const;
  const child =
    args[0] === 'up'
      ? spawnGate(args, options)
      : spawn(process.execPath, [`${root}/bin/portcullis.mjs`, ...args], options);
  let [out, err] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  child.stdin?.on('error', () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** The same from within this process, for what needs no process of its own: a command as a function of its output. */
export async function printed(command: (output: Output) => number | Promise<number>): Promise<Run> {
  const run: Run = { code: null, out: '', err: '' };
  const output: Output = {
    out: (text) => {
      run.out += `${printable(text)}\n`;
    },
    err: (text) => {
      run.err += `${printable(text)}\n`;
    },
    terminal: false,
    width: 120,
  };
  try {
    run.code = await command(output);
  } catch (error) {
    if (!(error instanceof CliError || error instanceof ConfigError)) throw error;
    run.code = error instanceof CliError ? error.exitCode : EXIT.couldNotCheck;
    output.err(error.message);
  }
  return run;
}

let before: Promise<unknown> = Promise.resolve();

/** A whole command line within this process: its options, its exit code, its mistakes. One after the other, as `run` asks. */
export function typed(...args: string[]): Promise<Run> {
  const result = before.then(() => printed((output) => runCommand(args, output)));
  before = result.catch(() => undefined);
  return result;
}

/** What must not reach a terminal: every control character but the end of a line, and what turns text around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
export const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
