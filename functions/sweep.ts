import * as z from 'zod';
import { cloudwatch } from '../shared/aws/clients/cloudwatch.ts';
import { dynamodb } from '../shared/aws/clients/dynamodb.ts';
import { s3 } from '../shared/aws/clients/s3.ts';
import { sagemaker } from '../shared/aws/clients/sagemaker.ts';
import { scaling } from '../shared/aws/clients/scaling.ts';
import { sfn } from '../shared/aws/clients/sfn.ts';
import { sts } from '../shared/aws/clients/sts.ts';
import { placesOf } from '../shared/aws/member-accounts.ts';
import { receiveChange } from '../shared/aws/receive-change.ts';
import { RequestBudget } from '../shared/aws/request-budget.ts';
import type { With } from '../shared/aws/services.ts';
import { type Missed, type Place, sweepPlace } from '../shared/aws/sweep-place.ts';
import { startTally } from '../shared/aws/sweep-tally.ts';
import { task } from '../shared/lambda.ts';
import { EndpointRef } from '../shared/model/endpoint-ref.ts';
import { nothingFound, SweepSummary } from '../shared/model/sweep-summary.ts';

const clients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, sts };

const Places = z.object({ account: EndpointRef.shape.account.or(z.literal('')), region: EndpointRef.shape.region });
/** Nothing: all places. From the state machine of the sweep: which places there are, or one of these. */
const Input = z.object({ part: z.literal('places').optional(), place: Places.optional() });
/** `places` where these were asked for. */
const Output = z.strictObject({ ...SweepSummary.shape, places: z.array(Places).optional() });

/** The first sweep of a large account goes in portions: its readings share quotas with everybody else there. */
const MAX_STARTS = 100;

async function sweepPlaces(services: With<keyof typeof clients>, places: readonly Place[]): Promise<SweepSummary> {
  const { summary, fail, attempt, each, total } = startTally(services);
  const { requestsPerSecond } = services.config.file.reading;
  const clock = () => Date.parse(services.now());
  const budget = new RequestBudget(requestsPerSecond, clock, services.wait);
  // Each change that is started reads what it needs by itself, most APIs once and some twice.
  const starts = new RequestBudget(requestsPerSecond / 2, clock, services.wait);
  const missed: Missed[] = [];
  for (const place of places) {
    await attempt(async () => {
      const swept = await sweepPlace(services, place, budget);
      missed.push(...swept.missed);
      fail(...swept.problems);
      summary.endpoints += swept.endpoints;
      summary.joined += swept.joined;
      summary.ended += swept.ended;
    });
  }
  summary.postponed = Math.max(0, missed.length - MAX_STARTS);
  await each(missed.slice(0, MAX_STARTS), async ({ change, stream }) => {
    await starts.take('start');
    const { as } = await receiveChange(services, change, stream);
    if (as === 'started') summary.started += 1;
    else summary.joined += 1;
  });
  services.measure({ name: 'SweptEndpoints', unit: 'Count', value: summary.endpoints });
  return total();
}

/**
 * Called every quarter of an hour by the state machine of the sweep: on AWS one account and region each, since that is
 * what AWS's limits count; on one machine, and by hand, all of them at once. SageMaker's events and CloudTrail's are best
 * effort, so this looks for what none of them told of: endpoints and guards that appeared, changed or went, executions
 * that died. It reads and changes nothing outside of the gate, wakes nobody and writes to nobody. Safe to call twice, and
 * beside events about the same changes.
 */
export const { handler, run } = task({
  clients,
  input: Input,
  output: Output,
  run: async ({ part, place }, services) => {
    const places = placesOf(services);
    if (part === 'places') return { ...nothingFound(), places };
    return sweepPlaces(services, place ? [place] : places);
  },
});
