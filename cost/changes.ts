import { type LedgerItem, readStream, readWholeStream } from '../shared/aws/ledger.ts';
import { streamOf } from '../shared/model/endpoint-ref.ts';
import { type Approver, approverAt, LINK } from './approver.ts';
import type { Invocation } from './invocation.ts';
import type { Kind } from './mix.ts';
import type { Mail, Runtime } from './runtime.ts';
import { deploy, INSTANCES, makeConfig, makeEndpoint, makeModels, untilInService } from './typical-endpoint.ts';
import { until } from './until.ts';

const ACCOUNT = '000000000000';
const refOf = (name: string) => ({ account: ACCOUNT, region: 'us-east-1', name });

/** The number of the newest change, how it ended, and what was found that may have kept it from ending otherwise. */
async function endOf(
  { services }: Runtime,
  endpoint: string,
): Promise<{ generation: number; result?: string; why: string }> {
  const { generation, changes } = (await readStream(services, refOf(endpoint))).history;
  // Those that joined it end with it.
  const { outcome, findings, verified } = changes.findLast(({ opened }) => opened) ?? {};
  const found = [...(findings?.findings ?? []), ...(verified?.findings ?? [])]
    .filter(({ outcome }) => outcome === 'violation' || outcome === 'needs-approval')
    .map(({ policy, messages }) => `${policy}: ${messages.join(' ')}`);
  const why = [outcome?.reason ?? 'It has not ended.', ...found].join('\n  ');
  return { generation, ...(outcome && { result: outcome.result }), why };
}

/** Waits until the deployment is over, the change too, and whoever had to approve has. */
async function settle(
  runtime: Runtime,
  endpoint: string,
  approve: Approver | undefined,
  known: readonly Mail[],
): Promise<void> {
  if (approve) {
    const mail = await until('No approver was asked', async () => {
      const unknown = (await runtime.mails()).filter(({ text }) => !known.some((each) => each.text === text));
      // Of those who are asked, somebody whose answer is enough.
      return unknown.find(
        ({ to, text }) => text.includes(endpoint) && LINK.test(text) && to[0]?.startsWith('approver-one@'),
      );
    });
    // People take longer than a deployment.
    await untilInService(runtime.awsUrl, endpoint);
    await runtime.delivered();
    await approve(mail, endpoint);
  }
  await untilInService(runtime.awsUrl, endpoint);
  await runtime.idle();
}

/** Settles, or says how the newest change of the endpoint stands. */
async function settled(...[runtime, endpoint, ...rest]: Parameters<typeof settle>) {
  try {
    await settle(runtime, endpoint, ...rest);
  } catch (error) {
    const { generation, result = 'open', why } = await endOf(runtime, endpoint);
    throw new Error(`${endpoint}: ${(error as Error).message} Its change ${generation} is ${result}: ${why}`);
  }
  return endOf(runtime, endpoint);
}

async function itemsOf(runtime: Runtime, endpoint: string): Promise<LedgerItem[]> {
  const items: LedgerItem[] = [];
  for await (const item of readWholeStream(runtime.services, streamOf(refOf(endpoint)))) items.push(item);
  return items;
}

/** Before one of these somebody or something else was waited for: CloudTrail, people, the deployment. */
const AFTER_A_WAIT = ['event-joined', 'approval-given', 'monitoring-verified'];

/** Records that are written within the seconds for which checkpoints are collected: what is done between two waits. */
function batches(items: readonly LedgerItem[]): LedgerItem[][] {
  const found: LedgerItem[][] = [];
  for (const item of items) {
    const { kind } = (JSON.parse(item.text) as { body: { kind: string } }).body;
    const last = found.at(-1);
    if (last && !AFTER_A_WAIT.includes(kind)) last.push(item);
    else found.push([item]);
  }
  return found;
}

/** Between two checkpoints, so that nobody looks back further than on AWS. */
const APART_MS = 300_000;

/**
 * What the two readers of the ledger's stream do with new records: one call for each to archive it, since they are written
 * seconds apart, and one for each batch to sign it.
 */
async function readStreamOf(runtime: Runtime, endpoint: string, from: number, clock: { at: number }): Promise<void> {
  const recordOf = ({ pk, sk, text, hash }: LedgerItem) => {
    const NewImage = { pk: { S: pk }, sk: { S: sk }, record: { S: text }, hash: { S: hash } };
    const dynamodb = { SequenceNumber: '1', NewImage, ApproximateCreationDateTime: clock.at / 1_000 };
    return { eventID: 'x', eventName: 'INSERT', dynamodb };
  };
  const items = (await itemsOf(runtime, endpoint)).slice(from);
  for (const item of items) await runtime.call('archive-records', { Records: [recordOf(item)] });
  for (const batch of batches(items)) {
    clock.at += APART_MS;
    await runtime.call('sign-checkpoints', { Records: batch.map(recordOf) }, clock.at);
  }
}

/** Makes so many changes of a kind, one after the other, and counts each from its first event to its archived records. */
export async function countChanges(
  runtime: Runtime,
  kind: Kind,
  runs: number,
  clock: { at: number },
): Promise<Invocation[][]> {
  const { awsUrl } = runtime;
  const endpoint = kind.name.replaceAll(' ', '-');
  const approver = () => (kind.result === 'approved' ? approverAt(runtime) : undefined);
  const models = await makeEndpoint(awsUrl, endpoint, kind.environment);
  const { result, why } = await settled(runtime, endpoint, approver(), []);
  if (result === 'blocked' || result === 'undetermined') throw new Error(`${endpoint} began as ${result}: ${why}`);
  const counted: Invocation[][] = [];
  // Logs in for the first of them: several approvals a day are one login each for those who share them.
  const approve = approver();
  for (let run = 1; run <= runs; run += 1) {
    const recordsBefore = (await itemsOf(runtime, endpoint)).length;
    const known = await runtime.mails();
    const { generation: before } = (await readStream(runtime.services, refOf(endpoint))).history;
    runtime.take();
    const version = `${endpoint}-${run}`;
    const deployed = kind.change === 'again' ? models : await makeModels(awsUrl, version);
    const type = kind.change === 'other-type' ? 'ml.m5.2xlarge' : 'ml.m5.large';
    await makeConfig(awsUrl, version, deployed, type, INSTANCES[kind.environment]);
    await deploy(awsUrl, endpoint, version);
    const { generation, result, why } = await settled(runtime, endpoint, approve, known);
    if (result !== kind.result || generation !== before + 1) {
      throw new Error(`${endpoint} ended as ${result} after ${generation - before} changes: ${why}`);
    }
    await readStreamOf(runtime, endpoint, recordsBefore, clock);
    counted.push(runtime.take());
  }
  return counted;
}
