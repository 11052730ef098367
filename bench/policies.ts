import { readFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { Environment as CelEnvironment, evaluate as celEvaluate } from '@marcbachmann/cel-js';
import { type Almanac, Engine, type RuleProperties, type RuleResult } from 'json-rules-engine';
import {
  EndpointFacts,
  type Monitor,
  type ObjectEncryption,
  type RollbackAlarm,
} from '../shared/model/endpoint-facts.ts';
import { type Environment, matchesPattern } from '../shared/model/environment.ts';
import { type Finding, Outcome } from '../shared/model/finding.ts';
import { formatUsd, type HourlyCost, hourlyCost } from '../shared/model/hourly-cost.ts';
import { PriceTable } from '../shared/model/price-table.ts';
import { type HostedVariant, instanceTypesOf, isHosted, serves, type Variant } from '../shared/model/variant.ts';
import { explainCost } from '../shared/policies/budget.ts';
import { evaluate, policies } from '../shared/policies/index.ts';
import { PolicyLimits, type PolicySettings } from '../shared/policies/settings.ts';
import { generateFacts } from './facts-generator.ts';
import { formatRatio, goal, goalTable, interleave, median, ratioOf, table } from './ratio.ts';

// Our policies are plain functions. What do they cost beside the same rules in a rules engine (json-rules-engine 7)
// and in an expression language (@marcbachmann/cel-js 8)? Every side gets the same JSON text, parses and validates it
// with the same schema, and gives the same findings, to the letter.
//
// What the peers are given: the sentences (`textsFor`, and the statements written once at set-up), the endpoint's
// hosted variants, its cost (`hourlyCost`: neither has loops that add), and `matchesPattern` for the names of alarms.
// What holds, for which variant, alarm, monitor or artifact, is theirs to say.
//
// Facts are generated as plans know them: of what is known of settled endpoints only (runs of monitors, mute rules, what
// capture does in fact) they hold nothing, and nobody is asked about it.

type Evaluate = (facts: EndpointFacts) => Finding[] | Promise<Finding[]>;
type Result = { outcome: Outcome; messages: readonly string[] };

const DOING: Record<Environment, string> = { dev: 'development', staging: 'staging', prod: 'production' };

/** Every message of every policy, given what a rule found. The same for both peers. */
function textsFor(settings: PolicySettings) {
  const { dev, staging, prod, monitoringGraceMinutes } = settings;
  const unmonitored = (monitors: readonly Monitor[]) =>
    monitors
      .map(({ name, status }) =>
        status === 'Scheduled'
          ? `schedule ${name} has no baseline to compare with`
          : `schedule ${name} is ${status}, not Scheduled`,
      )
      .join('; ') || 'no monitoring schedule names this endpoint';
  const encryption = (found: ObjectEncryption) => {
    switch (found.status) {
      case 'unencrypted':
        return 'is not encrypted';
      case 'missing':
        return 'does not exist';
      case 'unverifiable':
        return `could not be verified (${found.reason})`;
      case 'encrypted':
        return `is encrypted with ${found.algorithm}, not ${settings.encryption.join(' or ')}`;
    }
  };
  return {
    about: (wanted: string, environment: Environment, evidence: string) =>
      `This is about ${wanted} endpoints; this one is ${DOING[environment]} (${evidence}).`,
    noInstanceType: 'Serverless variants have no instance type.',
    noInstanceCount: 'Serverless variants have no instance count.',
    spreadByAws: 'Serverless variants have no instance count; AWS spreads them itself.',
    noArtifacts: 'The models load no artifacts from S3 (weights are in the images).',
    notDev: (variant: string, type: string) =>
      `Variant ${variant} uses ${type}; dev may use ${dev.instanceTypes.join(', ')}.`,
    notStaging: (variant: string, type: string) =>
      `Variant ${variant} uses ${type}; staging may use ${staging.instanceTypes.join(', ')}.`,
    manyInStaging: (instances: number) =>
      `The endpoint can run ${instances} instances; ${staging.approvalFromInstances} or more in staging need approval.`,
    fewInProd: (variant: string, least: number) =>
      `Variant ${variant} can run on ${least}, needs ${prod.minInstances}.`,
    costUnknown: (what: string) => `Cost unknown, so it cannot be held against the budget: ${what}.`,
    overBudget: (cost: HourlyCost, limit: number) =>
      `It can cost ${explainCost(cost)}; the budget is ${formatUsd(limit)}/h.`,
    dear: (cost: HourlyCost, limit: number) =>
      `It can cost ${explainCost(cost)}; above ${formatUsd(limit)}/h needs approval.`,
    production: 'This is a production deployment; a person must approve it.',
    deploymentUnknown: (reason: string) => `${reason} The rollback alarms are verified when it has ended.`,
    noAlarm: (role: string, patterns: readonly string[]) =>
      `The deployment names no ${role} in AutoRollbackConfiguration (looked for ${patterns.join(', ')}).`,
    /** Everything there is to say about an alarm. */
    aboutAlarm: (alarm: RollbackAlarm): string[] => {
      const { name } = alarm;
      if (!alarm.exists) return [`Alarm ${name} does not exist in CloudWatch.`];
      if (alarm.watchesEndpoint === false) return [`Alarm ${name} does not watch this endpoint.`];
      if (alarm.watchesEndpoint === null)
        return [`Whether alarm ${name} watches this endpoint cannot be told from its definition.`];
      return [
        ...(alarm.actionsEnabled ? [] : [`The actions of alarm ${name} are disabled (ActionsEnabled false).`]),
        ...(alarm.state === 'ALARM' ? [`Alarm ${name} is in ALARM now.`] : []),
      ];
    },
    cannotMonitor: (variants: readonly Variant[]) => {
      const reasons = variants.map((variant) =>
        isHosted(variant)
          ? `multi-model variant ${variant.name}: SageMaker monitors single-model endpoints only (developer guide, Model Monitor)`
          : `serverless variant ${variant.name}: SageMaker has no data capture and no Model Monitor for Serverless Inference (developer guide, feature exclusions)`,
      );
      return `Model Monitor cannot watch this endpoint. It has ${reasons.join('; ')}.`;
    },
    notYetMonitored: ({ monitors, readAt, createdAt }: EndpointFacts) => {
      const left = Math.ceil(monitoringGraceMinutes - (Date.parse(readAt) - Date.parse(createdAt)) / 60_000);
      return `Not yet monitored: ${unmonitored(monitors)}. It has ${left} more minutes, then this is a violation.`;
    },
    /** `lacks` a good monitor, or is `blind`: captures nothing. */
    notMonitored: ({ monitors }: EndpointFacts, lacks: boolean, blind: boolean) =>
      `Not monitored: ${[
        ...(lacks ? [unmonitored(monitors)] : []),
        ...(blind ? ['data capture is off (DataCaptureConfig), and monitors read what it captures'] : []),
      ].join('; ')}.`,
    manyInstances: (variant: string, most: number, usual: number) =>
      `Variant ${variant} can run ${most} instances; ${usual} is the default here.`,
    notApproved: (variant: string, type: string, environment: string) =>
      `Variant ${variant} uses ${type}, which is not approved for ${environment}.`,
    typeUnknown: (variant: string, type: string) =>
      `Variant ${variant} uses ${type}, an instance type unknown to the price table of ${settings.prices.asOf}.`,
    badObject: (uri: string, found: ObjectEncryption) => `Artifact ${uri} ${encryption(found)}.`,
    badBucket: (name: string, found: ObjectEncryption) => `Bucket ${name} ${encryption(found)}.`,
  };
}

/** The patterns of settings with role and endpoint filled in. */
function alarmPatterns(settings: PolicySettings, role: string, endpoint: string): string[] {
  return settings.alarmNamePatterns.map((pattern) =>
    pattern.replaceAll('{role}', role).replaceAll('{endpoint}', endpoint),
  );
}

/** What a peer's rules gave for each policy, in document order, as findings. */
function findingsWriter(settings: PolicySettings): (results: readonly (readonly Result[])[]) => Finding[] {
  const heads = policies.map(({ id, statement }) => ({ policy: id, statement: statement(settings) }));
  return (byPolicy) =>
    heads.map(({ policy, statement }, index) => {
      const results = byPolicy[index] ?? [];
      const outcome = Outcome.options.find((worst) => results.some((result) => result.outcome === worst)) ?? 'pass';
      return { policy, statement, outcome, messages: results.flatMap(({ messages }) => messages) };
    });
}

const indexOf = (id: string) => policies.findIndex((policy) => policy.id === id);

// ---------------------------------------------------------------------------------------------------------------------
// json-rules-engine
//
// One engine, built once; one `run` for each endpoint. Conditions are JSON. Two things follow its documentation:
// - Its conditions cannot loop over a list and tell which element fits: "those are relegated to dynamic facts (i.e.
//   code)" (its author, CacheControl/json-rules-engine#44). So a dynamic fact, told the limits by `params`, gives the
//   elements in question, and the conditions decide by it. A rule's result has the fact's value (`factResult`, see its
//   example 09), from which the messages are written, so nothing is looked up twice.
// - `priority` makes the environment the first thing asked, and facts that need a loop are computed only where it fits
//   (its example 05).
// ---------------------------------------------------------------------------------------------------------------------

type TypeInUse = { variant: string; type: string };
type BadEncryption = { kind: 'object' | 'bucket'; name: string; encryption: ObjectEncryption };

function rulesEngine(settings: PolicySettings): Evaluate {
  const texts = textsFor(settings);
  const write = findingsWriter(settings);
  const { dev, staging, prod } = settings;
  const engine = new Engine();

  engine.addOperator<readonly unknown[], boolean>('empty', (list, expected) => (list.length === 0) === expected);
  engine.addOperator<HourlyCost, number>('ceilingAbove', ({ ceilingUsd }, limit) => ceilingUsd > limit);

  type Condition = {
    fact: string;
    operator: string;
    value: unknown;
    params?: Record<string, unknown>;
    priority?: number;
  };
  const rules: RuleProperties[] = [];
  type Written = { order: number; policy: number; messages: (facts: EndpointFacts, found: never) => readonly string[] };
  const byName = new Map<string, Written>();
  /** `found` is the value of the last condition's fact. */
  function rule<Found>(
    policy: string,
    type: Outcome,
    all: readonly Condition[],
    messages: (facts: EndpointFacts, found: Found) => readonly string[],
  ) {
    const name = `${rules.length} ${policy}`;
    rules.push({ name, conditions: { all: [...all] }, event: { type } });
    byName.set(name, { order: rules.length, policy: indexOf(policy), messages });
  }
  const environment = (operator: 'equal' | 'notEqual', value: Environment): Condition => ({
    fact: 'environment',
    operator,
    value,
    priority: 10,
  });
  const isDev = environment('equal', 'dev');
  const isStaging = environment('equal', 'staging');
  const isProd = environment('equal', 'prod');
  const deploymentIs = (known: boolean): Condition => ({
    fact: 'deploymentKnown',
    operator: 'equal',
    value: known,
    priority: 10,
  });
  const costAbove = (limit: number): Condition => ({ fact: 'cost', operator: 'ceilingAbove', value: limit });
  const any = (fact: string, params?: Record<string, unknown>): Condition => ({
    fact,
    operator: 'empty',
    value: false,
    ...(params && { params }),
  });
  const none = (fact: string, params?: Record<string, unknown>): Condition => ({ ...any(fact, params), value: true });
  const onlyAbout = (policy: string, ...environments: Environment[]) => {
    const wanted = environments.map((name) => DOING[name]).join(' and ');
    rule(
      policy,
      'not-applicable',
      environments.map((name) => environment('notEqual', name)),
      ({ environment: { name, evidence } }) => [texts.about(wanted, name, evidence)],
    );
  };
  const eachType = (text: (variant: string, type: string) => string) => (_: EndpointFacts, found: TypeInUse[]) =>
    found.map(({ variant, type }) => text(variant, type));

  onlyAbout('dev-instance-type', 'dev');
  rule('dev-instance-type', 'not-applicable', [isDev, none('hosted')], () => [texts.noInstanceType]);
  rule('dev-instance-type', 'violation', [isDev, any('typesOutside', { allowed: 'dev' })], eachType(texts.notDev));

  onlyAbout('staging-instance-type', 'staging');
  rule('staging-instance-type', 'not-applicable', [isStaging, none('hosted')], () => [texts.noInstanceType]);
  rule(
    'staging-instance-type',
    'violation',
    [isStaging, any('typesOutside', { allowed: 'staging' })],
    eachType(texts.notStaging),
  );
  rule(
    'staging-instance-type',
    'needs-approval',
    [isStaging, { fact: 'mostInstances', operator: 'greaterThanInclusive', value: staging.approvalFromInstances }],
    (_, instances: number) => [texts.manyInStaging(instances)],
  );

  onlyAbout('prod-min-instances', 'prod');
  rule('prod-min-instances', 'not-applicable', [isProd, none('hosted')], () => [texts.spreadByAws]);
  rule(
    'prod-min-instances',
    'violation',
    [isProd, any('servingBelow', { instances: prod.minInstances })],
    (_, found: HostedVariant[]) => found.map(({ name, minInstances }) => texts.fewInProd(name, minInstances)),
  );

  const budget = (policy: string, where: Environment, limit: number) => {
    onlyAbout(policy, where);
    rule(policy, 'violation', [environment('equal', where), any('unpriced')], (_, found: string[]) =>
      found.map(texts.costUnknown),
    );
    rule(policy, 'violation', [environment('equal', where), costAbove(limit)], (_, cost: HourlyCost) => [
      texts.overBudget(cost, limit),
    ]);
  };
  budget('staging-budget', 'staging', staging.maxHourlyCostUsd);
  budget('prod-budget', 'prod', prod.maxHourlyCostUsd);

  onlyAbout('prod-human-approval', 'prod');
  rule('prod-human-approval', 'needs-approval', [isProd], () => [texts.production]);

  rule('rollback-alarms', 'advice', [deploymentIs(false)], ({ deployment }) =>
    deployment.known ? [] : [texts.deploymentUnknown(deployment.reason)],
  );
  for (const role of settings.requiredAlarms) {
    rule('rollback-alarms', 'violation', [deploymentIs(true), none('alarmsFor', { role })], ({ endpoint }) => [
      texts.noAlarm(role, alarmPatterns(settings, role, endpoint.name)),
    ]);
    rule(
      'rollback-alarms',
      'violation',
      [deploymentIs(true), any('badAlarmsFor', { role })],
      (_, found: RollbackAlarm[]) => found.flatMap(texts.aboutAlarm),
    );
    rule(
      'rollback-alarms',
      'advice',
      [deploymentIs(true), any('remarkableFor', { role })],
      (_, found: RollbackAlarm[]) => found.flatMap(texts.aboutAlarm),
    );
  }

  onlyAbout('prod-model-monitor', 'prod');
  rule('prod-model-monitor', 'not-applicable', [isProd, none('monitorable')], ({ variants }) => [
    texts.cannotMonitor(variants),
  ]);
  const applies = [isProd, any('monitorable')];
  const grace = settings.monitoringGraceMinutes;
  const [captures, isBlind] = [true, false].map((value) => ({ fact: 'captures', operator: 'equal', value }));
  if (!captures || !isBlind) throw new Error('two conditions');
  rule(
    'prod-model-monitor',
    'advice',
    [...applies, captures, { fact: 'ageMinutes', operator: 'lessThan', value: grace }, none('goodMonitors')],
    (facts) => [texts.notYetMonitored(facts)],
  );
  rule(
    'prod-model-monitor',
    'violation',
    [
      ...applies,
      captures,
      { fact: 'ageMinutes', operator: 'greaterThanInclusive', value: grace },
      none('goodMonitors'),
    ],
    (facts) => [texts.notMonitored(facts, true, false)],
  );
  rule('prod-model-monitor', 'violation', [...applies, isBlind, none('goodMonitors')], (facts) => [
    texts.notMonitored(facts, true, true),
  ]);
  rule('prod-model-monitor', 'violation', [...applies, isBlind, any('goodMonitors')], (facts) => [
    texts.notMonitored(facts, false, true),
  ]);

  onlyAbout('minimal-instance-counts', 'dev', 'staging');
  rule('minimal-instance-counts', 'not-applicable', [environment('notEqual', 'prod'), none('hosted')], () => [
    texts.noInstanceCount,
  ]);
  for (const [where, usual] of [
    ['dev', dev.defaultInstances],
    ['staging', staging.defaultInstances],
  ] as const) {
    rule(
      'minimal-instance-counts',
      'advice',
      [environment('equal', where), any('scalingAbove', { instances: usual })],
      (_, found: HostedVariant[]) =>
        found.map(({ name, maxInstances }) => texts.manyInstances(name, maxInstances, usual)),
    );
  }

  rule('approved-instance-types', 'not-applicable', [none('hosted')], () => [texts.noInstanceType]);
  for (const where of ['dev', 'staging', 'prod'] as const) {
    rule(
      'approved-instance-types',
      'violation',
      [environment('equal', where), any('typesOutside', { allowed: where })],
      eachType((variant, type) =>
        settings[where].instanceTypes === 'any'
          ? texts.typeUnknown(variant, type)
          : texts.notApproved(variant, type, where),
      ),
    );
  }
  const dear = prod.approvalAboveHourlyCostUsd;
  rule('approved-instance-types', 'needs-approval', [isProd, any('hosted'), costAbove(dear)], (_, cost: HourlyCost) => [
    texts.dear(cost, dear),
  ]);

  rule('encrypted-artifacts', 'not-applicable', [none('artifacts')], () => [texts.noArtifacts]);
  rule('encrypted-artifacts', 'violation', [any('badEncryption')], (_, found: BadEncryption[]) => [
    ...new Set(
      found.map(({ kind, name, encryption }) =>
        (kind === 'object' ? texts.badObject : texts.badBucket)(name, encryption),
      ),
    ),
  ]);

  for (const each of rules) engine.addRule(each);

  const allowed: Record<string, (type: string) => boolean> = {
    dev: (type) => dev.instanceTypes.includes(type),
    staging: (type) => staging.instanceTypes.includes(type),
    prod: (type) =>
      prod.instanceTypes === 'any'
        ? settings.prices.prices[type] !== undefined || settings.prices.unpriced.includes(type)
        : prod.instanceTypes.includes(type),
  };
  const counts = ({ status, ...rest }: ObjectEncryption) =>
    status === 'encrypted' &&
    'algorithm' in rest &&
    settings.encryption.some((name) => name === (rest.algorithm === 'DSSE-KMS' ? 'SSE-KMS' : rest.algorithm));

  return async (facts) => {
    const hosted = facts.variants.filter(isHosted);
    /** In production an alarm must be able to speak, too. */
    const mayRollBack = (alarm: RollbackAlarm) =>
      alarm.exists && alarm.watchesEndpoint === true && (alarm.actionsEnabled || facts.environment.name !== 'prod');
    const { results } = await engine.run({
      environment: facts.environment.name,
      deploymentKnown: facts.deployment.known,
      hosted,
      artifacts: facts.artifacts,
      typesOutside: ({ allowed: where }: { allowed: Environment }) =>
        hosted.flatMap((variant) =>
          instanceTypesOf(variant)
            .filter((type) => !allowed[where]?.(type))
            .map((type): TypeInUse => ({ variant: variant.name, type })),
        ),
      mostInstances: () => hosted.reduce((sum, { maxInstances }) => sum + maxInstances, 0),
      // Variants without traffic do not count, unless none has any.
      servingBelow: ({ instances }: { instances: number }) =>
        (facts.variants.some(serves) ? hosted.filter(serves) : hosted.filter(({ shadow }) => !shadow)).filter(
          ({ minInstances }) => minInstances < instances,
        ),
      scalingAbove: ({ instances }: { instances: number }) =>
        hosted.filter(({ maxInstances }) => maxInstances > instances),
      cost: () => hourlyCost(facts, settings.prices, settings.pricesAlsoFor),
      unpriced: async (_: unknown, almanac: Almanac) => (await almanac.factValue<HourlyCost>('cost')).unknown,
      alarmsFor: ({ role }: { role: string }) => {
        if (!facts.deployment.known) return [];
        const patterns = alarmPatterns(settings, role, facts.endpoint.name);
        return facts.deployment.rollbackAlarms.filter(({ name }) =>
          patterns.some((pattern) => matchesPattern(pattern, name)),
        );
      },
      badAlarmsFor: async ({ role }: { role: string }, almanac: Almanac) => {
        const alarms = await almanac.factValue<RollbackAlarm[]>('alarmsFor', { role });
        return alarms.some(mayRollBack) ? [] : alarms;
      },
      /** The first alarm that fills the role, if there is something to say about it all the same. */
      remarkableFor: async ({ role }: { role: string }, almanac: Almanac) => {
        const alarm = (await almanac.factValue<RollbackAlarm[]>('alarmsFor', { role })).find(mayRollBack);
        return alarm?.exists && (alarm.state === 'ALARM' || !alarm.actionsEnabled) ? [alarm] : [];
      },
      monitorable: () =>
        hosted.filter(
          ({ models }) => !models.some(({ containers }) => containers.some(({ mode }) => mode === 'MultiModel')),
        ),
      captures: facts.dataCapture?.enabled === true && facts.dataCapture.samplingPercentage > 0,
      goodMonitors: () =>
        facts.monitors.filter(({ status, baselineUris }) => status === 'Scheduled' && baselineUris.length > 0),
      ageMinutes: () => (Date.parse(facts.readAt) - Date.parse(facts.createdAt)) / 60_000,
      badEncryption: () =>
        facts.artifacts.flatMap(({ uri, encryption, bucket }): BadEncryption[] => [
          ...(counts(encryption) ? [] : [{ kind: 'object' as const, name: uri, encryption }]),
          ...(counts(bucket.encryption)
            ? []
            : [{ kind: 'bucket' as const, name: bucket.name, encryption: bucket.encryption }]),
        ]),
    });
    const byPolicy = policies.map((): Result[] => []);
    const fired = results.map((result) => ({ result, ...(byName.get(result.name) as Written) }));
    // Rules of one priority run in parallel and end in any order.
    for (const { result, policy, messages } of fired.sort((a, b) => a.order - b.order)) {
      byPolicy[policy]?.push({
        outcome: result.event?.type as Outcome,
        messages: messages(facts, lastFact(result) as never),
      });
    }
    return write(byPolicy);
  };
}

function lastFact({ conditions }: RuleResult): unknown {
  const last = 'all' in conditions ? conditions.all.at(-1) : undefined;
  return last && 'factResult' in last ? last.factResult : undefined;
}

// ---------------------------------------------------------------------------------------------------------------------
// cel-js
//
// One environment; every expression is parsed and type-checked once at set-up, limits are constants. The facts are a
// `map`, so that they are used as zod gives them: declaring their types would have every expression convert them first.
// What nearly every expression asks is a variable of its own with a type, which spares the choice of an operator at run
// time; prices are a `Map`, which cel-js reads faster than an object. `cost` is a getter: computed only where an
// expression asks, and once. CEL's numbers from JSON are doubles, hence the limits are.
// ---------------------------------------------------------------------------------------------------------------------

type CelPolicy = {
  /** Says why the policy does not apply, or nothing. */
  unless: string;
  /** The messages of each outcome, worst first. */
  problems: (readonly [Outcome, string])[];
};

/** The instance types of variant v. */
const TYPES = `(v.kind == 'instance' ? [v.instanceType] : v.kind == 'instance-pool' ? v.pools.map(p, p.instanceType) : v.instanceTypes)`;

/** The messages about the instance types that are not allowed, whichever hosted variant has them. */
const typesWhere = (isWrong: string, message: string) =>
  `flat(hosted.map(v, ${TYPES}.filter(t, ${isWrong}).map(t, ${message})))`;

const notEncrypted = (what: string) =>
  `(${what}.status != 'encrypted' || !((${what}.algorithm == 'DSSE-KMS' ? 'SSE-KMS' : ${what}.algorithm) in encryption))`;

function celPolicies(settings: PolicySettings): Record<string, CelPolicy> {
  const about = (...environments: Environment[]) => {
    const wanted = environments.map((name) => DOING[name]).join(' and ');
    return `${environments.map((name) => `environment != '${name}'`).join(' && ')} ? about('${wanted}', environment, evidence)`;
  };
  const budget = (where: 'staging' | 'prod'): CelPolicy => ({
    unless: `${about(where)} : ''`,
    problems: [
      ['violation', `cost.unknown.map(what, costUnknown(what))`],
      ['violation', `cost.ceilingUsd > ${where}MaxHourlyCostUsd ? [overBudget(cost, ${where}MaxHourlyCostUsd)] : []`],
    ],
  });
  const multiModel = `v.models.exists(m, m.containers.exists(c, c.mode == 'MultiModel'))`;
  const excluded = `facts.variants.all(v, v.kind == 'serverless' || ${multiModel})`;
  const blind = `(facts.dataCapture == null || !facts.dataCapture.enabled || facts.dataCapture.samplingPercentage <= 0.0)`;
  const unmonitored = `!facts.monitors.exists(m, m.status == 'Scheduled' && size(m.baselineUris) > 0)`;
  /** `use` of the alarms that are named for a role, and of those among them that may roll back. */
  const ofRole = (use: string) => `cel.bind(
    patterns, alarmPatterns(role, facts.endpoint.name), cel.bind(
    named, facts.deployment.rollbackAlarms.filter(a, patterns.exists(p, matchesPattern(p, a.name))), cel.bind(
    good, named.filter(a, a.exists && a.watchesEndpoint == true && (a.actionsEnabled || environment != 'prod')),
    ${use})))`;
  const lacksOne = `requiredAlarms.exists(role, ${ofRole('size(good) == 0')})`;
  const aboutRoles = `flat(requiredAlarms.map(role, ${ofRole(
    `size(named) == 0 ? [noAlarm(role, patterns)]
      : size(good) > 0 ? aboutAlarm(good[0]) : flat(named.map(a, aboutAlarm(a)))`,
  )}))`;
  const young = `timestamp(facts.readAt) - timestamp(facts.createdAt) < monitoringGrace`;
  const anyType = settings.prod.instanceTypes === 'any';
  return {
    'dev-instance-type': {
      unless: `${about('dev')} : size(hosted) > 0 ? '' : noInstanceType`,
      problems: [['violation', typesWhere('!(t in devTypes)', 'notDev(v.name, t)')]],
    },
    'staging-instance-type': {
      unless: `${about('staging')} : size(hosted) > 0 ? '' : noInstanceType`,
      problems: [
        ['violation', typesWhere('!(t in stagingTypes)', 'notStaging(v.name, t)')],
        [
          'needs-approval',
          `cel.bind(instances, sum(hosted.map(v, v.maxInstances)),
            instances >= stagingApprovalFromInstances ? [manyInStaging(instances)] : [])`,
        ],
      ],
    },
    'prod-min-instances': {
      unless: `${about('prod')} : size(hosted) > 0 ? '' : spreadByAws`,
      problems: [
        [
          'violation',
          `hosted
            .filter(v, !v.shadow && v.minInstances < prodMinInstances
              && (v.weight > 0.0 || !facts.variants.exists(other, !other.shadow && other.weight > 0.0)))
            .map(v, fewInProd(v.name, v.minInstances))`,
        ],
      ],
    },
    'staging-budget': budget('staging'),
    'prod-budget': budget('prod'),
    'prod-human-approval': {
      unless: `${about('prod')} : ''`,
      problems: [['needs-approval', '[production]']],
    },
    'rollback-alarms': {
      unless: `''`,
      problems: [
        ['advice', `facts.deployment.known ? [] : [deploymentUnknown(facts.deployment.reason)]`],
        ['violation', `facts.deployment.known && ${lacksOne} ? ${aboutRoles} : []`],
        ['advice', `!facts.deployment.known || ${lacksOne} ? [] : ${aboutRoles}`],
      ],
    },
    'prod-model-monitor': {
      unless: `${about('prod')} : ${excluded} ? cannotMonitor(facts.variants) : ''`,
      problems: [
        ['advice', `${unmonitored} && !${blind} && ${young} ? [notYetMonitored(facts)] : []`],
        [
          'violation',
          `${blind} || ${unmonitored} && !(${young}) ? [notMonitored(facts, ${unmonitored}, ${blind})] : []`,
        ],
      ],
    },
    'minimal-instance-counts': {
      unless: `${about('dev', 'staging')} : size(hosted) > 0 ? '' : noInstanceCount`,
      problems: [
        [
          'advice',
          `cel.bind(usual, environment == 'dev' ? devDefaultInstances : stagingDefaultInstances,
            hosted.filter(v, v.maxInstances > usual)
              .map(v, manyInstances(v.name, v.maxInstances, usual)))`,
        ],
      ],
    },
    'approved-instance-types': {
      unless: `size(hosted) > 0 ? '' : noInstanceType`,
      problems: [
        [
          'violation',
          `environment == 'dev' ? ${typesWhere('!(t in devTypes)', `notApproved(v.name, t, 'dev')`)}
            : environment == 'staging' ? ${typesWhere('!(t in stagingTypes)', `notApproved(v.name, t, 'staging')`)}
            : ${anyType ? typesWhere('!(t in prices || t in unpriced)', 'typeUnknown(v.name, t)') : typesWhere('!(t in prodTypes)', `notApproved(v.name, t, 'prod')`)}`,
        ],
        [
          'needs-approval',
          `environment == 'prod' && cost.ceilingUsd > approvalAboveHourlyCostUsd
            ? [dear(cost, approvalAboveHourlyCostUsd)] : []`,
        ],
      ],
    },
    'encrypted-artifacts': {
      unless: `size(facts.artifacts) == 0 ? noArtifacts : ''`,
      problems: [
        [
          'violation',
          `distinct(flat(facts.artifacts.map(a,
            (${notEncrypted('a.encryption')} ? [badObject(a.uri, a.encryption)] : [])
            + (${notEncrypted('a.bucket.encryption')} ? [badBucket(a.bucket.name, a.bucket.encryption)] : []))))`,
        ],
      ],
    },
  };
}

function cel(settings: PolicySettings): Evaluate {
  const texts = textsFor(settings);
  const write = findingsWriter(settings);
  const { dev, staging, prod, prices } = settings;
  const environment = new CelEnvironment()
    .registerVariable('facts', 'map')
    .registerVariable('environment', 'string')
    .registerVariable('evidence', 'string')
    .registerVariable('hosted', 'list<map>')
    .registerVariable('cost', 'map')
    .registerConstant('devTypes', 'list<string>', dev.instanceTypes)
    .registerConstant('devDefaultInstances', 'double', dev.defaultInstances)
    .registerConstant('stagingTypes', 'list<string>', staging.instanceTypes)
    .registerConstant('stagingDefaultInstances', 'double', staging.defaultInstances)
    .registerConstant('stagingApprovalFromInstances', 'double', staging.approvalFromInstances)
    .registerConstant('stagingMaxHourlyCostUsd', 'double', staging.maxHourlyCostUsd)
    .registerConstant('prodTypes', 'list<string>', prod.instanceTypes === 'any' ? [] : prod.instanceTypes)
    .registerConstant('prodMinInstances', 'double', prod.minInstances)
    .registerConstant('prodMaxHourlyCostUsd', 'double', prod.maxHourlyCostUsd)
    .registerConstant('approvalAboveHourlyCostUsd', 'double', prod.approvalAboveHourlyCostUsd)
    .registerConstant('prices', 'map<string, double>', new Map(Object.entries(prices.prices)))
    .registerConstant('unpriced', 'list<string>', prices.unpriced)
    .registerConstant('requiredAlarms', 'list<string>', settings.requiredAlarms)
    .registerConstant('encryption', 'list<string>', settings.encryption)
    .registerConstant(
      'monitoringGrace',
      'google.protobuf.Duration',
      celEvaluate(`duration('${settings.monitoringGraceMinutes}m')`),
    )
    .registerConstant('noInstanceType', 'string', texts.noInstanceType)
    .registerConstant('noInstanceCount', 'string', texts.noInstanceCount)
    .registerConstant('spreadByAws', 'string', texts.spreadByAws)
    .registerConstant('noArtifacts', 'string', texts.noArtifacts)
    .registerConstant('production', 'string', texts.production)
    .registerFunction('about(string, string, string): string', texts.about)
    .registerFunction('notDev(string, string): string', texts.notDev)
    .registerFunction('notStaging(string, string): string', texts.notStaging)
    .registerFunction('manyInStaging(double): string', texts.manyInStaging)
    .registerFunction('fewInProd(string, double): string', texts.fewInProd)
    .registerFunction('costUnknown(string): string', texts.costUnknown)
    .registerFunction('overBudget(map, double): string', texts.overBudget)
    .registerFunction('dear(map, double): string', texts.dear)
    .registerFunction('deploymentUnknown(string): string', texts.deploymentUnknown)
    .registerFunction('noAlarm(string, list<string>): string', texts.noAlarm)
    .registerFunction('aboutAlarm(map): list<string>', texts.aboutAlarm)
    .registerFunction('cannotMonitor(list): string', texts.cannotMonitor)
    .registerFunction('notYetMonitored(map): string', texts.notYetMonitored)
    .registerFunction('notMonitored(map, bool, bool): string', texts.notMonitored)
    .registerFunction('manyInstances(string, double, double): string', texts.manyInstances)
    .registerFunction('notApproved(string, string, string): string', texts.notApproved)
    .registerFunction('typeUnknown(string, string): string', texts.typeUnknown)
    .registerFunction('badObject(string, map): string', texts.badObject)
    .registerFunction('badBucket(string, map): string', texts.badBucket)
    // What CEL has no words for: lists of lists, sums, sets, and our name patterns.
    .registerFunction('flat(list): list<string>', (lists: string[][]) => lists.flat())
    .registerFunction('sum(list): double', (numbers: number[]) => numbers.reduce((sum, each) => sum + each, 0))
    .registerFunction('distinct(list<string>): list<string>', (list: string[]) => [...new Set(list)])
    .registerFunction('matchesPattern(string, string): bool', matchesPattern)
    .registerFunction('alarmPatterns(string, string): list<string>', (role: string, endpoint: string) =>
      alarmPatterns(settings, role, endpoint),
    );

  const compile = (expression: string) => {
    const compiled = environment.parse(expression);
    const checked = compiled.check();
    if (!checked.valid) throw new Error(`CEL: ${expression}: ${checked.error?.message}`);
    return compiled;
  };
  const sources = celPolicies(settings);
  const compiled = policies.map(({ id }) => {
    const source = sources[id];
    if (!source) throw new Error(`policy ${id} is not written in CEL`);
    return {
      unless: compile(source.unless),
      problems: source.problems.map(([outcome, expression]) => ({ outcome, messagesOf: compile(expression) })),
    };
  });

  return (facts) => {
    let known: HourlyCost | undefined;
    const context = {
      facts,
      environment: facts.environment.name,
      evidence: facts.environment.evidence,
      hosted: facts.variants.filter(isHosted),
      get cost() {
        known ??= hourlyCost(facts, prices, settings.pricesAlsoFor);
        return known;
      },
    };
    return write(
      compiled.map(({ unless, problems }): Result[] => {
        const why: string = unless(context);
        if (why !== '') return [{ outcome: 'not-applicable', messages: [why] }];
        return problems.flatMap(({ outcome, messagesOf }) => {
          const messages: string[] = messagesOf(context);
          return messages.length > 0 ? [{ outcome, messages }] : [];
        });
      }),
    );
  };
}

// ---------------------------------------------------------------------------------------------------------------------

/** Our limits' defaults and the prices we ship: what a fresh installation enforces. */
export function benchSettings(): PolicySettings {
  const prices = readFileSync(new URL('../shared/prices/sagemaker-hosting-us-east-1.json', import.meta.url), 'utf8');
  return { ...PolicyLimits.parse({}), prices: PriceTable.parse(JSON.parse(prices)), pricesAlsoFor: [] };
}

export type PolicyEngine = { name: string; evaluate: Evaluate };

/** Ours first, then the peers with the same rules. */
export function policyEngines(settings: PolicySettings): [PolicyEngine, PolicyEngine, PolicyEngine] {
  return [
    { name: 'Portcullis', evaluate: (facts) => evaluate(facts, settings) },
    { name: 'cel-js 8', evaluate: cel(settings) },
    { name: 'json-rules-engine 7', evaluate: rulesEngine(settings) },
  ];
}

const parse = (text: string): EndpointFacts => EndpointFacts.parse(JSON.parse(text));

/** Where the engines say different things about the same facts, and what the facts never made anybody say. */
export async function disagreements(engines: readonly PolicyEngine[], texts: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  const outcomes = new Set<Outcome>();
  const fired = new Set<string>();
  const [own, ...peers] = engines;
  for (const text of texts) {
    const facts = parse(text);
    const expected = (await own?.evaluate(facts)) ?? [];
    for (const { policy, outcome } of expected) {
      outcomes.add(outcome);
      if (outcome !== 'pass' && outcome !== 'not-applicable') fired.add(policy);
    }
    for (const peer of peers) {
      const found = await peer.evaluate(facts);
      if (isDeepStrictEqual(found, expected)) continue;
      const at = expected.findIndex((finding, index) => !isDeepStrictEqual(finding, found[index]));
      problems.push(
        `${facts.endpoint.name}: ${peer.name} finds ${JSON.stringify(found[at])}, ${own?.name} ${JSON.stringify(expected[at])}`,
      );
    }
  }
  // `waived` is not an answer of a policy: it is what a waiver makes of one.
  for (const outcome of Outcome.options) {
    if (outcome !== 'waived' && !outcomes.has(outcome)) problems.push(`no finding is ${outcome}`);
  }
  for (const { id } of policies) if (!fired.has(id)) problems.push(`policy ${id} never found anything`);
  return problems;
}

const WARMUP = 2;

/**
 * JSON text to findings, by us and by two peers. A round is one batch; the batches go through all of the facts. Reading
 * alone and rules alone are sides of the same run, so that they can be held against the whole.
 */
export async function benchPolicies({ count = 10_000, rounds = 10 }: { count?: number; rounds?: number } = {}) {
  if (count < rounds) throw new Error(`${count} facts are not enough for ${rounds} rounds`);
  const texts = generateFacts(count).map((facts) => JSON.stringify(facts));
  const engines = policyEngines(benchSettings());
  const problems = await disagreements(engines, texts);
  if (problems.length > 0) {
    return { lines: problems.slice(0, 20), ok: false, result: { count, rounds, disagreements: problems.length } };
  }

  const size = Math.floor(count / rounds);
  const batches = Array.from({ length: rounds }, (_, index) => texts.slice(index * size, (index + 1) * size));
  const batch = (round: number) => batches[round % rounds] ?? [];
  const parsed = batches.map((each) => each.map(parse));
  // Counted, so that nothing can be left out because nobody looks at it.
  let findings = 0;
  let read = 0;
  const whole = ({ name, evaluate }: PolicyEngine) => ({
    name,
    run: async (round: number) => {
      for (const text of batch(round)) {
        const found = evaluate(parse(text));
        findings += (found instanceof Promise ? await found : found).length;
      }
    },
  });
  const rulesOnly = ({ name, evaluate }: PolicyEngine) => ({
    name: `rules only, ${name}`,
    run: async (round: number) => {
      for (const facts of parsed[round % rounds] ?? []) {
        const found = evaluate(facts);
        findings += (found instanceof Promise ? await found : found).length;
      }
    },
  });
  const [own, celjs, jsonRules] = engines;
  const sides = [
    whole(own),
    whole(celjs),
    whole(jsonRules),
    rulesOnly(own),
    rulesOnly(celjs),
    rulesOnly(jsonRules),
    {
      name: 'JSON.parse only',
      run: (round: number) => {
        for (const text of batch(round)) read += JSON.parse(text).schema;
      },
    },
    {
      name: 'JSON.parse and zod only',
      run: (round: number) => {
        for (const text of batch(round)) read += parse(text).schema;
      },
    },
  ] as const;
  const times = await interleave(sides, { rounds, warmup: WARMUP });
  const done = size * (rounds + WARMUP);
  if (findings !== 6 * done * policies.length || read !== 2 * done) throw new Error('a side left out some of its work');

  const [wholeOwn, wholeCel, wholeJson, rulesOwn, rulesCel, rulesJson, json, validated] = times;
  const microseconds = (ms: readonly number[]) => median(ms) * (1000 / size);
  const zodOwn = validated.map((ms, round) => ms - (json[round] ?? 0));
  const goals = [
    goal('json-rules-engine 7 / Portcullis', ratioOf(wholeJson, wholeOwn), 25),
    goal('cel-js 8 / Portcullis', ratioOf(wholeCel, wholeOwn), 1),
  ];
  const alone = {
    'json-rules-engine 7 / Portcullis': ratioOf(rulesJson, rulesOwn),
    'cel-js 8 / Portcullis': ratioOf(rulesCel, rulesOwn),
    'zod / rules of Portcullis': ratioOf(zodOwn, rulesOwn),
  };
  const medians = {
    ...Object.fromEntries(sides.map(({ name }, index) => [name, microseconds(times[index] ?? [])])),
    'zod (the difference)': microseconds(zodOwn),
  };
  const kilobytes = texts.reduce((sum, text) => sum + text.length, 0) / count / 1000;
  return {
    lines: [
      `Policies: ${count} endpoint facts (JSON, ${kilobytes.toFixed(1)} kB each) to ${policies.length} findings each; all engines agree on all of them.`,
      `${rounds} rounds of ${size} by turns; medians. Goals are about the whole: JSON text, zod, findings.`,
      '',
      ...table([['', 'us per facts'], ...Object.entries(medians).map(([name, us]) => [name, us.toFixed(1)])]),
      '',
      ...goalTable(goals),
      '',
      ...table([
        ['without reading', 'median (min to max)'],
        ...Object.entries(alone).map(([name, ratio]) => [name, formatRatio(ratio)]),
      ]),
    ],
    ok: goals.every(({ met }) => met),
    result: { count, rounds, batch: size, microsecondsPerFacts: medians, goals, withoutReading: alone },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, count: { type: 'string' }, rounds: { type: 'string' } },
  });
  const { lines, ok, result } = await benchPolicies({
    ...(values.count && { count: Number(values.count) }),
    ...(values.rounds && { rounds: Number(values.rounds) }),
  });
  console.log(values.json ? JSON.stringify(result, null, 2) : lines.join('\n'));
  process.exitCode = ok ? 0 : 1;
}
