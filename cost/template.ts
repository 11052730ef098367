// What a packaged CloudFormation template says about money.

// biome-ignore lint/suspicious/noExplicitAny: properties are as deep as AWS makes them; what is read of them is checked.
type Properties = Record<string, any>;
export type Resource = { Type: string; Condition?: string; Properties?: Properties };
export type Template = { Resources: Record<string, Resource>; Conditions?: Record<string, unknown> };

/** Conditions of packaged templates compare texts only; what else there may be is refused, not guessed. */
function holds(template: Template, condition: unknown): boolean {
  const [[name, value] = []] = Object.entries(condition as object);
  const of = (each: unknown) => holds(template, each);
  switch (name) {
    case 'Fn::Equals':
      return value[0] === value[1];
    case 'Fn::Not':
      return !of(value[0]);
    case 'Fn::And':
      return value.every(of);
    case 'Fn::Or':
      return value.some(of);
    case 'Condition':
      return of(template.Conditions?.[value]);
    default:
      throw new Error(`The condition ${JSON.stringify(condition)} is not understood.`);
  }
}

/** The resources that are made: those without a condition, and those whose condition holds. */
export function resourcesOf(template: Template): [name: string, resource: Resource][] {
  return Object.entries(template.Resources).filter(
    ([, { Condition }]) => Condition === undefined || holds(template, template.Conditions?.[Condition]),
  );
}

export const ofType = (template: Template, type: string): Resource[] =>
  resourcesOf(template).flatMap(([, resource]) => (resource.Type === type ? [resource] : []));

export type LambdaSize = { memoryMb: number; architecture: 'arm64' | 'x86_64' };

/** Lambdas by the name of their file. */
export function lambdasOf(template: Template): Map<string, LambdaSize> {
  return new Map(
    ofType(template, 'AWS::Lambda::Function').map(({ Properties = {} }) => [
      String(Properties.Handler).replace(/^functions\/(.+)\.handler$/, '$1'),
      { memoryMb: Properties.MemorySize ?? 128, architecture: Properties.Architectures?.[0] ?? 'x86_64' },
    ]),
  );
}

/** `rate(15 minutes)` -> 2,880 times in a month of 30 days. */
export function sweepsPerMonth(template: Template): number {
  return ofType(template, 'AWS::Scheduler::Schedule').reduce((sum, { Properties }) => {
    const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(Properties?.ScheduleExpression) ?? [];
    if (!count || !unit) throw new Error(`The schedule ${Properties?.ScheduleExpression} is not understood.`);
    const minutes = { minute: 1, hour: 60, day: 1440 }[unit as 'minute'] * Number(count);
    return sum + (30 * 1440) / minutes;
  }, 0);
}

type Filter = string | number | { exists: boolean } | { prefix: string } | { 'Fn::Sub': unknown };

function passes(filter: Filter, value: unknown): boolean {
  if (typeof filter !== 'object') return Array.isArray(value) ? value.includes(filter) : value === filter;
  if ('exists' in filter) return filter.exists === (value !== undefined);
  if ('prefix' in filter) return typeof value === 'string' && value.startsWith(filter.prefix);
  // What only CloudFormation knows: let through, so that nothing is left out of the bill.
  if (Object.keys(filter).some((key) => key.startsWith('Fn::') || key === 'Ref')) return true;
  throw new Error(`The filter ${JSON.stringify(filter)} of an event pattern is not understood.`);
}

type Pattern = { [field: string]: Pattern | Filter[] };

export function matches(pattern: Pattern, event: Record<string, unknown>): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const value = event[field];
    if (Array.isArray(wanted)) return wanted.some((filter) => passes(filter, value));
    return typeof value === 'object' && value !== null && matches(wanted, value as Record<string, unknown>);
  });
}

/** Patterns of the rules of the default bus. */
export const patternsOf = (template: Template): Pattern[] =>
  ofType(template, 'AWS::Events::Rule').flatMap(({ Properties = {} }) =>
    Properties.EventBusName === undefined && Properties.EventPattern ? [Properties.EventPattern as Pattern] : [],
  );

type Retrier = { ErrorEquals: string[]; IntervalSeconds?: number; BackoffRate?: number; MaxDelaySeconds?: number };
export type State = {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string };
  TimeoutSecondsPath?: string;
  Retry?: Retrier[];
};
export type StateMachine = { StartAt: string; States: Record<string, State> };

export function stateMachineOf(template: Template): StateMachine {
  const [machine] = ofType(template, 'AWS::StepFunctions::StateMachine');
  if (!machine) throw new Error('The template has no state machine.');
  return JSON.parse(machine.Properties?.DefinitionString) as StateMachine;
}

/** `${GatherFacts}` is the file gather-facts.ts. */
const fileOf = (placeholder: string) => placeholder.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

/** Which Lambda each Task calls. */
export function tasksOf({ States }: StateMachine): Map<string, string> {
  return new Map(
    Object.entries(States).flatMap(([name, { Resource, Parameters }]): [string, string][] => {
      const [, placeholder] = /^\$\{(\w+)\}$/.exec(Parameters?.FunctionName ?? Resource ?? '') ?? [];
      return placeholder ? [[name, fileOf(placeholder)]] : [];
    }),
  );
}
