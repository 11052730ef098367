import type { Visit } from './visit.ts';

/**
 * One line in the log for whoever read about one change or took a list away: what, and who. The ledger is not written
 * to, since GET changes nothing; the log group keeps the lines, and its retention is a setting of the stage.
 */
export function recordReading(
  { session, event }: Pick<Visit, 'session' | 'event'>,
  what: string,
  about: Record<string, unknown>,
): void {
  const line = {
    level: 'INFO',
    message: what,
    // Without a session it was read on the machine that it runs on, or the visitor would have been sent to the login.
    person: session?.approver.id ?? null,
    method: event.requestContext.http.method,
    ...about,
  };
  console.error(JSON.stringify(line));
}
