import { closeSync, openSync, readSync } from 'node:fs';

/** The lines of a text file one after the other, without reading it whole. */
export function* linesIn(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(1 << 16);
    let rest: Buffer[] = [];
    for (;;) {
      const size = readSync(file, chunk);
      if (size === 0) break;
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0 && end < size; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
        rest = [];
        start = end + 1;
      }
      rest.push(Buffer.from(chunk.subarray(start, size)));
    }
    const last = Buffer.concat(rest).toString('utf8');
    if (last !== '') yield last;
  } finally {
    closeSync(file);
  }
}
