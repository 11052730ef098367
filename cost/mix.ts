// What is not counted but said: which changes there are, and what no local run can show.

export type Kind = {
  name: string;
  /** Of a thousand changes, how many are of this kind. */
  perThousand: number;
  environment: 'dev' | 'staging' | 'prod';
  /** `new-model`: a new model on a new config. `other-type`: an instance type that is not allowed. `again`: the same once more. */
  change: 'new-model' | 'other-type' | 'again';
  /** How the change must end; another end would mean that something else was counted. */
  result: 'compliant' | 'blocked' | 'approved' | 'unchanged';
};

/** Every one of them is a deployment, the most expensive kind of change: scaling and tagging settle at once. */
export const MIX: readonly Kind[] = [
  { name: 'compliant in dev', perThousand: 400, environment: 'dev', change: 'new-model', result: 'compliant' },
  { name: 'compliant in staging', perThousand: 200, environment: 'staging', change: 'new-model', result: 'compliant' },
  { name: 'blocked in dev', perThousand: 150, environment: 'dev', change: 'other-type', result: 'blocked' },
  { name: 'approved in prod', perThousand: 200, environment: 'prod', change: 'new-model', result: 'approved' },
  { name: 'deployed again in dev', perThousand: 50, environment: 'dev', change: 'again', result: 'unchanged' },
];

export const ASSUMED = {
  deploymentMinutes: {
    value: 8,
    why: 'How long an endpoint takes until InService. No figure of AWS was found.',
  },
  awsCallMs: {
    value: 15,
    why: 'Added to the time of a Lambda for every call of AWS, as if no two were under way at once: here the loopback answers, in about a millisecond.',
  },
  initMs: {
    value: 300,
    why: 'Start of a container, billed since 2025-08-01, once for every function and change. Module start is measured by bench:cold (28 to 60 ms); the rest is AWS.',
  },
  endpoints: { value: 50, why: 'How many endpoints a sweep finds.' },
  changesPerMonth: { value: 1_000, why: 'For what is stored.' },
  storedMonths: { value: 12, why: 'How many months of changes are stored in the month that is priced.' },
  trailRegions: {
    value: 2,
    why: 'Regions in which something happens every five minutes, so that the trail writes a file.',
  },
  stateEventBytes: { value: 400, why: 'One event of an execution in its log, without data.' },
  stateMachineKeyRequests: {
    value: 2,
    why: 'KMS requests of Step Functions for one execution: its data key is reused for 15 minutes.',
  },
} satisfies Record<string, { value: number; why: string }>;

export type Assumed = Record<keyof typeof ASSUMED, number>;

export const GOALS = { usdPerThousandChanges: 0.25, ofNaive: 0.75 };
