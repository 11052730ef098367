import { afterAll, vi } from 'vitest';

// Files that share a process: what one does to the environment, the clock or the globals ends with it.
const before = { ...process.env };
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
