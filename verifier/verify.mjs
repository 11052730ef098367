#!/usr/bin/env node
// Verifies an exported audit trail, or an evidence bundle that was unpacked. It needs Node 20 or newer, these files, and
// nothing and nobody else:
//
//   trail.jsonl        one record a line:      {"pk":STREAM,"sk":"NUMBER#HASH OF THE RECORD BEFORE","hash":HASH,"record":RECORD}
//   checkpoints.jsonl  one checkpoint a line:  {"checkpoint":CHECKPOINT,"signature":BASE64}
//   public-key.pem     the public key(s) of whoever signs checkpoints
//
// In a bundle there may be two more. They are signed by nobody, so what rests on them is said and not proven:
//   ranges.jsonl       where it is a part of the trail, which:  {"stream":STREAM,"first":NUMBER,"last":NUMBER}
//   manifest.json      every other file and its SHA-256
// Where persons were replaced by pseudonyms, a line has "pseudonymised" in place of "record", and the original's hash.
//
//   node verify.mjs [DIRECTORY] [--key FILE] [--witness FILE]
//
// What it rests on: every record of a stream holds the SHA-256 of the record before. A checkpoint holds the SHA-256 of the
// records that were written since the last checkpoint, and of the line of that checkpoint, and is signed. So who changes,
// removes, adds or moves a record must forge a signature, or cut off the end of the checkpoints. Against the latter:
//   --key FILE      the public key as you received it before, instead of the one that lies beside the trail
//   --witness FILE  a checkpoint that you were given earlier (`portcullis audit checkpoint`): it must still be in the chain
//
// Exit code 0: whole. 1: something is wrong, and every line says which record. 2: could not be verified.
// Memory: at most about 65 bytes for each of SLICE records, however long the trail is. What is longer is read several times.
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const SLICE = 1_000_000;
const ZEROS = '0'.repeat(64);
/** A record that is older than this must be in a checkpoint. */
const FIVE_MINUTES = 300_000;

const sha256 = crypto.hash
  ? (bytes) => crypto.hash('sha256', bytes)
  : (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** The lines of a file as bytes, one after the other, without reading it whole. */
export function* linesOf(path) {
  const file = fs.openSync(path, 'r');
  try {
    let chunk = Buffer.allocUnsafe(1 << 20);
    let filled = 0;
    for (;;) {
      const size = fs.readSync(file, chunk, filled, chunk.length - filled);
      if (size === 0) break;
      filled += size;
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0 && end < filled; end = chunk.indexOf(10, start)) {
        yield chunk.subarray(start, end);
        start = end + 1;
      }
      // The beginning of a line goes to the front; a line longer than everything read so far needs more room.
      if (start > 0) chunk.copyWithin(0, start, filled);
      else if (filled === chunk.length) chunk = Buffer.concat([chunk], 2 * chunk.length);
      filled -= start;
    }
    if (filled > 0) yield chunk.subarray(0, filled);
  } finally {
    fs.closeSync(file);
  }
}

/** Public keys by the SHA-256 of their DER form, which is how a checkpoint names its key. */
export function keysIn(pem) {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  return new Map(
    blocks.map((block) => {
      const key = crypto.createPublicKey(block);
      return [sha256(key.export({ type: 'spki', format: 'der' })), key];
    }),
  );
}

/** What is signed for one stream, 64 hex digits for each place, and which places were seen in the trail. */
class Places {
  hashes = Buffer.alloc(0);
  seen = Buffer.alloc(0);
  /** The last place that is signed, and the last that is in the trail. */
  signed = 0;
  last = 0;
  /** The hash of the last record that was read. */
  previous = ZEROS;

  #reach(place) {
    if (place <= this.seen.length) return;
    const size = Math.max(place, 2 * this.seen.length, 16);
    this.hashes = Buffer.concat([this.hashes], 64 * size);
    this.seen = Buffer.concat([this.seen], size);
  }
  sign(place, hash) {
    this.#reach(place);
    this.hashes.latin1Write(hash, 64 * (place - 1));
    this.signed = Math.max(this.signed, place);
  }
  /** The signed hash of a place, or undefined. */
  at(place) {
    if (place > this.signed || this.hashes[64 * (place - 1)] === 0) return undefined;
    return this.hashes.latin1Slice(64 * (place - 1), 64 * place);
  }
  /** Notes that a line was about this place, and says whether the genuine one was there before. */
  see(place, genuine) {
    this.#reach(place);
    const before = this.seen[place - 1] === GENUINE;
    if (!before) this.seen[place - 1] = genuine ? GENUINE : WRONG;
    return before;
  }
  /** What comes next must continue this. */
  goOn(place, hash) {
    this.last = place;
    this.previous = hash;
  }
}
const [MISSING, WRONG, GENUINE] = [0, 1, 2];
/** In place of a hash: the record before the first of a part, which nobody signed yet either. */
const NOT_HERE = '';

