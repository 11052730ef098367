import type { Command } from 'commander';
import { program } from './commands.ts';

export type CommandHelp = { command: string; text: string };

/** What a command says with --help, in lines of at most `columns`. */
function textOf(command: Command, columns: number): string {
  let text = '';
  command
    .configureOutput({
      writeOut: (written) => {
        text += written;
      },
      getOutHelpWidth: () => columns,
      getOutHasColors: () => false,
    })
    .outputHelp();
  return text;
}

/** Help of every command and of those below it, in the order in which help lists them. */
export function helpOfAll(columns: number, command: Command = program, above: readonly string[] = []): CommandHelp[] {
  const path = [...above, command.name()];
  return [
    { command: path.join(' '), text: textOf(command, columns) },
    ...command.commands.flatMap((each) => helpOfAll(columns, each, path)),
  ];
}
