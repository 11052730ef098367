// Writes the software bill of materials (CycloneDX) of what is installed to build/sbom.cdx.json, or to the file that is
// named. `npm run sbom`, `npm run sbom -- other.json`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSbom } from '../cli/sbom.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const file = process.argv[2] ?? 'build/sbom.cdx.json';
try {
  const sbom = await readSbom({ root, env: process.env });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`);
  console.log(`${sbom.components.length} components of CycloneDX ${sbom.specVersion} are in ${file}.`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
