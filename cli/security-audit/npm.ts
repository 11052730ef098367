import { spawn } from 'node:child_process';

export type NpmRun = { code: number | null; out: string; err: string };

/** What npm needs of the environment, and nothing else: no secret of the gate goes to a program from elsewhere. */
const PASSED = /^(PATH|HOME|USER|LOGNAME|LANG|TMPDIR|npm_config_\w+|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|CI)$/i;

const QUIET = ['--no-fund', '--no-update-notifier', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'];

/** Runs npm in a directory. Its exit code alone says little: `npm audit` ends with 1 for "vulnerable" and for "refused". */
export function runNpm(
  args: readonly string[],
  { cwd, env, tell }: { cwd: string; env: Readonly<Record<string, string | undefined>>; tell?: (text: string) => void },
): Promise<NpmRun> {
  const passed = Object.fromEntries(Object.entries(env).filter(([name]) => PASSED.test(name)));
  return new Promise((resolve) => {
    const child = spawn('npm', [...args, ...QUIET], { cwd, env: passed, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      tell?.(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err += chunk;
      tell?.(chunk);
    });
    child.once('error', (error) => resolve({ code: null, out: '', err: `npm cannot be started: ${error.message}` }));
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** What npm printed as JSON, or undefined. */
export function jsonOf(run: NpmRun): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(run.out);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Why npm did not do it, in one line. */
export function reasonOf(run: NpmRun): string {
  const told = jsonOf(run);
  const error = told?.error as { summary?: string; code?: string } | undefined;
  const lines = run.err.split('\n').filter((line) => /^npm (error|ERR!)|cannot be started/.test(line));
  const said = [told?.message, error?.summary, ...lines].find((text) => typeof text === 'string' && text !== '');
  return String(said ?? `npm ended with ${run.code}`).replace(/^npm (error|ERR!)\s*/, '');
}
