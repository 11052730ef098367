import { DescribeEndpointConfigCommand, type DescribeEndpointOutput } from '@aws-sdk/client-sagemaker';
import { changeDigest, differences, effectiveDeployment } from '../model/effective-deployment.ts';
import type { EndpointFacts } from '../model/endpoint-facts.ts';
import type { Finding } from '../model/finding.ts';
import type { Baseline } from '../model/ledger-record.ts';
import type { RemediationPlan } from '../model/remediation.ts';
import type { HeldWaiver } from '../model/waiver.ts';
import { type Way, wayByCounts, waysByUpdate } from '../model/way-back.ts';
import { evaluate, policies } from '../policies/index.ts';
import { type Described, isMissing, type Readable, readEndpoint, UnreadableFactsError } from './endpoint-reader.ts';

/** The endpoint as it is now, and the services to read it with where it is. */
export type Looking = {
  there: Readable;
  described: Described;
  facts: EndpointFacts;
  /** In force for the endpoint at this moment. */
  waivers: readonly HeldWaiver[];
};

/** Policies about what watches a deployment, and not about the deployment. */
export const GUARDS: readonly string[] = policies.flatMap(({ id, guard }) => (guard ? [id] : []));
export const violated = (findings: readonly Finding[]) => findings.filter(({ outcome }) => outcome === 'violation');

/** Nothing that the gate could call. */
export const told = (of: RemediationPlan['of'], ...notes: string[]): RemediationPlan => ({
  of,
  to: null,
  calls: [],
  others: [],
  notes,
});

/** What the endpoint would be after a call: the reader of facts is shown the variants as they would be. */
function readAfter(
  { there, described, facts }: Looking,
  baseline: Baseline,
  { live }: Way,
): Promise<EndpointFacts | undefined> {
  const { EndpointName, EndpointArn, CreationTime, LastModifiedTime } = described.output;
  const output = {
    EndpointName,
    EndpointArn,
    CreationTime,
    LastModifiedTime,
    EndpointStatus: 'InService',
    EndpointConfigName: baseline.configName,
    ProductionVariants: live.map(({ VariantName, DesiredInstanceCount, DesiredWeight }) => ({
      VariantName,
      ...(DesiredInstanceCount !== undefined && { DesiredInstanceCount }),
      ...(DesiredWeight !== undefined && { DesiredWeight }),
    })),
    ...(baseline.deploymentConfig && { LastDeploymentConfig: baseline.deploymentConfig }),
  } as DescribeEndpointOutput;
  return readEndpoint(there, facts.endpoint, { fresh: true, described: { readAt: described.readAt, output } });
}

async function configExists({ there }: Looking, name: string): Promise<boolean> {
  try {
    await there.sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: name }));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What still speaks against deploying what was accepted, by the rules of today. Guards are watched over when it is there. */
function objections(looking: Looking, after: EndpointFacts): string[] {
  const { policySettings } = looking.there.config;
  const wrong = violated(evaluate(after, policySettings, looking.waivers)).filter(
    ({ policy }) => !GUARDS.includes(policy),
  );
  const alarms = after.deployment.known ? after.deployment.rollbackAlarms : [];
  const gone = alarms.flatMap(({ exists, name }) => (exists ? [] : [name]));
  return [
    ...wrong.map(
      ({ policy, messages }) => `By the policies of today what was accepted violates ${policy}: ${messages.join(' ')}`,
    ),
    ...(gone.length > 0 ? [`Its rollback alarms ${gone.join(', ')} do not exist any more.`] : []),
  ];
}

/** It will not become readable by trying again: something that it needs was deleted, or nobody understands it. */
export const isUnreadable = (error: unknown): error is Error =>
  error instanceof UnreadableFactsError || isMissing(error);

const TWO_CALLS =
  'Only two calls bring exactly that back, the second one when the endpoint is InService again. The gate makes neither: between the two would run what nobody accepted, and an update by somebody else could not be told from its own.';

/** The config as it was accepted, and then the counts and weights: both calls, where what runs after them is what was accepted. */
async function planTwoCalls(looking: Looking, baseline: Baseline, update: Way | undefined) {
  const configured = baseline.deployment.variants.map(({ name }) => ({ VariantName: String(name) }));
  const counts = wayByCounts(looking.facts.endpoint.name, baseline, configured);
  const after = await readAfter(looking, baseline, counts);
  if (!update || !after || changeDigest(effectiveDeployment(after)) !== baseline.digest) return undefined;
  return { calls: [update.call, counts.call], notes: objections(looking, after) };
}

/** The first way that brings back exactly what was accepted, read as it would be after it. */
export async function planDeployment(looking: Looking, baseline: Baseline): Promise<RemediationPlan> {
  const { name } = looking.facts.endpoint;
  const { configName, deploymentConfig, generation, digest } = baseline;
  const was = `What was accepted last is that of change ${generation}.`;
  if (configName === undefined || deploymentConfig === undefined) {
    return told(
      'deployment',
      `${was} Its config or its DeploymentConfig is not on record, so the gate does not know how to deploy it again.`,
    );
  }
  const to = { generation, digest, configName };
  if (!(await configExists(looking, configName))) {
    return {
      ...told(
        'deployment',
        `${was} Its config ${configName} does not exist any more. The record does not hold every field of a config, so somebody has to make it again and deploy it.`,
      ),
      to,
    };
  }
  // While it is moving, what will be running is what counts.
  const { PendingDeploymentSummary: pending } = looking.described.output;
  const { ProductionVariants = [], ShadowProductionVariants = [] } = pending ?? looking.described.output;
  const running = [...ProductionVariants, ...ShadowProductionVariants];
  const ways =
    looking.facts.configName === configName
      ? [wayByCounts(name, baseline, running)]
      : waysByUpdate(name, baseline, running);
  let nearest: EndpointFacts | undefined;
  for (const way of ways) {
    let after: EndpointFacts | undefined;
    try {
      after = await readAfter(looking, baseline, way);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return {
        ...told('deployment', `${was} It cannot be read what would run then: ${error.message}`),
        to,
        others: [way.call],
      };
    }
    if (!after) return told('deployment', `${name} does not exist any more.`);
    nearest ??= after;
    if (changeDigest(effectiveDeployment(after)) !== digest) continue;
    const notes = objections(looking, after);
    return notes.length > 0
      ? { of: 'deployment', to, calls: [], others: [way.call], notes: [was, ...notes] }
      : { of: 'deployment', to, calls: [way.call], others: [], notes: [] };
  }
  const both = looking.facts.configName === configName ? undefined : await planTwoCalls(looking, baseline, ways[0]);
  if (both) return { of: 'deployment', to, calls: [], others: both.calls, notes: [was, TWO_CALLS, ...both.notes] };
  const left = nearest ? differences(baseline.deployment, effectiveDeployment(nearest)) : [];
  const fields = left.map(
    ({ field, before, after }) => `${field} would be ${after ?? 'absent'} instead of ${before ?? 'absent'}`,
  );
  return {
    of: 'deployment',
    to,
    calls: [],
    others: ways.slice(0, 1).map(({ call }) => call),
    notes: [was, `No single call brings exactly that back, so the gate makes none: ${fields.join('; ')}.`],
  };
}
