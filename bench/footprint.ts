import { percentile, residentMb, sleep, startRuntime } from './driver.ts';
import { BENCH_CONFIG } from './pipeline.ts';
import { openCount, withWaiting } from './waiting-requests.ts';

/** (c) From the start of the process to the ready line, with dependencies installed. */
export async function benchStart({ runs = 5 } = {}) {
  const times: number[] = [];
  for (let run = 0; run < runs + 1; run += 1) {
    const runtime = await startRuntime(BENCH_CONFIG);
    // The first start compiles and is not counted; what a first user sees is printed all the same.
    if (run > 0) times.push(runtime.readyMs);
    else times.unshift(runtime.readyMs);
    await runtime.stop();
  }
  const [first = Number.NaN, ...rest] = times;
  const medianMs = percentile(rest, 0.5);
  return {
    ok: medianMs <= 3_000 && first <= 3_000,
    result: { firstMs: first, medianMs, maxMs: Math.max(...rest) },
    lines: [
      `(c) start to ready: ${medianMs.toFixed(0)} ms (median of ${runs}), ${first.toFixed(0)} ms the first time (goal 3000)`,
    ],
  };
}

/**
 * (c) Memory of the whole runtime, loopback AWS included, with so many requests waiting for people. A hundred of them
 * came in as changes of endpoints; the others were written into the stores by the gate's own functions, and the runtime
 * was started again after that.
 */
export async function benchWaiting({ waiting = 10_000, real = 100 } = {}) {
  const runtime = await withWaiting(waiting, real);
  try {
    const started = residentMb(runtime.pid);
    // Somebody reads through the list, all of it, and decides nothing.
    let path: string | undefined = '/approvals';
    let listed = 0;
    for (; path; listed += 1) {
      const html: string = await (await fetch(`${runtime.consoleUrl}${path}`)).text();
      path = /href="(\/approvals\?after=[^"]+)">More/.exec(html)?.[1];
    }
    const busy = residentMb(runtime.pid);
    // People take their time: two collections once it is quiet, and V8 keeps free pages for another eight seconds.
    await sleep(45_000);
    const resident = residentMb(runtime.pid);
    const open = await openCount(runtime.awsUrl);
    return {
      ok: open === waiting && resident !== undefined && resident <= 300,
      result: { waiting: open, residentMb: resident, startedMb: started, listedMb: busy },
      lines: [
        `(c) ${open} of ${waiting} requests waiting: ${resident?.toFixed(0) ?? 'unknown'} MB resident (goal 300; ${started?.toFixed(0)} MB when started, ${busy?.toFixed(0)} MB after ${listed} pages of the list)`,
      ],
    };
  } finally {
    await runtime.stop();
  }
}
