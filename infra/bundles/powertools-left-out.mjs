import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withoutUncalled } from './methods-left-out.mjs';

/** The one file of ours that has a Logger and a Metrics. */
const OURS = readFileSync(fileURLToPath(new URL('../../shared/lambda.ts', import.meta.url)), 'utf8');
const withoutComments = (source) => source.replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '');

/** Powertools' Logger and Metrics without what only decorators, middlewares, buffers and child loggers call. */
export const powertoolsLeftOut = {
  name: 'powertools-left-out',
  setup(build) {
    const read = (path) => withoutComments(readFileSync(path, 'utf8'));
    const pruned = (path) => withoutUncalled(read(path), OURS);
    const edit = (filter, contents) => build.onLoad({ filter }, ({ path }) => ({ contents: contents(path) }));
    edit(/@aws-lambda-powertools[\\/](logger|metrics)[\\/]lib[\\/]esm[\\/](Logger|Metrics)\.js$/, pruned);
    edit(/@aws-lambda-powertools[\\/]logger[\\/]lib[\\/]esm[\\/]\w+Store\.js$/, (path) =>
      withoutUncalled(read(path), pruned(join(dirname(path), 'Logger.js'))),
    );
    edit(/@aws-lambda-powertools[\\/]metrics[\\/]lib[\\/]esm[\\/]\w+Store\.js$/, (path) =>
      withoutUncalled(read(path), pruned(join(dirname(path), 'Metrics.js'))),
    );
  },
};
