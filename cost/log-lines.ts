import { lambda } from '../shared/lambda.ts';

/** Bytes of what a Lambda writes into its log. CloudWatch adds 26 to each line (PutLogEvents reference, maximum batch size). */
export type LogLines = { done: number; failed: number; metric: number; platform: number };

const PER_LINE = 26;
const ID = '8f507cfc-1c2f-4f0b-9a53-0242ac120002';
// What Lambda itself writes around every call (Lambda guide, "Working with Lambda function logs").
const PLATFORM = [
  `START RequestId: ${ID} Version: $LATEST\n`,
  `END RequestId: ${ID}\n`,
  `REPORT RequestId: ${ID}\tDuration: 1234.56 ms\tBilled Duration: 1235 ms\tMemory Size: 512 MB\tMax Memory Used: 123 MB\tInit Duration: 312.34 ms\t\n`,
];

const bytesOf = (lines: readonly string[]) => lines.reduce((sum, line) => sum + Buffer.byteLength(line) + PER_LINE, 0);

/** What is written to standard output and error meanwhile, line by line. */
async function written(work: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const streams = [process.stdout, process.stderr];
  const writes = streams.map(({ write }) => write);
  for (const stream of streams) {
    stream.write = ((chunk: unknown) => {
      lines.push(String(chunk));
      return true;
    }) as typeof stream.write;
  }
  try {
    await work().catch(() => undefined);
  } finally {
    for (const [index, stream] of streams.entries()) stream.write = writes[index] as typeof stream.write;
  }
  return lines;
}

/** Measured on the logger that all our Lambdas use, with the settings that are packaged with them. */
export async function measureLogLines(settingsFile: string): Promise<LogLines> {
  process.env.PORTCULLIS_SETTINGS = settingsFile;
  process.env.AWS_REGION ??= 'us-east-1';
  // Set in every Lambda that an X-Ray trace passes through.
  process.env._X_AMZN_TRACE_ID = `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`;
  const event = { change: { endpoint: { name: 'fraud-detection-prod' } }, generation: 12 };
  // The types of a Lambda's handler ask for its context and callback, which ours do not look at.
  const run = (work: Parameters<typeof lambda<never, typeof event, unknown>>[1]) =>
    (lambda({}, work) as unknown as (input: typeof event) => Promise<unknown>)(event);
  const done = await written(() => run(async () => 'done'));
  const failed = await written(() => run(() => Promise.reject(new Error('no'))));
  const measured = await written(() =>
    run(async (_event, { measure }) =>
      measure({ name: 'Changes', unit: 'Count', value: 1, dimensions: { Outcome: 'compliant' } }),
    ),
  );
  return {
    done: bytesOf(done),
    failed: bytesOf(failed),
    metric: bytesOf(measured) - bytesOf(done),
    platform: bytesOf(PLATFORM),
  };
}
