import { gunzipSync } from 'node:zlib';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { gatedCalls } from '../model/aws-event.ts';
import type { With } from './services.ts';

/** Where the calls of a period are read from: the event history of CloudTrail, or the bucket that a trail delivers to. */
export type TrailSource = { bucket?: string | undefined; prefix?: string | undefined };
export type Place = { account: string; region: string };
type Span = { from: string; to: string };

/** What CloudTrail records of one call, as it stands in its log files and in `CloudTrailEvent`. */
export type CallRecord = Record<string, unknown>;

/** There is nothing that could be compared with: why, and what to do about it. */
export class NoTrailError extends Error {
  override readonly name = 'NoTrailError';
}

// LookupEvents: the last 90 days of management events, 50 on a page, two requests a second for an account and region
// (CloudTrail user guide, "Viewing event history"; API reference, LookupEvents).
const HISTORY_DAYS = 90;
const PAGE = 50;
const PAUSE_MS = 550;
/** Others may be asking too; the SDK waits longer from try to try. */
const ATTEMPTS = 8;
const DAY_MS = 86_400_000;

/** The calls of one region of the gate's own account, by name, since a lookup takes one attribute only. */
async function* lookedUp(
  cloudtrail: CloudTrailClient,
  { from, to }: Span,
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<CallRecord> {
  for (const name of gatedCalls) {
    let token: string | undefined;
    do {
      const { Events = [], NextToken } = await cloudtrail.send(
        new LookupEventsCommand({
          LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: name }],
          StartTime: new Date(from),
          EndTime: new Date(to),
          MaxResults: PAGE,
          NextToken: token,
        }),
      );
      for (const { CloudTrailEvent = 'null' } of Events) yield JSON.parse(CloudTrailEvent) as CallRecord;
      token = NextToken;
      await pause(PAUSE_MS);
    } while (token !== undefined);
  }
}

/** The days from the first moment to a day after the last: files are named for when they were delivered. */
function daysOf({ from, to }: Span): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from.slice(0, 10)); at <= Date.parse(to) + DAY_MS; at += DAY_MS) {
    days.push(new Date(at).toISOString().slice(0, 10).replaceAll('-', '/'));
  }
  return days;
}

/**
 * The calls of one account and region from the log files of a trail:
 * `AWSLogs/<account>/CloudTrail/<region>/<yyyy>/<mm>/<dd>/....json.gz` (CloudTrail user guide, "log file names"; with an
 * organization its id stands before the account). Throws NoTrailError where there is no file at all.
 */
async function* delivered(
  { s3 }: With<'s3'>,
  { bucket, prefix = 'AWSLogs/' }: TrailSource,
  { account, region }: Place,
  span: Span,
): AsyncGenerator<CallRecord> {
  const folder = `${prefix.replace(/\/?$/, '/')}${account}/CloudTrail/${region}/`;
  let files = 0;
  for (const day of daysOf(span)) {
    const pages = paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: `${folder}${day}/` });
    for await (const { Contents = [] } of pages)
      for (const { Key = '' } of Contents) {
        if (!Key.endsWith('.json.gz')) continue;
        files += 1;
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
        if (!Body) throw new Error(`${Key} gave no bytes.`);
        const { Records = [] } = JSON.parse(gunzipSync(await Body.transformToByteArray()).toString('utf8'));
        yield* Records as CallRecord[];
      }
  }
  if (files === 0)
    throw new NoTrailError(`There is no log file of CloudTrail under s3://${bucket}/${folder} for this time.`);
}

/** Every call of one account and region in a time, in no particular order, some perhaps twice. */
export async function* readCalls(
  services: With<'s3'>,
  source: TrailSource,
  place: Place,
  span: Span,
  { own, pause }: { own: Place; pause: (ms: number) => Promise<void> },
): AsyncGenerator<CallRecord> {
  if (source.bucket !== undefined) {
    yield* delivered(services, source, place, span);
    return;
  }
  if (place.account !== own.account)
    throw new NoTrailError(
      `Events of account ${place.account} can be looked up in that account only. Name the bucket of a trail that has them (--trail-bucket), such as that of an organization.`,
    );
  if (Date.parse(span.from) < Date.parse(services.now()) - HISTORY_DAYS * DAY_MS)
    throw new NoTrailError(
      `The event history of CloudTrail goes back ${HISTORY_DAYS} days, and ${span.from} is before that (the day before --from is read too). Name the bucket of a trail (--trail-bucket).`,
    );
  yield* lookedUp(new CloudTrailClient({ region: place.region, maxAttempts: ATTEMPTS }), span, pause);
}

/** Why calls could not be read, in words that say what to do. */
export function whyNotRead(error: unknown, { bucket }: TrailSource): string {
  const { name, message } = error as Error;
  const where = bucket === undefined ? 'the event history of CloudTrail' : `the bucket ${bucket}`;
  if (error instanceof NoTrailError) return message;
  if (/^AccessDenied|^UnauthorizedOperation$|^NotAuthorized|^AccessForbidden/.test(name))
    return bucket === undefined
      ? `these credentials may not read ${where}. Give them cloudtrail:LookupEvents, or name the bucket of a trail (--trail-bucket).`
      : `these credentials may not read ${where}. Give them s3:ListBucket and s3:GetObject of it, and kms:Decrypt of its key.`;
  if (name === 'NoSuchBucket') return `there is no bucket ${bucket}. Name the one that the trail delivers to.`;
  if (/Throttl|TooManyRequests|SlowDown/.test(name))
    return `${where} refused to answer so often. Somebody else asks too: try again in a few minutes.`;
  return `${where} could not be read: ${name}: ${message}`;
}