const CHECKPOINT = /^\{"checkpoint":(\{.*\}),"signature":"([A-Za-z0-9+/]+=*)"\}$/;

/** Walks the chain of checkpoints, hands what is signed to `sign(stream, first place, hashes)`, and returns where the chain ends. */
function readCheckpoints({ checkpoints, keys, witness, found }, sign) {
  let [number, hash, total, at, witnessed] = [0, ZEROS, 0, '', false];
  for (const line of checkpoints()) {
    const text = line.toString('utf8');
    const [, body = 'null', signature = ''] = CHECKPOINT.exec(text) ?? [];
    const expected = number + 1;
    const wrong = (problem) => found({ checkpoint: expected, problem });
    let checkpoint;
    try {
      checkpoint = JSON.parse(body);
    } catch {
      checkpoint = null;
    }
    const key = keys.get(checkpoint?.keyId);
    const algorithm = key?.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    const genuine = key && crypto.verify(algorithm, Buffer.from(body, 'utf8'), key, Buffer.from(signature, 'base64'));
    if (!checkpoint) wrong('is no checkpoint');
    else if (!key) wrong(`is signed with a key that is not here: ${JSON.stringify(checkpoint.keyId)}`);
    else if (!genuine) wrong('was changed: its signature does not fit');
    if (!genuine) {
      [number, hash] = [expected, sha256(line)];
      continue;
    }
    if (checkpoint.number < expected) {
      wrong(`is missing or out of place: checkpoint ${checkpoint.number} stands there`);
      continue;
    }
    if (checkpoint.number > expected) wrong(`is missing: checkpoint ${checkpoint.number} stands there`);
    else if (checkpoint.previous !== hash) wrong('does not continue the checkpoint before it');
    const count = checkpoint.streams.reduce((sum, { hashes }) => sum + hashes.length, 0);
    if (checkpoint.number === expected && checkpoint.total !== total + count)
      wrong(`counts ${checkpoint.total} records where ${total + count} were signed`);
    for (const { stream, first, hashes } of checkpoint.streams) {
      // Room is made for every place up to this one, so one that is far beyond everything that was signed gets none.
      if (first + hashes.length - 1 > checkpoint.total + SLICE)
        found({ stream, sequence: first, problem: 'has a number that cannot be' });
      else sign(stream, first, hashes);
    }
    [number, hash, total, at] = [checkpoint.number, sha256(line), checkpoint.total, checkpoint.at];
    if (witness !== undefined && text === witness.trim()) witnessed = true;
  }
  if (witness !== undefined && !witnessed)
    found({ checkpoint: number, problem: 'ends a chain that does not hold the checkpoint you were given earlier' });
  return { number, hash, total, at };
}

const HEAD = /^\{"pk":"([^"\\]*)","sk":"(\d{9})#([0-9a-f]{64})","hash":"([0-9a-f]{64})","(record|pseudonymised)":/;
const TAIL = /"previous":"([0-9a-f]{64})","schema":1,"sequence":(\d+)\}$/;

/** How long that is, without the stream. */
const HEAD_LENGTH = '{"pk":"","sk":"","hash":"","record":'.length + 9 + 1 + 64 + 64;

/** Is this line, to the byte, the next record of the stream and the one that was signed? Nearly every line is. */
function isNextSigned(line, stream, places) {
  const place = places.last + 1;
  const start = stream.length + HEAD_LENGTH;
  if (line.length <= start) return false;
  const hash = sha256(line.subarray(start, line.length - 1));
  if (places.at(place) !== hash) return false;
  const head = `{"pk":"${stream}","sk":"${String(place).padStart(9, '0')}#${places.previous}","hash":"${hash}","record":`;
  if (line.latin1Slice(0, start) !== head || line[line.length - 1] !== 125) return false;
  places.see(place, true);
  places.goOn(place, hash);
  return true;
}

