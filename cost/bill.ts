import { closeTogether } from './close-together.ts';
import type { Counted } from './counts.ts';
import { callsOf, type Invocation, isRead } from './invocation.ts';
import type { LogLines } from './log-lines.ts';
import { type Assumed, GOALS } from './mix.ts';
import { givenBy, type Line, type Prices, restLines, sumOf, usedLines } from './model.ts';
import { naiveChange, naiveSizes } from './naive.ts';
import { stateMachineOf, type Template } from './template.ts';
import { atPace, statesOf } from './transitions.ts';
import { total, type Usage, usageOf } from './usage.ts';

export type Bill = {
  changes: Line[];
  /** The same, where people are asked in Slack and get no mails. */
  inSlack: Line[];
  naive: Line[];
  rest: Line[];
  /** By kind: what one change of it enters, calls and costs. */
  kinds: {
    name: string;
    perThousand: number;
    states: number;
    naiveStates: number;
    awsReads: number;
    usdPerThousand: number;
  }[];
  /** The most reads of the customer's account that one reading of an endpoint took, with nothing remembered. */
  readsPerReading: number;
  /** The mix if deployments took other times. */
  byMinutes: { minutes: number; usdPerThousand: number; usdInSlack: number; ofNaive: number }[];
  /** The mix if a thousand changes came within other times. */
  byPace: { within: string; usdPerThousand: number; usdInSlack: number }[];
  goals: { name: string; value: number; goal: number; met: boolean }[];
};

const MINUTES = [2, 5, 8, 15, 30];
const HOUR = 3_600;
const PACES: [within: string, seconds: number][] = [
  ['a month', 30 * 24 * HOUR],
  ['a week', 7 * 24 * HOUR],
  ['a day', 24 * HOUR],
  ['an hour', HOUR],
];

/** What a thousand changes and a month at rest cost, from what was counted. */
export async function billFor(
  template: Template,
  prices: Prices,
  counted: Counted,
  logLines: LogLines,
  assumed: Assumed,
): Promise<Bill> {
  const machine = stateMachineOf(template);
  const given = givenBy(template, prices, assumed);
  const naiveGiven = { ...given, sizes: naiveSizes(given.sizes) };
  const basis = { machine, logLines, assumed };

  /** The mean of the runs of each kind, ours and naive, for deployments of so many minutes. */
  const mix = (minutes: number) =>
    Promise.all(
      counted.changes.map(async ({ kind, runs }) => {
        const paced = runs.map((run) => atPace(machine, run, minutes));
        const ours = await Promise.all(
          paced.map(async (run) => ({
            usage: usageOf(run, await statesOf(machine, run), basis),
            times: 1 / runs.length,
          })),
        );
        const naive = paced.map((run) => {
          const { invocations, states } = naiveChange(run);
          return { usage: usageOf(invocations, states, basis), times: 1 / runs.length };
        });
        return { kind, ours: total(ours), naive: total(naive) };
      }),
    );
  const thousand = (parts: Awaited<ReturnType<typeof mix>>, side: 'ours' | 'naive'): Usage =>
    total(parts.map((part) => ({ usage: part[side], times: part.kind.perThousand })));

  /** What our changes cost, however people are asked. */
  const bothWays = (usage: Usage) => ({
    usdPerThousand: sumOf(usedLines(usage, given)),
    usdInSlack: sumOf(usedLines(usage, given, 'in Slack')),
  });

  const parts = await mix(assumed.deploymentMinutes);
  const ours = thousand(parts, 'ours');
  const changes = usedLines(ours, given);
  const inSlack = usedLines(ours, given, 'in Slack');
  const byPace = PACES.map(([within, seconds]) => ({ within, ...bothWays(closeTogether(ours, seconds)) }));
  const naive = usedLines(thousand(parts, 'naive'), naiveGiven);
  const all: Invocation[] = [...counted.changes.flatMap(({ runs }) => runs.flat()), ...counted.sweep];
  const seen = all.flatMap(({ metrics }) =>
    metrics.map((metric) => JSON.stringify([metric.name, 'dimensions' in metric ? metric.dimensions : {}])),
  );
  const rest = restLines(
    {
      template,
      sweep: usageOf(counted.sweep, [], basis),
      change: total([{ usage: ours, times: 1 / 1_000 }]),
      metrics: new Set(seen).size,
    },
    given,
  );
  const ofNaive = sumOf(changes) / sumOf(naive);
  return {
    changes,
    inSlack,
    naive,
    rest,
    kinds: parts.map((part) => ({
      name: part.kind.name,
      perThousand: part.kind.perThousand,
      states: part.ours.transitions,
      naiveStates: part.naive.transitions,
      awsReads: part.ours.awsReads,
      usdPerThousand: sumOf(usedLines(total([{ usage: part.ours, times: 1_000 }]), given)),
    })),
    readsPerReading: Math.max(
      ...all.map((each) =>
        each.lambda === 'gather-facts' || each.lambda === 'verify-monitoring' ? callsOf(each, isRead) : 0,
      ),
    ),
    byMinutes: await Promise.all(
      MINUTES.map(async (minutes) => {
        const other = await mix(minutes);
        const usd = bothWays(thousand(other, 'ours'));
        const ofNaive = usd.usdPerThousand / sumOf(usedLines(thousand(other, 'naive'), naiveGiven));
        return { minutes, ...usd, ofNaive };
      }),
    ),
    byPace,
    goals: [
      ...byPace.map(({ within, usdInSlack }) => ({
        name: `USD for 1,000 changes above the fixed cost, within ${within}, asked in Slack`,
        value: usdInSlack,
        goal: GOALS.usdPerThousandChanges,
        met: usdInSlack <= GOALS.usdPerThousandChanges,
      })),
      {
        name: 'of the naive design, asked by mail',
        value: ofNaive,
        goal: GOALS.ofNaive,
        met: ofNaive <= GOALS.ofNaive,
      },
    ],
  };
}
