import { CommanderError, InvalidArgumentError } from 'commander';
import { ConfigError } from '../shared/config-error.ts';
import { program, running } from './commands.ts';
import { CliError, EXIT, type Output } from './output.ts';

/**
 * Runs one command line (what stands behind `portcullis`) and says with which code it ends; nothing is thrown. One at a
 * time: the commands are the process's own.
 */
export async function run(args: readonly string[], output: Output): Promise<number> {
  Object.assign(running, { output, code: EXIT.fine });
  try {
    await program.parseAsync(args, { from: 'user' });
    return running.code;
  } catch (error) {
    if (error instanceof CommanderError || error instanceof InvalidArgumentError) {
      // Help and version end this way too, with exit code 0.
      return (error as CommanderError).exitCode === 0 ? EXIT.fine : EXIT.usage;
    }
    if (error instanceof CliError) {
      output.err(error.message);
      return error.exitCode;
    }
    const { unreachable } = await import('./unreachable.ts');
    output.err((error instanceof ConfigError ? error : unreachable(error)).message);
    return EXIT.couldNotCheck;
  }
}
