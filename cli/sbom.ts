import * as z from 'zod';
import { jsonOf, reasonOf, runNpm } from './security-audit/npm.ts';

const Component = z.looseObject({
  type: z.string(),
  name: z.string().min(1),
  version: z.string().min(1),
  purl: z.string().startsWith('pkg:npm/'),
  'bom-ref': z.string().min(1),
});

/** What is relied on of a software bill of materials in CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/). */
export const Sbom = z
  .looseObject({
    bomFormat: z.literal('CycloneDX'),
    specVersion: z.string().regex(/^1\.[5-9]$/, 'must be 1.5 or newer'),
    serialNumber: z.string().regex(/^urn:uuid:[0-9a-f-]{36}$/),
    metadata: z.looseObject({ timestamp: z.iso.datetime(), component: Component }),
    components: z.array(Component),
    dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
  })
  .refine(
    ({ components, metadata, dependencies }) => {
      const refs = new Set([metadata.component, ...components].map((each) => each['bom-ref']));
      return dependencies.every(({ ref, dependsOn = [] }) => [ref, ...dependsOn].every((each) => refs.has(each)));
    },
    { message: 'a dependency names a component that is not there' },
  );
export type Sbom = z.infer<typeof Sbom>;

/** What is installed in a directory, asked of npm. Throws where npm cannot tell, or tells something else. */
export async function readSbom({ root, env }: { root: string; env: NodeJS.ProcessEnv }): Promise<Sbom> {
  const run = await runNpm(['sbom', '--sbom-format=cyclonedx', '--sbom-type=application'], { cwd: root, env });
  const told = jsonOf(run);
  if (run.code !== 0 || told === undefined) throw new Error(`npm sbom: ${reasonOf(run)}`);
  return Sbom.parse(told);
}
