import type { Server } from 'node:https';
import type { Services } from '../shared/aws/services.ts';
import type { ServedTls } from './serving.ts';

/** Reads two small files; who has renewed them and waits for it sends SIGHUP. Of a file behind a link no change is told. */
const LOOK_EVERY_MS = 60_000;

/**
 * Has a server answer with the pair that is in its files: looked at each minute and on SIGHUP, while it listens. A pair
 * that is wrong is refused and told of once, and the one before stays. Connections that are open go on as they are.
 * `ends` is told when what is served ends.
 */
export function serveNewest(
  server: Server,
  first: ServedTls,
  { now, note }: Pick<Services, 'now' | 'note'>,
  ends: (at: string) => void,
): void {
  let served = first;
  let refused = '';
  const tell = (detail: string) =>
    note({ event: 'configuration', actor: 'portcullis', subject: 'certificate', detail });
  const look = (): void => {
    const found = served.again(now());
    if (Array.isArray(found)) {
      const why = found.join('; ');
      if (why === refused) return;
      refused = why;
      tell(`refused: ${why}`);
      console.error(
        `What is in the files of the certificate is not taken; what is served ends at ${served.endsAt}. ${why}`,
      );
      return;
    }
    refused = '';
    if (found.pair.cert === served.pair.cert && found.pair.key === served.pair.key) return;
    server.setSecureContext(found.pair);
    served = found;
    ends(served.endsAt);
    tell(`renewed: ends ${served.endsAt}`);
  };
  ends(served.endsAt);
  let timer: NodeJS.Timeout | undefined;
  server.on('listening', () => {
    timer = setInterval(look, LOOK_EVERY_MS).unref();
    process.on('SIGHUP', look);
  });
  server.on('close', () => {
    clearInterval(timer);
    process.off('SIGHUP', look);
  });
}
