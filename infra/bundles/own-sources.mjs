import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
let read;

/** The text of every source that can go into a Lambda. Read once: all functions are packaged by one process. */
export function ownSources() {
  read ??= ['functions', 'shared', 'console', 'web'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  return read;
}

let words;
/** Every word in them. What is not among them, no source of ours names. */
export function ownWords() {
  words ??= new Set(ownSources().flatMap((text) => text.match(/\w+/g)));
  return words;
}
