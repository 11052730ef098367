import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** Files that start processes, package, or put something in a module's place: each has a process of its own. */
const APART = [
  'test/acceptance/*.test.ts',
  'test/cli/{local,offline,audit-verify}.test.ts',
  'test/console/census.test.ts',
  'test/infra/{package,bundles}.test.ts',
];

// Compiled code is kept from one worker to the next, and for the commands that tests start.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/vitest', import.meta.url));

/** Node runs the sources as they are, here as elsewhere; having Vite translate them took a seventh of the time. */
const AS_THEY_ARE = { experimental: { viteModuleRunner: false } };

export default defineConfig({
  test: {
    // One more than the two cores that this runs on: the acceptance tests wait for the processes that they start.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...AS_THEY_ARE,
          name: 'apart',
          include: APART,
          testTimeout: 20_000,
          hookTimeout: 30_000,
          restoreMocks: true,
        },
      },
      {
        // Loading the SDK takes longer than most of these files; they share it, and leave nothing else behind.
        test: {
          ...AS_THEY_ARE,
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: APART,
          isolate: false,
          setupFiles: ['test/leave-nothing.ts'],
          hookTimeout: 30_000,
          testTimeout: 20_000,
          restoreMocks: true,
        },
      },
    ],
  },
});
