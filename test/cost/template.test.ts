import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { newInvocation } from '../../cost/meter.ts';
import { ASSUMED, type Assumed } from '../../cost/mix.ts';
import { givenBy, type Prices, restLines, usedLines } from '../../cost/model.ts';
import prices from '../../cost/prices.json' with { type: 'json' };
import { FREE, PRICED } from '../../cost/resources.ts';
import {
  lambdasOf,
  matches,
  ofType,
  patternsOf,
  resourcesOf,
  stateMachineOf,
  sweepsPerMonth,
  type Template,
  tasksOf,
} from '../../cost/template.ts';
import { waitsFor } from '../../cost/transitions.ts';
import { usageOf } from '../../cost/usage.ts';
import { readTemplate, root } from '../infra/packaged.ts';

describe('a template', () => {
  const template = (Conditions: Template['Conditions'] = {}): Template => ({
    Resources: { A: { Type: 'T' }, B: { Type: 'T', Condition: 'C' } },
    Conditions,
  });
  test.each([
    [{ 'Fn::Equals': ['own', 'own'] }, 2],
    [{ 'Fn::Equals': ['own', 'existing'] }, 1],
    [{ 'Fn::Not': [{ 'Fn::Equals': ['', ''] }] }, 1],
    [{ 'Fn::Or': [{ 'Fn::Equals': ['', 'a'] }, { 'Fn::Equals': ['', ''] }] }, 2],
    [{ 'Fn::And': [{ 'Fn::Equals': ['', 'a'] }, { 'Fn::Equals': ['', ''] }] }, 1],
  ])('makes what its conditions let it make: %j', (C, resources) => {
    expect(resourcesOf(template({ C }))).toHaveLength(resources);
  });
  test('a condition that is not understood is refused', () => {
    expect(() => resourcesOf(template({ C: { Ref: 'Stage' } }))).toThrow('not understood');
  });
  test('a schedule by the hour runs 720 times a month, and one that is not understood is refused', () => {
    const scheduled = (ScheduleExpression: string): Template => ({
      Resources: { S: { Type: 'AWS::Scheduler::Schedule', Properties: { ScheduleExpression } } },
    });
    expect(sweepsPerMonth(scheduled('rate(1 hour)'))).toBe(720);
    expect(() => sweepsPerMonth(scheduled('cron(0 * * * ? *)'))).toThrow('not understood');
  });
});

describe('an event pattern', () => {
  const event = { source: 'aws.sagemaker', detail: { eventName: 'UpdateEndpoint', more: { service: 'x-y' } } };
  test.each([
    [{ source: ['aws.other', 'aws.sagemaker'] }, true],
    [{ source: ['aws.other'] }, false],
    [{ detail: { eventName: ['UpdateEndpoint'], errorCode: [{ exists: false }] } }, true],
    [{ detail: { eventName: [{ exists: false }] } }, false],
    [{ detail: { more: { service: [{ prefix: 'x-' }] } } }, true],
    [{ detail: { none: { service: ['x-y'] } } }, false],
    [{ source: [{ 'Fn::Sub': 'arn' }] }, true],
  ])('%j lets the event through: %s', (pattern, through) => {
    expect(matches(pattern as never, event)).toBe(through);
  });
  test('a filter that is not understood is refused', () => {
    expect(() => matches({ source: [{ cidr: '10.0.0.0/8' }] } as never, event)).toThrow('not understood');
  });
});

describe('the packaged template', () => {
  let template: Template;
  beforeAll(async () => {
    template = (await readTemplate('dev')) as Template;
  }, 180_000);

  const linesOf = () => {
    const assumed = Object.fromEntries(Object.entries(ASSUMED).map(([name, { value }]) => [name, value])) as Assumed;
    const given = givenBy(template, prices.prices as Prices, assumed);
    const basis = {
      machine: stateMachineOf(template),
      logLines: { done: 1, failed: 1, metric: 1, platform: 1 },
      assumed,
    };
    const usage = usageOf([{ ...newInvocation('sweep'), readUnits: 1 }], [], basis);
    return [...usedLines(usage, given), ...restLines({ template, sweep: usage, change: usage, metrics: 1 }, given)];
  };

  test('has no type of resource that is neither priced nor free for a reason, nor both', () => {
    const types = [...new Set(Object.values(template.Resources).map(({ Type }) => Type))];
    expect(types.length).toBeGreaterThan(20);
    expect(types.filter((type) => !(type in PRICED) && !(type in FREE))).toEqual([]);
    expect(Object.keys(PRICED).filter((type) => type in FREE)).toEqual([]);
    for (const reason of Object.values(FREE)) expect(reason.length).toBeGreaterThan(5);
  });
  test('what is priced is priced by lines that are on the bill', () => {
    const ids = linesOf().map(({ id }) => id);
    for (const [type, by] of Object.entries(PRICED)) for (const id of by) expect(ids, type).toContain(id);
  });
  test('alarms, keys and dashboards are counted by the template', () => {
    const lines = linesOf();
    const quantity = (id: string) => lines.find((line) => line.id === id)?.quantity;
    expect(quantity('alarms')).toBeGreaterThanOrEqual(ofType(template, 'AWS::CloudWatch::Alarm').length);
    expect(quantity('keys')).toBe(ofType(template, 'AWS::KMS::Key').length);
    expect(quantity('dashboards')).toBe(ofType(template, 'AWS::CloudWatch::Dashboard').length);
  });
  test('every Lambda is a function of ours whose calls can be counted, on one architecture', () => {
    const lambdas = lambdasOf(template);
    const files = readdirSync(join(root, 'functions')).map((name) => name.replace('.ts', ''));
    expect([...lambdas.keys()].sort()).toEqual(files.sort());
    expect(new Set([...lambdas.values()].map(({ architecture }) => architecture)).size).toBe(1);
    for (const [name, { memoryMb }] of lambdas) expect(memoryMb, name).toBeGreaterThanOrEqual(128);
  });
  test('every task of the state machine is one of these', () => {
    const machine = stateMachineOf(template);
    const tasks = tasksOf(machine);
    expect([...tasks.keys()]).toEqual(
      Object.entries(machine.States).flatMap(([name, { Type }]) => (Type === 'Task' ? [name] : [])),
    );
    for (const lambda of tasks.values()) expect([...lambdasOf(template).keys()]).toContain(lambda);
  });
  test('its rules let through what SageMaker tells of an endpoint, and not the making of models', () => {
    const patterns = patternsOf(template);
    const through = (event: Record<string, unknown>) => patterns.some((pattern) => matches(pattern, event));
    expect(through({ source: 'aws.sagemaker', 'detail-type': 'SageMaker Endpoint State Change', detail: {} })).toBe(
      true,
    );
    const call = (eventName: string) =>
      through({
        source: 'aws.sagemaker',
        'detail-type': 'AWS API Call via CloudTrail',
        detail: { eventSource: 'sagemaker.amazonaws.com', eventName },
      });
    expect([call('UpdateEndpoint'), call('CreateModel')]).toEqual([true, false]);
  });
  test('a deployment is looked at again, further and further apart', () => {
    const machine = stateMachineOf(template);
    expect(waitsFor(machine, 0)).toEqual([]);
    const waits = waitsFor(machine, 60);
    expect(waits.length).toBeGreaterThan(0);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
  });
});
