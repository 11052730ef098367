import { readFileSync } from 'node:fs';
import { type Broken, listStreams, standingOf, verifyStream } from '../shared/aws/audit.ts';
import { listCopiedStreams, readCopies, tryListingCopies } from '../shared/aws/sealed-copies.ts';
import { sha256 } from '../shared/model/canonical-json.ts';
import { type Chain, type ChainProblem, publicKeysIn, verifyChain } from '../shared/model/checkpoint.ts';
import { compareTrail, type Standing } from '../shared/model/trail-comparison.ts';
import { streamFor } from './audit.ts';
import { CliError, EXIT, json, type Output, visible } from './output.ts';
import { tried, type WitnessOptions, witnessesFor } from './witnesses.ts';

type Options = WitnessOptions & {
  json?: boolean;
  endpoint?: string;
  chainOnly?: boolean;
  readCopies?: boolean;
  witnessed?: string;
};

/** The lines of a chain as they are, and whether one of them is the checkpoint that somebody was given earlier. */
async function* watched(
  lines: AsyncIterable<string> | Iterable<string>,
  wanted: string | undefined,
  seen: () => void,
): AsyncGenerator<string> {
  for await (const line of lines) {
    if (wanted !== undefined && sha256(line) === wanted) seen();
    yield line;
  }
}

function witnessIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return sha256(readFileSync(path, 'utf8').trim());
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, EXIT.usage);
  }
}

/** `audit verify`: holds the table against its own chains, its checkpoints and its sealed copies, and names what differs. */
export async function auditVerify(options: Options, output: Output): Promise<number> {
  const witnesses = await witnessesFor(options);
  const { services } = witnesses;
  const only = options.endpoint === undefined ? undefined : await streamFor(services, options.endpoint);
  const notCompared: string[] = [];

  let chain: Chain | undefined;
  const checkpointProblems: ChainProblem[] = [];
  const wanted = witnessIn(options.witnessed);
  if (!options.chainOnly) {
    let found = wanted === undefined;
    const read = await tried(async () => {
      const keys = publicKeysIn(await witnesses.readKey());
      if (keys.size === 0) throw new CliError('there is no public key in what should hold it');
      return verifyChain(
        watched(witnesses.lines(), wanted, () => {
          found = true;
        }),
        keys,
      );
    });
    if ('reason' in read) notCompared.push(`checkpoints: ${read.reason}`);
    else {
      chain = read.value;
      checkpointProblems.push(...chain.problems);
      if (!found)
        checkpointProblems.push({
          checkpoint: chain.end.number,
          problem: 'ends a chain that does not hold the checkpoint you were given earlier',
        });
    }
  }
  let copied: string[] | undefined;
  if (!options.chainOnly && witnesses.sealed) {
    const read = await tried(async () => {
      await tryListingCopies(services);
      return only === undefined ? listCopiedStreams(services) : [only];
    });
    if ('reason' in read) notCompared.push(`sealed copies: ${read.reason}`);
    else copied = read.value;
  }

  const listed = only === undefined ? await listStreams(services) : [only];
  const streams = [
    ...new Set([...listed, ...(copied ?? []), ...(only === undefined ? (chain?.signed.keys() ?? []) : [])]),
  ].sort();
  const broken: Broken[] = [];
  const heads: { stream: string; head: string }[] = [];
  let [records, tooNew, brokenStreams] = [0, 0, 0];
  for (const stream of streams) {
    const signed = chain === undefined ? undefined : (chain.signed.get(stream) ?? new Map());
    // The table last: what is written meanwhile is too new then, and not missing.
    const copies = copied === undefined ? undefined : await readCopies(services, stream, options.readCopies === true);
    const standing: Standing[] = [];
    const verified = await verifyStream(services, stream, (item) => standing.push(standingOf(item)));
    const compared = compareTrail(standing, { signed, copies, now: services.now() });
    // They name the record itself; the chain can only name the first that does not follow.
    const problems: Broken[] = compared.differences.map((difference) => ({ stream, ...difference }));
    if (problems.length === 0 && verified.broken) problems.push(verified.broken);
    records += standing.length;
    tooNew += compared.tooNew;
    if (problems.length > 0) brokenStreams += 1;
    broken.push(...problems);
    heads.push({ stream, head: verified.head });
  }

  const wrong = broken.length + checkpointProblems.length;
  const checkpoints = chain && {
    newest: chain.end.number,
    at: chain.end.at ?? null,
    total: chain.end.total,
    hash: chain.end.hash,
    problems: checkpointProblems,
  };
  if (options.json)
    output.out(
      json({
        streams: streams.length,
        records,
        tooNew,
        broken,
        checkpoints: checkpoints ?? null,
        copies: copied !== undefined,
        notCompared,
        heads,
      }),
    );
  else {
    for (const { stream, sequence, problem } of broken)
      output.out(`BROKEN  ${visible(stream)}  record ${sequence} ${visible(problem)}.`);
    for (const { checkpoint, problem } of checkpointProblems)
      output.out(`BROKEN  checkpoint ${checkpoint} ${visible(problem)}.`);
    if (broken.length > 0) output.out(`${brokenStreams} of ${streams.length} streams are broken.`);
    if (wrong === 0 && records > 0) for (const line of told()) output.out(line);
  }
  for (const what of notCompared) output.err(`NOT COMPARED: ${visible(what)}`);
  if (records === 0 && wrong === 0) {
    output.err('There was nothing to verify.');
    return EXIT.couldNotCheck;
  }
  if (wrong > 0) return EXIT.violations;
  return notCompared.length > 0 ? EXIT.couldNotCheck : EXIT.fine;

  function told(): string[] {
    const counted = `${records} records in ${streams.length} streams`;
    if (options.chainOnly)
      return [
        `${counted}: every chain continues. What was cut off at an end, or written anew as a whole, shows only in checkpoints and sealed copies.`,
      ];
    if (notCompared.length > 0)
      return [`${counted}: every chain continues, and nothing differs from what could be compared.`];
    const held = [
      chain && chain.end.number > 0 ? `checkpoint ${chain.end.number}` : 'the checkpoints, of which there is none yet',
      ...(copied === undefined ? [] : ['the sealed copies']),
    ];
    return [
      `${counted}: every chain is whole, and nothing differs from ${held.join(' and ')}.`,
      ...(tooNew > 0 ? [`${tooNew} records of the last five minutes are too new to be in all of them.`] : []),
      ...(witnesses.sealed ? [] : ['On this machine there are no sealed copies to compare with.']),
    ];
  }
}
