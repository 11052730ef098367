import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpOfAll } from '../cli/help.ts';
import { root } from './cli/portcullis.ts';

// What documents and workflows tell people to type, taken apart far enough to say whether there is such a command. Nothing
// of it is run.

/** A command as a list of words, quotes taken off; what a shell would put in is left as it stands. */
export type Command = { line: string; words: string[] };

/** The code blocks of a kind, such as `sh`. */
export const blocksOf = (markdown: string, kind: string): string[] =>
  [...markdown.matchAll(/^( *)```(\S*)\n([\s\S]*?)^\1```$/gm)].flatMap(([, , language, block = '']) =>
    language === kind ? [block] : [],
  );

/** Where a substitution that begins at `from` (after its `$(`) ends. */
function endOf(text: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; at < text.length && depth > 0; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
  }
  return at;
}

/** Splits what is typed at the ends of commands: lines, pipes, `;` and `&&`, outside quotes. Inner commands are found too. */
export function commandsIn(script: string): Command[] {
  const text = script.replace(/\\\n\s*/g, ' ');
  const found: Command[] = [];
  let [words, word, quote, started] = [[] as string[], '', '', 0];
  const endWord = () => {
    if (word !== '') words.push(word);
    word = '';
  };
  const endCommand = (at: number) => {
    endWord();
    if (words.length > 0) found.push({ line: text.slice(started, at).trim(), words });
    words = [];
    started = at + 1;
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (quote !== "'" && text.startsWith('$(', at)) {
      const end = endOf(text, at + 2);
      found.push(...commandsIn(text.slice(at + 2, end - 1)));
      word += '$substituted';
      at = end - 1;
    } else if (quote) {
      if (char === '\\' && quote === '"') {
        at += 1;
        word += text[at];
      } else if (char === quote) {
        if (word === '') words.push('');
        quote = '';
      } else word += char;
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '#' && word === '') {
      const end = text.indexOf('\n', at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (char === '\n' || char === '|' || char === ';' || text.startsWith('&&', at)) {
      endCommand(at);
      if (text.startsWith('&&', at)) at += 1;
    } else if (char === ' ' || char === '\t') endWord();
    else word += char;
  }
  endCommand(text.length);
  return found;
}

/** Words without redirections and their files. */
const withoutRedirection = (words: string[]) => {
  const at = words.findIndex((word) => /^\d?>/.test(word));
  return at < 0 ? words : words.slice(0, at);
};

const helps = new Map(helpOfAll(80).map(({ command, text }) => [command, text]));
/** Groups that do something when they are called without the name of a command in them. */
const STANDING_FOR: Record<string, string> = { incident: 'incident collect' };

/** The words that name a command, and the name under which its help is: `plan submit`, and for `incident` what it stands for. */
export function namedCommand(after: readonly string[]): { path: readonly string[]; name: string } {
  const path = after.slice(0, helps.has(`portcullis ${after.slice(0, 2).join(' ')}`) ? 2 : 1);
  return { path, name: STANDING_FOR[path.join(' ')] ?? path.join(' ') };
}

/** What is wrong with a `portcullis` command: no such command, no such option, too many or too few arguments. */
export function wrongWithOurs({ words }: Command): string[] {
  const after = withoutRedirection(words).slice(words.indexOf('portcullis') + 1);
  const { path, name } = namedCommand(after);
  const out = helps.get(`portcullis ${name}`) ?? '';
  const usage = new RegExp(`^Usage: portcullis ${name} \\[options\\](.*)$`, 'm').exec(out)?.[1];
  if (usage === undefined) return [`there is no command ${name}`];
  const options = new Map(
    [...out.matchAll(/^ {2}(--[a-z-]+)( <)?/gm)].map(([, option = '', value]) => [option, value]),
  );
  const wrong: string[] = [];
  let positional = 0;
  for (let index = path.length; index < after.length; index += 1) {
    const [word = '', given] = (after[index] ?? '').split('=');
    if (!word.startsWith('--')) positional += 1;
    else if (!options.has(word)) wrong.push(`${name} has no option ${word}`);
    else if (options.get(word) && given === undefined) {
      index += 1;
      if ((after[index] ?? '--').startsWith('--')) wrong.push(`${word} lacks a value`);
    }
  }
  const wanted = [...usage.matchAll(/<\w+>/g)].length;
  if (positional !== wanted) wrong.push(`${name} takes ${wanted} arguments and not ${positional}`);
  return wrong;
}

/** What is wrong with an `npm` command: no such script. */
export function wrongWithNpm({ words }: Command): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [, verb = '', script = ''] = words;
  if (verb === 'ci') return [];
  const name = verb === 'run' ? script : verb;
  return name in scripts ? [] : [`package.json has no script ${name}`];
}

/** Services as the AWS CLI calls them, where the package of the SDK is called otherwise. */
const PACKAGES: Record<string, string> = {
  events: 'eventbridge',
  logs: 'cloudwatch-logs',
  s3api: 's3',
  secretsmanager: 'secrets-manager',
  stepfunctions: 'sfn',
};
/** Commands that the AWS CLI has beyond the operations of the services, and those of their options that we use. */
const BEYOND: Record<string, string[]> = {
  'cloudformation deploy': ['template-file', 'stack-name', 'capabilities', 'parameter-overrides'],
  'cloudtrail validate-logs': ['trail-arn', 'start-time'],
  'logs tail': ['since', 'filter-pattern'],
  's3 ls': [],
  's3 sync': [],
};
const GLOBAL = ['region', 'output', 'query', 'profile', 'no-cli-pager'];
/** Operations whose answer goes into a file that is named last. */
const INTO_FILE = ['lambda invoke'];

const kebab = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();

/** Parameters of an operation as the SDK's documentation lists them, and which of them must be given. */
function parametersOf(service: string, operation: string): Map<string, boolean> | undefined {
  const commands = join(root, `node_modules/@aws-sdk/client-${PACKAGES[service] ?? service}/dist-types/commands`);
  if (!existsSync(commands)) return undefined;
  const wanted = `${operation.replaceAll('-', '')}command.d.ts`;
  const file = readdirSync(commands).find((name) => name.toLowerCase() === wanted);
  if (!file) return undefined;
  const text = readFileSync(join(commands, file), 'utf8');
  const example = /^ \* const input = \{([\s\S]*?)^ \* \};$/m.exec(text)?.[1] ?? '';
  // A required structure says so where it begins, a required value where it ends.
  return new Map(
    [...example.matchAll(/^ \* {3}(\w+): (.*)$/gm)].map(([, name = '', rest = '']) => [
      kebab(name),
      rest.includes('// required'),
    ]),
  );
}

/** What is wrong with an `aws` command: no such operation, no such parameter, a required one missing. */
export function wrongWithAws({ words }: Command): string[] {
  const [, service = '', operation = '', ...rest] = withoutRedirection(words);
  const name = `${service} ${operation}`;
  const beyond = BEYOND[name];
  const parameters = beyond ? new Map(beyond.map((option) => [option, false])) : parametersOf(service, operation);
  if (!parameters) return [`there is no ${name}`];
  const given = rest.flatMap((word) => /^--([a-z0-9-]+)(?:=|$)/.exec(word)?.[1] ?? []);
  const known = (option: string) => parameters.has(option) || parameters.has(option.replace(/^no-/, ''));
  const wrong = given
    .filter((option) => !GLOBAL.includes(option) && !known(option))
    .map((option) => `${name} has no --${option}`);
  for (const [parameter, required] of parameters) {
    if (required && !given.includes(parameter)) wrong.push(`${name} needs --${parameter}`);
  }
  if (!beyond && rest[0] && !rest[0].startsWith('--')) wrong.push(`${name} takes no ${rest[0]}`);
  const last = rest.at(-1) ?? '';
  if (INTO_FILE.includes(name) && !last.includes('/')) wrong.push(`${name} needs a file for the answer`);
  return wrong;
}

/** Programs that every machine has, or that the documents ask for. */
const PLAIN = [
  'cat',
  'cd',
  'chmod',
  'curl',
  'cut',
  'date',
  'diff',
  'echo',
  'find',
  'id',
  'install',
  'jq',
  'kill',
  'mkdir',
  'mv',
  'openssl',
  'printf',
  'rm',
  'sed',
  'sha256sum',
];

/** What of docker the documents use: of compose what needs no file, or the files that are there. */
function wrongWithDocker({ words }: Command): string[] {
  const [, first = '', ...rest] = words;
  if (first !== 'compose') return ['build', 'stop'].includes(first) ? [] : [`docker ${first} is not known to the test`];
  const files = rest.flatMap((word, index) => (rest[index - 1] === '-f' ? [word] : []));
  const missing = files.filter((file) => !existsSync(join(root, file))).map((file) => `there is no ${file}`);
  const verb = rest.filter((word, index) => !word.startsWith('-') && !['-f', '-p'].includes(rest[index - 1] ?? ''))[0];
  const alone = files.length === 0 && !rest.includes('-p') ? ['docker compose of what? -f or -p'] : [];
  return [
    ...missing,
    ...alone,
    ...(/^(up|down|ps|logs|stop|kill)$/.test(verb ?? '') ? [] : [`docker compose ${verb}?`]),
  ];
}

/** promtool of Prometheus, with files that are there; it reads them below deployment/prometheus. */
function wrongWithPromtool({ words }: Command): string[] {
  const [, verb = '', kind = '', ...files] = words;
  const known = ['check config', 'check rules', 'test rules'].includes(`${verb} ${kind}`);
  return [
    ...(known ? [] : [`promtool ${verb} ${kind} is not known to the test`]),
    ...files.filter((file) => !existsSync(join(root, file))).map((file) => `there is no ${file}`),
  ];
}

/** What is wrong with a command of any kind. */
export async function wrongWith(command: Command): Promise<string[]> {
  const [first = '', second = ''] = command.words;
  // `url=$(...)`: what is in it is a command of its own.
  if (/^\w+=/.test(first)) return [];
  // UID is set by the shell, which lets it be handed on and not be changed.
  if (first === 'export')
    return command.words.slice(1).every((word) => /^[A-Z_]+=/.test(word) || word === 'UID') ? [] : ['exports what?'];
  if (first === 'docker') return wrongWithDocker(command);
  if (first === 'promtool') return wrongWithPromtool(command);
  // Of Debian's packages one is named.
  if (first === 'apt-get' || first === 'sudo')
    return /^(sudo )?apt-get install (--yes )?prometheus$/.test(command.words.join(' ')) ? [] : ['apt-get what?'];
  if (first.startsWith('deployment/')) return existsSync(join(root, first)) ? [] : [`there is no ${first}`];
  if (first === 'prometheus')
    return existsSync(join(root, /^--config\.file=(\S+)/.exec(second)?.[1] ?? '')) ? [] : ['prometheus reads what?'];
  if (first === 'git') return ['checkout', 'fetch'].includes(second) ? [] : [`git ${second} is not known to the test`];
  if (first === 'npm') return wrongWithNpm(command);
  if (first === 'npx' && second === 'portcullis') return wrongWithOurs(command);
  if (first === 'npx' && second === 'osls') return command.words[2] === 'remove' ? [] : ['osls is for removing'];
  if (first === 'aws') return wrongWithAws(command);
  if (first === 'node') return existsSync(join(root, second)) ? [] : [`there is no ${second}`];
  return PLAIN.includes(first) ? [] : [`${first} is not known to the test`];
}
