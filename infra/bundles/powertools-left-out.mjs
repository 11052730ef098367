import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withoutUncalled } from './methods-left-out.mjs';

/** The one file of ours that has a Logger and a Metrics. */
const OURS = readFileSync(fileURLToPath(new URL('../../shared/lambda.ts', import.meta.url)), 'utf8');
const withoutComments = (source) => source.replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '');

/** Log lines are written at once: our logger is not asked to keep any back. */
const withoutBuffer = (source) =>
  source
    .replace(/ {8}if \(this\.#bufferConfig\.enabled &&[\s\S]*?(?= {8}if \(logLevel >= this\.#invocationStore)/, '')
    .replace(' this.#setLogBuffering(logBufferOptions);', '')
    .replace(/ {4}#setLogBuffering\(options\) \{[\s\S]*?\n {4}\}\n/, '');

/** Times are in UTC, which is what a Lambda's clock has. */
const inUtc = (source) =>
  source
    .replace(/( {4}formatTimestamp\(now\) \{\n)[\s\S]*?( {8}return now\.toISOString\(\);)/, '$1$2')
    .replace(/ {4}#(resolveTimezone|getDateFormatter) = [\s\S]*?\n {4}\};\n/g, '')
    .replace('    #timezoneWarningEmitted = false;\n', '');

/** Powertools' Logger and Metrics without what only decorators, middlewares, buffers and child loggers call. */
export const powertoolsLeftOut = {
  name: 'powertools-left-out',
  setup(build) {
    const read = (path) => withoutComments(readFileSync(path, 'utf8'));
    const pruned = (path) => withoutUncalled(withoutBuffer(read(path)), OURS);
    const edit = (filter, contents) => build.onLoad({ filter }, ({ path }) => ({ contents: contents(path) }));
    edit(/@aws-lambda-powertools[\\/](logger|metrics)[\\/]lib[\\/]esm[\\/](Logger|Metrics)\.js$/, pruned);
    edit(/@aws-lambda-powertools[\\/]logger[\\/]lib[\\/]esm[\\/]formatter[\\/]LogFormatter\.js$/, (path) =>
      withoutUncalled(inUtc(read(path)), '.formatError( .formatTimestamp( .getCodeLocation('),
    );
    edit(/@aws-lambda-powertools[\\/]logger[\\/]lib[\\/]esm[\\/]logBuffer\.js$/, () => 'export class CircularMap {}');
    edit(/@aws-lambda-powertools[\\/]logger[\\/]lib[\\/]esm[\\/]\w+Store\.js$/, (path) =>
      withoutUncalled(read(path), pruned(join(dirname(path), 'Logger.js'))),
    );
    edit(/@aws-lambda-powertools[\\/]metrics[\\/]lib[\\/]esm[\\/]\w+Store\.js$/, (path) =>
      withoutUncalled(read(path), pruned(join(dirname(path), 'Metrics.js'))),
    );
  },
};
