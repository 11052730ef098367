import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runningIn } from '../../local/running-in.ts';
import { linesIn } from '../../shared/lines-in.ts';
import { exportDirectory, exportedLine } from '../export-directory.ts';
import type { Output } from '../output.ts';
import { PROJECT } from '../security-audit.ts';
import type { Collecting } from './collect.ts';
import { storedRecords } from './stored-ledger.ts';

/** The ledger with what proves it: from the running gate, or from its store where it is down. */
export async function collectLedger(collecting: Collecting): Promise<void> {
  const { data, env, checkpoints, ledgerTable, awsPort, redactor, spool, missing, tell, stage, region } = collecting;
  const pid = runningIn(data);
  const silent: Output = { out: () => undefined, err: () => undefined, terminal: false, width: 120 };
  const exported = mkdtempSync(join(tmpdir(), 'portcullis-export-'));
  let held = 0;
  const put = (name: string, what: string, lines: Iterable<string>) => {
    const file = spool.open(`ledger/${name}`, what);
    for (const line of lines) {
      // A record cannot be redacted: its hash would no longer fit. So it stays away as a whole, and that is said.
      if (redactor.knows(line)) held += 1;
      else file.write(`${line}\n`);
    }
    file.close();
  };
  try {
    let source = checkpoints;
    // What is recorded so far is signed now, so that as much as possible can be proven.
    if (stage === undefined && pid !== undefined)
      await fetch(`http://127.0.0.1:${awsPort}/_loopback/checkpoints`, { method: 'POST' }).catch(() => undefined);
    const where = stage === undefined ? { local: true, awsPort } : { stage, ...(region && { region }) };
    const live =
      (stage !== undefined || pid !== undefined) &&
      (await exportDirectory(exported, where, silent).then(
        () => true,
        (error: Error) => {
          if (stage !== undefined) throw error;
          missing.push(
            `ledger: process ${pid} runs and does not answer (${error.message}); its store was copied as it was`,
          );
          return false;
        },
      ));
    if (live) {
      tell(`Ledger: exported from ${stage === undefined ? `process ${pid}` : `the tables of ${stage}`}.`);
      source = exported;
      put('trail.jsonl', 'Every record of the ledger, one a line', linesIn(join(exported, 'trail.jsonl')));
    } else {
      tell('Ledger: read from the store; the gate is down.');
      const trail = spool.open('ledger/trail.jsonl', 'Every record of the ledger, one a line');
      for await (const record of storedRecords(data, ledgerTable, env)) {
        const line = exportedLine(record);
        if (redactor.knows(line)) held += 1;
        else trail.write(`${line}\n`);
      }
      trail.close();
    }
    for (const [name, what] of [
      ['checkpoints.jsonl', 'Signed checkpoints, from the first'],
      ['public-key.pem', 'The public key that checkpoints are signed with'],
    ] as const)
      if (existsSync(join(source, name))) put(name, what, linesIn(join(source, name)));
      else missing.push(`ledger: there is no ${join(source, name)}`);
    spool.put(
      'ledger/verify.mjs',
      'Proves the trail; needs Node and nothing else',
      readFileSync(join(PROJECT, 'verifier/verify.mjs'), 'utf8'),
    );
    if (held > 0) missing.push(`ledger: ${held} lines hold a secret of this environment and were left out`);
  } catch (error) {
    missing.push(`ledger: ${(error as Error).message}`);
  } finally {
    rmSync(exported, { recursive: true, force: true });
  }
}