/** What is wrong with any other line, if anything. What nobody signed yet is added to `unsigned`. */
function problemOf(line, head, places, unsigned) {
  const [whole, stream, number, previousInKey, hashBeside, kind] = head;
  const sequence = Number(number);
  const record = line.subarray(whole.length, line.length - 1);
  // What was pseudonymised is other bytes than were signed. That the original was is all that its hash can show.
  const hash = kind === 'record' ? sha256(record) : hashBeside;
  const [, previous, own] = TAIL.exec(record.toString('latin1', Math.max(0, record.length - 128))) ?? [];
  const signed = places.at(sequence);
  const { last, previous: before } = places;
  const twice = places.see(sequence, signed === undefined || signed === hash);
  // A line that only claims to be about a place far from here must not make those between look out of order.
  if (sequence === last + 1 || (sequence > last && signed === hash)) places.goOn(sequence, hash);
  if (signed !== undefined && signed !== hash) return 'is not the record that was signed: it was changed or replaced';
  if (line[line.length - 1] !== 125 || Number(own) !== sequence || previous !== previousInKey)
    return 'does not fit its key';
  if (hash !== hashBeside) return 'does not fit the hash beside it';
  if (twice) return 'stands there twice';
  if (sequence <= last) return 'is out of order';
  if (signed !== undefined) return undefined;
  if (sequence !== last + 1 || (before !== NOT_HERE && previous !== before))
    return 'does not continue the record before it';
  unsigned.push({
    stream,
    sequence,
    at: Date.parse(/"at":"([^"]+)","body":/.exec(record.toString('utf8'))?.[1] ?? ''),
  });
  return undefined;
}

/**
 * Verifies a trail, or the part of it that `ranges` names ({ stream, first, last } each). `trail` and `checkpoints` give
 * their lines as bytes, from the start each time they are called; `found` is told { stream, sequence, problem } or
 * { checkpoint, problem }; `progress` the number of lines read.
 */
export function verify({ trail, checkpoints, keys, witness, ranges, found, progress = () => undefined, slices = 1 }) {
  let [records, unsignedYet, newest, pseudonymised] = [0, 0, 0, 0];
  const part = ranges && new Map(ranges.map((range) => [range.stream, range]));
  let chain;
  for (let slice = 0; slice < slices; slice += 1) {
    // A slice is some of the streams, so that what must be remembered of them does not grow with the trail.
    const mine = (stream) => slices === 1 || parseInt(sha256(stream).slice(0, 8), 16) % slices === slice;
    const streams = new Map();
    const placesOf = (stream) => {
      if (!streams.has(stream)) streams.set(stream, new Places());
      return streams.get(stream);
    };
    const told = slice === 0 ? found : () => undefined;
    chain = readCheckpoints({ checkpoints, keys, witness, found: told }, (stream, first, hashes) => {
      if (!mine(stream)) return;
      const places = placesOf(stream);
      for (let index = 0; index < hashes.length; index += 1) {
        const before = places.at(first + index);
        if (before !== undefined && before !== hashes[index])
          found({ stream, sequence: first + index, problem: 'was signed twice, with two hashes' });
        else places.sign(first + index, hashes[index]);
      }
    });
    for (const { stream, first } of part?.values() ?? []) {
      if (!mine(stream)) continue;
      const places = placesOf(stream);
      if (first > 1) places.goOn(first - 1, places.at(first - 1) ?? NOT_HERE);
    }
    const unsigned = [];
    let number = 0;
    let [last, lastPlaces] = ['', new Places()];
    for (const line of trail()) {
      number += 1;
      if (number % 100_000 === 0) progress(number);
      if (isNextSigned(line, last, lastPlaces)) {
        records += 1;
        continue;
      }
      const head = HEAD.exec(line.toString('latin1', 0, 512));
      if (!head) told({ line: number, problem: 'is no record' });
      if (!head || !mine(head[1])) continue;
      records += 1;
      if (head[5] === 'pseudonymised') pseudonymised += 1;
      const [, stream, digits] = head;
      const sequence = Number(digits);
      [last, lastPlaces] = [stream, placesOf(stream)];
      if (sequence < 1 || sequence > chain.total + number) {
        found({ stream, sequence, problem: 'has a number that cannot be' });
        continue;
      }
      const problem = problemOf(line, head, lastPlaces, unsigned);
      if (problem) found({ stream, sequence, problem });
    }
    for (const [stream, places] of streams) {
      const end = Math.max(places.signed, places.last);
      const { first, last } = part ? (part.get(stream) ?? { first: 1, last: 0 }) : { first: 1, last: end };
      for (let place = first; place <= last; place += 1)
        if ((places.seen[place - 1] ?? MISSING) === MISSING) found({ stream, sequence: place, problem: 'is missing' });
    }
    // As late as the export reaches, whoever made it: everything five minutes before that must be signed.
    for (const { at } of unsigned) if (at > newest) newest = at;
    newest = Math.max(newest, Date.parse(chain.at) || 0);
    for (const { stream, sequence, at } of unsigned)
      if (!(at > newest - FIVE_MINUTES))
        found({ stream, sequence, problem: 'is in no checkpoint, although it is older than five minutes' });
    unsignedYet += unsigned.filter(({ at }) => at > newest - FIVE_MINUTES).length;
  }
  return { records, unsigned: unsignedYet, pseudonymised, checkpoints: chain };
}

