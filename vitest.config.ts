import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** Files that start processes, package, or put something in a module's place: each has a process of its own. */
const APART = [
  'test/acceptance/*.test.ts',
  'test/cli/{local,offline,audit-verify}.test.ts',
  'test/console/census.test.ts',
  'test/infra/{package,bundles}.test.ts',
];

export default defineConfig({
  test: {
    // The machines this runs on have two cores; processes started by the acceptance tests need one of them.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: { name: 'apart', include: APART, testTimeout: 20_000, restoreMocks: true },
      },
      {
        // Loading the SDK takes longer than most of these files; they share it, and leave nothing else behind.
        test: {
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: APART,
          isolate: false,
          setupFiles: ['test/leave-nothing.ts'],
          testTimeout: 20_000,
          restoreMocks: true,
        },
      },
    ],
  },
});
