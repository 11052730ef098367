import { EXIT, table } from './output.ts';
import { unreachable } from './unreachable.ts';

/** What a check found. What could not be checked is neither fine nor wrong. */
export type Found = { result: 'ok' | 'warning' | 'problem' | 'could not check'; detail: string };
export type Check = { check: string } & Found;

export const ok = (detail: string): Found => ({ result: 'ok', detail });
export const warning = (detail: string): Found => ({ result: 'warning', detail });
export const problem = (detail: string): Found => ({ result: 'problem', detail });
export const unchecked = (detail: string): Found => ({ result: 'could not check', detail });

/** A check that asks AWS; `needs` is what whoever is refused must be allowed. */
export async function attempt(check: string, needs: string, look: () => Promise<Found>): Promise<Check> {
  try {
    return { check, ...(await look()) };
  } catch (error) {
    const { message } = (error as Error).name === 'CliError' ? (error as Error) : unreachable(error);
    return {
      check,
      ...unchecked(/denied|authori[sz]ed|forbidden/i.test(message) ? `${message} (allow ${needs})` : message),
    };
  }
}

/** Checks as rows, for people. */
export function checksTable(checks: readonly Check[]): string {
  return table(
    ['CHECK', 'RESULT', 'DETAIL'],
    checks.map(({ check, result, detail }) => [check, result, detail]),
  );
}

/** 1 where something is wrong; else 2 where something could not be checked; else 0. */
export function exitCodeOf(checks: readonly Check[]): number {
  if (checks.some(({ result }) => result === 'problem')) return EXIT.violations;
  return checks.some(({ result }) => result === 'could not check') ? EXIT.couldNotCheck : EXIT.fine;
}
