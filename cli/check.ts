import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type * as z from 'zod';
import { loadConfig } from '../shared/config-yaml.ts';
import { DeploymentPlan } from '../shared/model/deployment-plan.ts';
import { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { factsFromPlan } from '../shared/model/planned-facts.ts';
import { CliError, EXIT, type Output } from './output.ts';
import { checkFacts, exitCodeFor, type Format, render } from './report.ts';

const explain = (error: z.ZodError) =>
  error.issues.map(({ path, message }) => `${path.map(String).join('.') || '(document)'}: ${message}`);

/** A plan or recorded facts, told apart by their first field. */
function factsFrom(document: unknown, where: string, now: string): EndpointFacts {
  const { kind, schema } = (document ?? {}) as { kind?: unknown; schema?: unknown };
  if (kind === 'DeploymentPlan') {
    const plan = DeploymentPlan.safeParse(document);
    if (plan.success) return factsFromPlan(plan.data, now);
    throw new CliError(`${where} is no valid DeploymentPlan:\n  ${explain(plan.error).join('\n  ')}`);
  }
  if (schema === 1) {
    const facts = EndpointFacts.safeParse(document);
    if (facts.success) return facts.data;
    throw new CliError(`${where} holds no valid facts:\n  ${explain(facts.error).join('\n  ')}`);
  }
  throw new CliError(
    `${where} is neither a deployment plan ("kind: DeploymentPlan") nor recorded facts ("schema: 1").`,
  );
}

/** `portcullis check FILE`: plans or recorded facts against the policies, without any AWS call. Returns the exit code. */
export function check(file: string, options: { format: Format }, output: Output): number {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${(error as Error).message}`, EXIT.couldNotCheck);
  }
  const { policySettings } = loadConfig(process.env);
  const now = new Date().toISOString();
  const documents = parseAllDocuments(text);
  const problem = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors)[0] : undefined;
  if (problem) throw new CliError(`${file} is neither YAML nor JSON: ${problem.message.split('\n')[0]}`);
  const values = (Array.isArray(documents) ? documents : []).flatMap((document): unknown => {
    try {
      return document.toJS();
    } catch (error) {
      throw new CliError(`${file} cannot be used: ${(error as Error).message}`);
    }
  });
  const checked = values.map((value, index) =>
    checkFacts(factsFrom(value, `${file}, document ${index + 1}`, now), policySettings),
  );
  output.out(render(checked, options.format, policySettings, file));
  return exitCodeFor(checked);
}
