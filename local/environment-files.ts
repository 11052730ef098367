import { existsSync } from 'node:fs';
import { readSecretFile } from '../shared/aws/secret-file.ts';

type Named = { by: string; path: string };

/** Files that Node read the environment from: `--env-file=.env`, `--env-file .env`, `--env-file-if-exists=.env`. */
function givenToNode(execArgv: readonly string[]): Named[] {
  return execArgv.flatMap((option, index) => {
    const [, by = '', path = execArgv[index + 1]] = /^(--env-file(?:-if-exists)?)(?:=(.*))?$/s.exec(option) ?? [];
    return by === '' || path === undefined || (by.endsWith('-if-exists') && !existsSync(path)) ? [] : [{ by, path }];
  });
}

/** What is wrong with the files that the environment came from: others could read what is in them, or put something in. */
export function problemsWithEnvironmentFiles(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): string[] {
  const told = env.PORTCULLIS_ENV_FILE ? [{ by: 'PORTCULLIS_ENV_FILE', path: env.PORTCULLIS_ENV_FILE }] : [];
  return [...told, ...givenToNode(execArgv)].flatMap(({ by, path }) => {
    try {
      readSecretFile(path);
      return [];
    } catch (error) {
      return [`environment: ${by}: ${(error as Error).message}`];
    }
  });
}
