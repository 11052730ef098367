import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { helpOfAll } from '../cli/help.ts';
import { between } from '../scripts/between.ts';
import { generated } from '../scripts/generate.ts';
import { root } from './cli/portcullis.ts';
import { namedCommand } from './documented-commands.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Files of ours below a folder; nothing that npm, git or a runtime put there. */
function filesIn(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|\.git|\.portcullis|coverage)$/.test(entry.name) ? [] : filesIn(path);
    return entry.isFile() ? [path] : [];
  });
}

const withoutCode = (markdown: string) => markdown.replace(/^(```+|~~~+)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');

describe('what is generated from code', () => {
  const files = generated();
  test('is these files', () => {
    expect(files.map(({ path }) => path)).toEqual([
      'docs/portcullis.schema.json',
      'docs/deployment-plan.schema.json',
      'docs/bundle-manifest.schema.json',
      'docs/ledger-record.schema.json',
      'docs/settings.md',
      'docs/commands.md',
      'deployment/monitoring.md',
      'docs/local-runtime.md',
      'docs/security-events.md',
      'docs/audit.md',
      'README.md',
    ]);
  });
  test.each(files)('$path is up to date (npm run generate)', ({ path, text }) => {
    expect(text.length).toBeGreaterThan(500);
    expect(read(path)).toBe(text);
  });
  test('a document without its markers is refused, not left as it is', () => {
    expect(between('a <!-- x -->old<!-- /x --> b', 'x', 'new')).toBe('a <!-- x -->\nnew\n<!-- /x --> b');
    expect(() => between('a', 'x', 'new')).toThrow('<!-- x -->');
  });
});

describe('links', () => {
  // Copied as they are from where they hold; their links lead to files there.
  const copies = ['docs/policies/deployment-policy.md', 'docs/policies/security-policy.md'];
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...filesIn('docs').filter((path) => path.endsWith('.md') && !copies.includes(path)),
  ];
  /** As GitHub makes an anchor of a heading. */
  const anchors = (path: string) =>
    [...withoutCode(read(path).replaceAll('`', '')).matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  const links = documents.flatMap((from) =>
    [...withoutCode(read(from)).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: +(\S+)/gm)].map(
      ([, inline, reference]) => ({
        from,
        to: inline ?? reference ?? '',
      }),
    ),
  );
  const own = links.filter(({ to }) => !/^[a-z][a-z+.-]*:/i.test(to));

  test('were found, in the README and elsewhere', () => {
    expect(documents.length).toBeGreaterThan(15);
    expect(own.length).toBeGreaterThan(20);
    expect(own.some(({ from }) => from === 'README.md')).toBe(true);
  });

  test('within the repository lead somewhere', () => {
    const target = ({ from, to }: { from: string; to: string }) => {
      const [path = '', anchor] = to.split('#');
      return { file: path === '' ? from : join(dirname(from), decodeURIComponent(path)), anchor };
    };
    const dead = own.filter((link) => {
      const { file, anchor } = target(link);
      if (file.startsWith('..') || !existsSync(join(root, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !anchors(file).includes(anchor);
    });
    expect(dead).toEqual([]);
  });
});

describe('commands in the README', () => {
  /** Commands of the `sh` and `bash` blocks, one a line; what a shell adds is taken off. */
  const commands = [...read('README.md').matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .replace(/\\\n/g, ' ')
      .split('\n')
      .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
      .filter(Boolean),
  );
  const ours = commands.filter((command) => /^(npx )?portcullis\b/.test(command));

  test('were found', () => {
    expect(commands.length).toBeGreaterThan(10);
    expect(ours.length).toBeGreaterThan(5);
    expect(commands).toContain('npm start');
  });

  const help = new Map(helpOfAll(80).map(({ command, text }) => [command, text]));
  test.each(ours)('%s is a command with these options and arguments', (command) => {
    const words = [...(command.split(/\s[>|]/)[0] ?? '').matchAll(/"[^"]*"|'[^']*'|\S+/g)].map(([word]) => word);
    const after = words.slice(words.indexOf('portcullis') + 1);
    const { path, name } = namedCommand(after);
    const out = help.get(`portcullis ${name}`) ?? '';
    const usage = new RegExp(`^Usage: portcullis ${name} \\[options\\](.*)$`, 'm').exec(out)?.[1] ?? 'none';
    const options = new Map(
      [...out.matchAll(/^ {2}(--[a-z-]+)( <)?/gm)].map(([, name = '', value]) => [name, value !== undefined]),
    );
    const positional: string[] = [];
    for (let index = path.length; index < after.length; index += 1) {
      const [word = '', given] = (after[index] ?? '').split('=');
      if (!word.startsWith('--')) {
        positional.push(word);
        continue;
      }
      expect([...options.keys()]).toContain(word);
      if (options.get(word) && given === undefined) {
        index += 1;
        expect(after[index] ?? '--', `the value of ${word}`).not.toMatch(/^--/);
      }
    }
    expect(positional).toHaveLength([...usage.matchAll(/<\w+>/g)].length);
    // The id of a plan has slashes, too.
    for (const file of positional.filter((word) => word.includes('/') && !/^\d{12}\//.test(word)))
      expect(existsSync(join(root, file)), file).toBe(true);
  });

  test('of npm are scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const built = ['ci', 'install', 'audit'];
    const called = commands.flatMap((command) => {
      const [, run, name = ''] = /^npm (run )?([\w:-]+)/.exec(command) ?? [];
      return name === '' || (!run && built.includes(name)) ? [] : [name];
    });
    expect(called).toEqual(expect.arrayContaining(['start', 'test']));
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('name files that there are', () => {
    const named = [...read('README.md').matchAll(/\b(?:examples|docs|shared|functions|deployment)\/[\w./-]*\w/g)].map(
      ([path]) => path,
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('what must not be in the repository', () => {
  const texts = filesIn('.')
    .filter((path) => !/\.(png|jpg|gz|zip|sqlite|log)$/.test(path) && statSync(join(root, path)).size < 3_000_000)
    .map((path) => ({ path: relative('.', path), text: read(path) }));
  const holding = (pattern: RegExp, among = texts) =>
    among.flatMap(({ path, text }) => {
      const found = pattern.exec(text)?.[0];
      return found === undefined ? [] : [`${path}: ${found}`];
    });

  test('was looked for', () => {
    expect(texts.length).toBeGreaterThan(200);
    for (const path of [
      'README.md',
      'package-lock.json',
      'bin/portcullis.mjs',
      'cli/main.ts',
      'docs/architecture.md',
    ]) {
      expect(texts.map((file) => file.path)).toContain(path);
    }
    expect(holding(/"lockfile[V]ersion"/)).toEqual([expect.stringMatching(/^package-lock\.json: /)]);
  });

  test('paths of the machine it was written on', () => {
    const folders = ['work', 'root', 'home'];
    const path = new RegExp(`(?<![\\w.:/*~-])/(${folders.join('|')})/`);
    for (const folder of folders) {
      expect(path.test(`see /${folder}/x`)).toBe(true);
      expect(path.test(`https://example.com/${folder}/x or ./${folder}/x`)).toBe(false);
    }
    expect(holding(path)).toEqual([]);
  });

  test('addresses of a registry in the lock file', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string; link?: boolean }>;
    };
    expect(Object.keys(lock.packages).length).toBeGreaterThan(100);
    expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    expect(
      holding(
        /https?:\/\/[^"/]*registry/,
        texts.filter(({ path }) => path === 'package-lock.json'),
      ),
    ).toEqual([]);
  });

  test('things left to do in the product', () => {
    const product = texts.filter(({ path }) =>
      /^(bin|cli|functions|infra|local|scripts|shared|statemachines|web)\//.test(path),
    );
    expect(product.length).toBeGreaterThan(100);
    expect(holding(/\b(TODO|FIXME|XXX|HACK)\b/, product)).toEqual([]);
  });
});
