import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

const TEMPLATE = 'cloudformation-template-update-stack.json';
const AGAIN = 'npm run package -- --stage';

type Statement = {
  Sid?: string;
  Effect?: string;
  Action?: string | string[];
  NotAction?: unknown;
  Resource?: unknown;
  NotResource?: unknown;
  Principal?: unknown;
  Condition?: unknown;
};

const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** Reads that list, describe or search, and public prices; AWS gives many of them no resources to narrow them to. */
const READ = /^([\w-]+:(Describe|List)\w*|sagemaker:Search|pricing:Get\w+)$/;
/** Writes that AWS gives no resources either (Service Authorization Reference: CloudWatch Logs, X-Ray). */
const WITHOUT_RESOURCES =
  /^(logs:(Create|Get|Update|Delete|List)LogDeliver(y|ies)|logs:(Put|Describe)ResourcePolic(y|ies)|xray:(Put(TraceSegments|TelemetryRecords)|GetSampling(Rules|Targets)))$/;
/** Everything there is, or everything of a service, wherever it is. */
const everything = (resource: unknown) =>
  typeof resource === 'string' && (resource === '*' || /^arn:[^:]*:[^:]*:[^:]*:[^:]*:\*$/.test(resource));

/** Statements below a resource, at whatever depth and behind whatever condition. */
function statementsIn(value: unknown): Statement[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(statementsIn);
  return 'Effect' in value ? [value as Statement, ...inner] : inner;
}

function whyWide(statement: Statement, ofResource: boolean): string | undefined {
  const { Effect, Action, NotAction, NotResource, Resource, Principal, Condition } = statement;
  if (Effect !== 'Allow') return undefined;
  if (NotAction !== undefined || NotResource !== undefined) return 'allows everything but what it names';
  const principal = typeof Principal === 'object' && Principal !== null ? Object.values(Principal).flat() : [Principal];
  if (principal.includes('*') && Condition === undefined) return 'allows anybody, without a condition';
  const actions = list(Action);
  // What lies in a resource is about that resource, and a key's policy says who in the account may say more.
  if (ofResource) return actions.includes('*') ? 'allows every action' : undefined;
  const whole = actions.find((action) => /^(\*|[\w-]+:\*)$/.test(action));
  if (whole !== undefined) return `allows ${whole}`;
  const wide = actions.filter((action) => !READ.test(action) && !WITHOUT_RESOURCES.test(action));
  return wide.length > 0 && list(Resource).some(everything) ? `allows ${wide.join(', ')} on everything` : undefined;
}

/** Statements of one template that allow more than anybody asked for. */
export function wildcardsIn(
  template: { Resources?: Record<string, { Type?: string; Properties?: unknown }> },
  file: string,
) {
  const statements = Object.entries(template.Resources ?? {}).flatMap(([id, { Type = '', Properties }]) =>
    statementsIn(Properties).map((statement) => ({ id, ofResource: !Type.startsWith('AWS::IAM::'), statement })),
  );
  const weaknesses = statements.flatMap(({ id, ofResource, statement }): Weakness[] => {
    const why = whyWide(statement, ofResource);
    return why === undefined
      ? []
      : [
          {
            where: `${file} ${id}${statement.Sid ? ` (${statement.Sid})` : ''}`,
            why: `The statement ${why}.`,
            todo: 'Name the actions and the resources in infra/roles.yml.',
          },
        ];
  });
  return { statements: statements.length, weaknesses };
}

/** The newest source of a template; one that was packaged before says nothing about what would be deployed. */
function newestSource(root: string): number {
  const infra = join(root, 'infra');
  const files = existsSync(infra) ? readdirSync(infra).map((name) => join(infra, name)) : [];
  const all = [...files, join(root, 'serverless.yml')].filter((path) => existsSync(path));
  return Math.max(0, ...all.map((path) => statSync(path).mtimeMs));
}

/** Permissions of every stage that is packaged. */
export async function checkIamWildcards({ root, template }: Audited): Promise<Seen> {
  if (template !== undefined) {
    const { statements, weaknesses } = wildcardsIn(JSON.parse(readFileSync(template, 'utf8')), template);
    return seen(`${statements} statements`, weaknesses, statements === 0 ? [`${template} has no statements`] : []);
  }
  const build = join(root, 'build');
  const stages = (existsSync(build) ? readdirSync(build) : []).filter((stage) =>
    existsSync(join(build, stage, 'package', TEMPLATE)),
  );
  if (stages.length === 0) return unseen(`no stage is packaged (${AGAIN} prod)`);
  const newest = newestSource(root);
  const weaknesses: Weakness[] = [];
  const unchecked: string[] = [];
  let statements = 0;
  for (const stage of stages) {
    const path = join(build, stage, 'package', TEMPLATE);
    if (statSync(path).mtimeMs < newest) {
      unchecked.push(`build/${stage} is older than infra or serverless.yml (${AGAIN} ${stage})`);
      continue;
    }
    const found = wildcardsIn(JSON.parse(readFileSync(path, 'utf8')), `build/${stage}`);
    weaknesses.push(...found.weaknesses);
    statements += found.statements;
  }
  if (statements === 0 && unchecked.length === 0) unchecked.push('the packaged templates have no statements');
  return seen(`${statements} statements of ${stages.length} packaged stages`, weaknesses, unchecked);
}
