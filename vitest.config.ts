import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The machines this runs on have two cores; processes started by the acceptance tests need one of them.
    maxWorkers: 2,
    testTimeout: 20_000,
    restoreMocks: true,
  },
});
