import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readPlan } from '../shared/model/submitted-plan.ts';
import { NOW } from './builders.ts';
import { root } from './cli/portcullis.ts';
import { commandsIn, wrongWith } from './documented-commands.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('example plans', () => {
  const files = readdirSync(join(root, 'examples/plans')).filter((name) => name.endsWith('.yaml'));
  test('are there', () => expect(files.length).toBeGreaterThanOrEqual(3));
  test.each(files)('%s can be submitted', (name) => {
    expect(readPlan(parse(read(`examples/plans/${name}`)), NOW)).toHaveProperty('plan');
  });
});

describe('example pipelines', () => {
  type Actions = { jobs: Record<string, { steps: { run?: string; uses?: string }[] }> };
  type Gitlab = Record<string, { script?: string[]; before_script?: string[] }>;
  const actions = parse(read('examples/ci/github-actions.yml')) as Actions;
  const gitlab = parse(read('examples/ci/gitlab-ci.yml')) as Gitlab;
  const scripts = [
    ...Object.values(actions.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? [])),
    ...Object.values(gitlab).flatMap(({ script = [], before_script = [] }) => [...before_script, ...script]),
  ];
  test('have something to run, which asks, waits and deploys', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(6);
    expect(scripts.filter((script) => script.startsWith('node examples/deploy-model/deploy.ts'))).toHaveLength(2);
  });
  test.each(scripts)('run commands that there are: %s', async (script) => {
    // What the pipeline's own language puts in is a value.
    const wrong = await Promise.all(commandsIn(script.replaceAll(/\$\{\{[^}]*\}\}/g, 'value')).map(wrongWith));
    expect(wrong.flat()).toEqual([]);
  });
  test('pass options that `portcullis plan submit` has', async () => {
    for (const script of scripts.filter((each) => each.startsWith('node '))) {
      const [given] = commandsIn(script.replaceAll(/\$\{\{[^}]*\}\}/g, 'value'));
      const words = given?.words ?? [];
      const options = words.slice(words.indexOf('--role') + 2);
      expect(options).toContain('--timeout');
      const command = { line: script, words: ['npx', 'portcullis', 'plan', 'submit', 'plan.yaml', ...options] };
      expect(await wrongWith(command)).toEqual([]);
    }
  });
});
