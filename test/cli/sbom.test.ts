import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSbom, Sbom } from '../../cli/sbom.ts';
import { cycloneDxErrors } from '../published-cyclonedx.ts';
import { type SmallProject, smallProject } from '../small-project.ts';

let project: SmallProject;
let sbom: Sbom;
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
beforeAll(async () => {
  project = smallProject();
  const module = (name: string, version: string, dependencies = {}) =>
    project.write(`node_modules/${name}/package.json`, JSON.stringify({ name, version, dependencies }));
  module('left-side', '1.0.1', { 'native-thing': '2.0.0' });
  module('native-thing', '2.0.0');
  sbom = await readSbom({ root: project.root, env });
});
afterAll(() => project.remove());

test('what npm tells of a project is a bill of materials', () => {
  expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
  expect(sbom.metadata.component).toMatchObject({ type: 'application', purl: 'pkg:npm/small@1.0.0' });
  expect(sbom.components.map(({ purl }) => purl).sort()).toEqual([
    'pkg:npm/left-side@1.0.1',
    'pkg:npm/native-thing@2.0.0',
  ]);
  expect(sbom.dependencies).toContainEqual({ ref: 'left-side@1.0.1', dependsOn: ['native-thing@2.0.0'] });
});

test('it is as the published schema of CycloneDX has it, and another would be found out', () => {
  expect(cycloneDxErrors(sbom)).toEqual([]);
  const [first] = sbom.components;
  expect(
    cycloneDxErrors({ ...sbom, components: [{ ...first, type: 'package', licenses: [{ license: {} }] }] }),
  ).toEqual(expect.arrayContaining([expect.stringContaining('/components/0')]));
});

test.each<[string, (whole: Sbom) => object]>([
  ['is of another format', () => ({ bomFormat: 'SPDX' })],
  ['has no component of its own', ({ metadata: { component: _, ...metadata } }) => ({ metadata })],
  ['has a component without a version', ({ components }) => ({ components: [{ ...components[0], version: '' }] })],
  ['depends on what is not in it', () => ({ components: [] })],
])('what %s is refused', (_what, broken) => {
  expect(Sbom.safeParse(sbom).success).toBe(true);
  expect(Sbom.safeParse({ ...sbom, ...broken(sbom) }).success).toBe(false);
});
