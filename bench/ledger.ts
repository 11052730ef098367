// `npm run bench:ledger`: how fast an auditor proves a long trail, and what a chain for each endpoint is worth to writers.
// Exit code 1 where a goal is missed. `--records n` for a shorter trail.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { append, readStream } from '../shared/aws/ledger.ts';
import { startRuntime } from './driver.ts';
import { insertedAlone } from './global-chain.ts';
import { median, ratioOf } from './ratio.ts';
import { checkpointer, type Made, newSigner, writtenRecords } from './trail.ts';

const { values } = parseArgs({ options: { records: { type: 'string', default: '1000000' } } });
const RECORDS = Number(values.records);
/** The mean of the records that the example fleet leaves behind. */
const RECORD_BYTES = 1_650;
const STREAMS_AT_ONCE = 10;
const RECORDS_AT_ONCE = 10_000;
const ROUNDS = 3;
const GOALS = { verifySeconds: 60, maxRssMb: 300, ofHashing: 0.5, ofOneChain: 5 };

/** An export as `portcullis audit export` makes it, with a checkpoint for every hundred records, signed as on AWS. */
function makeExport(directory: string): number {
  const signer = newSigner('p256');
  const sign = checkpointer(signer);
  const [trail, checkpoints] = ['trail.jsonl', 'checkpoints.jsonl'].map((name) => openSync(join(directory, name), 'w'));
  if (trail === undefined || checkpoints === undefined) throw new Error('no files');
  for (let done = 0; done < RECORDS; done += RECORDS_AT_ONCE) {
    const byStream = new Map<string, Made[]>();
    let batch: Made[] = [];
    const count = Math.min(RECORDS_AT_ONCE, RECORDS - done);
    const from = { firstStream: (done / RECORDS_AT_ONCE) * STREAMS_AT_ONCE, firstRecord: done };
    let last = '';
    for (const made of writtenRecords(count, STREAMS_AT_ONCE, RECORD_BYTES, from)) {
      const list = byStream.get(made.stream) ?? [];
      byStream.set(made.stream, list);
      list.push(made);
      batch.push(made);
      last = made.at;
      if (batch.length < 100) continue;
      writeSync(checkpoints, `${sign(batch, last)}\n`);
      batch = [];
    }
    if (batch.length > 0) writeSync(checkpoints, `${sign(batch, last)}\n`);
    for (const list of byStream.values()) writeSync(trail, list.map(({ line }) => `${line}\n`).join(''));
  }
  closeSync(trail);
  closeSync(checkpoints);
  writeFileSync(join(directory, 'public-key.pem'), signer.pem);
  return ['trail.jsonl', 'checkpoints.jsonl'].reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

type Read = { ms: number; cpuMs: number; maxRssMb: number; records: number; found: number };
const reader = fileURLToPath(new URL('./ledger-reader.ts', import.meta.url));
const read = (what: 'hash' | 'verify', directory: string): Read =>
  JSON.parse(execFileSync(process.execPath, [reader, what, directory], { encoding: 'utf8' })) as Read;

function benchVerify(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-ledger-'));
  try {
    const bytes = makeExport(directory);
    const rounds = Array.from({ length: ROUNDS }, () => ({
      hash: read('hash', directory),
      verify: read('verify', directory),
    }));
    const seconds = median(rounds.map(({ verify }) => verify.ms)) / 1_000;
    const maxRssMb = Math.max(...rounds.map(({ verify }) => verify.maxRssMb));
    // Processor time: what else the machine does meanwhile is neither side's.
    const cpu = (side: 'hash' | 'verify') => rounds.map((round) => round[side].cpuMs);
    const ratio = ratioOf(cpu('hash'), cpu('verify')).median;
    const wall = ratioOf(
      rounds.map(({ hash }) => hash.ms),
      rounds.map(({ verify }) => verify.ms),
    ).median;
    const proven = rounds.every(({ verify }) => verify.found === 0 && verify.records === RECORDS);
    console.log(`Verifying ${RECORDS} records (${(bytes / 1e9).toFixed(2)} GB with their checkpoints) offline:`);
    console.log(
      `    ${seconds.toFixed(1)} s (at most ${GOALS.verifySeconds}), ${maxRssMb.toFixed(0)} MB (at most ${GOALS.maxRssMb})`,
    );
    console.log(
      `    ${ratio.toFixed(2)}x the speed of hashing the same bytes (at least ${GOALS.ofHashing}; processor time; ${wall.toFixed(2)}x by the clock)`,
    );
    return proven && seconds <= GOALS.verifySeconds && maxRssMb <= GOALS.maxRssMb && ratio >= GOALS.ofHashing;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const WRITERS = 32;
const ENDPOINTS = 256;
const SECONDS = 5;

/** Appends in a second of so many writers, each doing one after the other until the time is over. */
async function appendsPerSecond(write: (writer: number, turn: number) => Promise<void>): Promise<number> {
  const end = performance.now() + SECONDS * 1_000;
  const counts = await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      let turn = 0;
      for (; performance.now() < end; turn += 1) await write(writer, turn);
      return turn;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / SECONDS;
}

async function benchAppend(): Promise<boolean> {
  const runtime = await startRuntime('approvals: { approvers: [] }\n');
  try {
    process.env.AWS_ENDPOINT_URL = runtime.awsUrl;
    process.env.AWS_ACCESS_KEY_ID = 'bench';
    process.env.AWS_SECRET_ACCESS_KEY = 'bench';
    const { createServices } = await import('../shared/aws/all-services.ts');
    const { loadConfig } = await import('../shared/config-yaml.ts');
    const services = createServices(
      loadConfig({ ...process.env, PORTCULLIS_CONFIG: join(runtime.dataDir, 'portcullis.yaml') }),
    );
    const body = (text: string) => ({ kind: 'commented', generation: 1, person: 'asha', text }) as const;
    const actor = { kind: 'gate', person: 'gate', names: [], arn: null, via: 'gate' } as never;
    const rounds: { many: number; one: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const streams = await Promise.all(
        Array.from({ length: ENDPOINTS }, (_, index) =>
          readStream(services, { account: '000000000000', region: 'us-east-1', name: `e${round}-${index}` }),
        ),
      );
      const many = await appendsPerSecond(async (writer, turn) => {
        const index = writer + WRITERS * (turn % (ENDPOINTS / WRITERS));
        const stream = streams[index];
        if (!stream) throw new Error('no stream');
        const id = `comment#${writer}#${turn}`;
        streams[index] = await append(services, stream, () => ({ id, body: body(id) as never, actor }));
      });
      const alone = insertedAlone(services, `endpoint#000000000000#us-east-1#all-${round}`);
      rounds.push({ many, one: await appendsPerSecond(alone) });
    }
    const many = median(rounds.map((each) => each.many));
    const one = median(rounds.map((each) => each.one));
    const ratio = median(rounds.map((each) => each.many / each.one));
    console.log(`${WRITERS} writers:`);
    console.log(
      `    ${many.toFixed(0)} appends/s over ${ENDPOINTS} endpoints, ${one.toFixed(0)} into one global chain: ${ratio.toFixed(1)}x (at least ${GOALS.ofOneChain})`,
    );
    return ratio >= GOALS.ofOneChain;
  } finally {
    await runtime.stop();
  }
}

const met = [await benchAppend(), benchVerify()];
console.log(met.every(Boolean) ? 'met' : 'MISSED');
process.exit(met.every(Boolean) ? 0 : 1);
