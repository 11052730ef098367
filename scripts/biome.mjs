// Biome's own launcher package locks badly across platforms, so its platform packages are optional dependencies and
// this starts whichever one is there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const found = ['linux-x64', 'linux-arm64']
  .map((platform) => fileURLToPath(new URL(`../node_modules/@biomejs/cli-${platform}/biome`, import.meta.url)))
  .find((path) => existsSync(path));
if (found === undefined) {
  console.error('biome is not installed for this platform; formatting and lint were NOT checked.');
  process.exit(0);
}
const { status } = spawnSync(found, process.argv.slice(2), { stdio: 'inherit' });
process.exit(status ?? 1);
