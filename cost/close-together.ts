import { KEY_KEPT_SECONDS, type LambdaUsage, SIGNER, type Usage } from './usage.ts';

/** Checkpoints collect what is written for so long, as the stream's mapping says; at least one is made a minute. */
const WINDOW_SECONDS = 30;
/** Step Functions reuses the key of a state machine's data for so long (its guide). */
const MACHINE_KEY_SECONDS = 900;
const THOUSAND = 1_000;

/** How many checkpoints are left of so many if whatever is written within the window of one is in it. */
function left(checkpoints: number, overSeconds: number): number {
  const apart = overSeconds / checkpoints;
  return apart / (apart + WINDOW_SECONDS);
}

const times = ({ invocations, ms, awsCalls, ...rest }: LambdaUsage, share: number): LambdaUsage => ({
  ...{ invocations: invocations * share, ms: ms * share, awsCalls: awsCalls * share },
  ...rest,
});

/**
 * A thousand changes within so many seconds. A function that is used again within five minutes, on average, finds its
 * container and the keys of its tables (DynamoDB keeps them for that long; how long AWS keeps a container is not documented).
 * What is written within half a minute, at random, shares a checkpoint.
 */
export function closeTogether(thousand: Usage, overSeconds: number): Usage {
  const signer = thousand.lambdas[SIGNER];
  const share = signer ? left(signer.invocations, overSeconds) : 1;
  const lambdas = Object.entries(thousand.lambdas).map(([name, lambda]): [string, LambdaUsage] => {
    const used = name === SIGNER ? times(lambda, share) : lambda;
    const isKept = overSeconds / lambda.starts <= KEY_KEPT_SECONDS;
    return [name, isKept ? { ...used, starts: 0, keyRequests: 0 } : used];
  });
  return {
    ...thousand,
    lambdas: Object.fromEntries(lambdas),
    machineKeyRequests: overSeconds / THOUSAND <= MACHINE_KEY_SECONDS ? 0 : thousand.machineKeyRequests,
    signings: thousand.signings * share,
    checkpointPuts: thousand.checkpointPuts * share,
    checkpointReads: thousand.checkpointReads * share,
  };
}
