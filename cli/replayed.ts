import type { SettingsByDigest } from '../shared/aws/decided-under.ts';
import { readWholeStream } from '../shared/aws/ledger.ts';
import type { Services } from '../shared/aws/services.ts';
import { refOfStream, streamOf } from '../shared/model/endpoint-ref.ts';
import type { LedgerRecord } from '../shared/model/ledger-record.ts';
import {
  completed,
  type DecisionBody,
  type DecisionRecord,
  decideAgain,
  isDecision,
  NotReplayableError,
  type ReplaySources,
} from '../shared/policies/replay.ts';
import type { PolicySettings } from '../shared/policies/settings.ts';

/** A stream with that of its plans: what decisions are made again from. */
export type Replayable = Pick<ReplaySources, 'records' | 'plans'>;

async function recordsOf(services: Services, stream: string): Promise<LedgerRecord[]> {
  const records: LedgerRecord[] = [];
  for await (const { record } of readWholeStream(services, stream)) records.push(record);
  return records;
}

export async function readReplayable(services: Services, stream: string): Promise<Replayable> {
  const ref = refOfStream(stream);
  const plans = ref && !ref.planned && !ref.about ? streamOf({ ...ref, planned: true }) : undefined;
  return { records: await recordsOf(services, stream), plans: plans ? await recordsOf(services, plans) : [] };
}

export const decisionsIn = ({ records }: Replayable): DecisionRecord[] => records.filter(isDecision);

/** The settings that a decision was made under, from its digests. Throws NotReplayableError where they were not kept. */
export async function settingsOf(
  record: DecisionRecord,
  { records }: Replayable,
  kept: SettingsByDigest,
): Promise<PolicySettings> {
  const { body } = record;
  // Older records of what had settled do not say; it was verified under the settings of its change, as far as is known.
  const decided = body.policyDigest
    ? undefined
    : decisionsIn({ records, plans: [] }).find((each) => each.body.generation === body.generation)?.body;
  const [policyDigest, priceDigest] = [
    body.policyDigest ?? decided?.policyDigest ?? '',
    body.priceDigest ?? decided?.priceDigest ?? '',
  ];
  const settings = await kept.both(policyDigest, priceDigest);
  if (settings) return settings;
  const what = (await kept.limits(policyDigest)) ? `prices ${priceDigest}` : `limits ${policyDigest}`;
  throw new NotReplayableError(`The ${what.slice(0, 30)}... that it was made under were not kept.`);
}

const completedSettings = new WeakMap<PolicySettings, PolicySettings>();

/** Makes a decision again under other settings, or under its own. Throws NotReplayableError. */
export function again(record: DecisionRecord, stream: Replayable, settings: PolicySettings): DecisionBody {
  const complete = completedSettings.get(settings) ?? { ...completed(settings), prices: settings.prices };
  completedSettings.set(settings, complete);
  try {
    return decideAgain(record, { ...stream, settings: complete });
  } catch (error) {
    if (error instanceof NotReplayableError) throw error;
    throw new NotReplayableError(`This version cannot make it again: ${(error as Error).message}`);
  }
}
