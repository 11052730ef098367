import type { BuildOptions } from 'esbuild';
// @ts-expect-error plain JavaScript, since the packaging tool loads it too
import plugins from '../../infra/esbuild-plugins.mjs';

/** How serverless.yml has functions bundled. */
export const BUNDLING: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  mainFields: ['module', 'main'],
  plugins,
  logLevel: 'error',
  legalComments: 'none',
};