/** Holds the files of a bundle against its manifest, and those that are named for their digest against their names. */
function verifyFiles(directory, manifest, found) {
  for (const { path, sha256: expected, bytes } of manifest.files) {
    const wrong = (problem) => found({ file: path, problem });
    const place = join(directory, path);
    if (path.split('/').includes('..') || !fs.existsSync(place)) {
      wrong('is missing');
      continue;
    }
    const hash = crypto.createHash('sha256');
    const [file, chunk] = [fs.openSync(place, 'r'), Buffer.allocUnsafe(1 << 20)];
    for (let size = fs.readSync(file, chunk); size > 0; size = fs.readSync(file, chunk))
      hash.update(chunk.subarray(0, size));
    fs.closeSync(file);
    const digest = hash.digest('hex');
    if (digest !== expected || fs.statSync(place).size !== bytes) wrong('is not the file that the manifest lists');
    const [, named = digest] = /^(?:settings|prices)\/([0-9a-f]{64})\.json$/.exec(path) ?? [];
    if (named !== digest) wrong('does not have the digest that it is named for');
  }
}

/** A number of a range that no trail has would make room for as many records. */
const isRange = ({ stream, first, last }, most) =>
  typeof stream === 'string' && Number.isInteger(first) && first >= 1 && Number.isInteger(last) && last <= most;

/** Text from the files must not steer a terminal. */
const plain = (text) =>
  String(text).replace(/[^\x20-\x7e]/g, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);

function main(args) {
  const option = (name) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : undefined);
  const [keyFile, witnessFile] = [option('--key'), option('--witness')];
  const directory = args[0] ?? '.';
  let count = 0;
  // A signed hash takes 67 bytes there, so there are no more of them than this.
  const signed = fs.statSync(join(directory, 'checkpoints.jsonl')).size / 67;
  const read = (name) => {
    const path = join(directory, name);
    return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
  };
  const ranges = read('ranges.jsonl')?.split('\n').filter(Boolean).map(JSON.parse);
  const most = signed + fs.statSync(join(directory, 'trail.jsonl')).size / 200;
  if (ranges && !ranges.every((range) => isRange(range, most))) throw new Error('ranges.jsonl has what is no range');
  const manifest = read('manifest.json');
  const keys = keysIn(fs.readFileSync(keyFile ?? join(directory, 'public-key.pem'), 'utf8'));
  const tell = ({ stream, sequence, checkpoint, line, file, problem }) => {
    count += 1;
    const what =
      stream !== undefined
        ? `${stream}  record ${sequence}`
        : file
          ? `file ${file}`
          : line
            ? `line ${line} of the trail`
            : `checkpoint ${checkpoint}`;
    if (count <= 10_000) console.log(plain(`BROKEN  ${what} ${problem}.`));
  };
  if (manifest) verifyFiles(directory, JSON.parse(manifest), tell);
  const { records, unsigned, pseudonymised, checkpoints } = verify({
    trail: () => linesOf(join(directory, 'trail.jsonl')),
    checkpoints: () => linesOf(join(directory, 'checkpoints.jsonl')),
    keys,
    witness: witnessFile && fs.readFileSync(witnessFile, 'utf8'),
    ranges,
    found: tell,
    slices: Math.ceil(signed / SLICE) || 1,
    progress: (lines) => process.stderr.write(`\r${lines} lines`),
  });
  process.stderr.write(`\r${records} records read.\n`);
  console.log(`keys: ${[...keys.keys()].join(', ') || 'none'}`);
  if (checkpoints.number === 0) {
    console.log('There is no checkpoint, so nothing could be proven.');
    return 2;
  }
  console.log(
    `newest checkpoint: ${checkpoints.number} of ${plain(checkpoints.at)}, ${checkpoints.total} records, SHA-256 ${checkpoints.hash}`,
  );
  if (unsigned > 0)
    console.log(`${unsigned} records at the end are too new to be in a checkpoint: only their chain was verified.`);
  if (manifest) console.log(`SHA-256 of manifest.json, as recorded with the export: ${sha256(Buffer.from(manifest))}`);
  if (ranges)
    console.log(
      `It is a part: of ${checkpoints.total} records that were signed, those of ${ranges.length} streams that ranges.jsonl names.`,
    );
  if (count > 0) {
    console.log(`${count} things are wrong.`);
    return 1;
  }
  if (pseudonymised > 0) {
    console.log(
      `Persons are replaced in ${pseudonymised} records: that they exist, whole and in this order, is proven; what they say is not.`,
    );
    return 2;
  }
  console.log(`Whole: ${records - unsigned} records are exactly those that were signed.`);
  return 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    console.error(`It could not be verified: ${plain(error.message)}`);
    process.exitCode = 2;
  }
}
