import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Published = { name: string; version: string; code: string; integrity: string; tarball: Buffer };

/** A package of one file, packed as npm packs it. */
export function published(name: string, version: string, code: string): Published {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-packed-'));
  try {
    mkdirSync(join(folder, 'package'));
    const own = { name, version, license: 'MIT', type: 'module', main: 'index.js' };
    writeFileSync(join(folder, 'package/package.json'), JSON.stringify(own));
    writeFileSync(join(folder, 'package/index.js'), code);
    const packed = spawnSync('tar', ['-czf', 'packed.tgz', 'package'], { cwd: folder });
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
    const tarball = readFileSync(join(folder, 'packed.tgz'));
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    return { name, version, code, integrity, tarball };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A registry of these packages on the loopback address, which knows these advisories. */
export async function npmRegistry(packages: readonly Published[], advisories: Record<string, object[]> = {}) {
  const server = createServer((request, response) => {
    request.resume();
    const path = decodeURIComponent(request.url ?? '');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const packed = packages.find(({ name, version }) => path === `/${name}/-/${name}-${version}.tgz`);
    if (packed) return response.end(packed.tarball);
    const versions = packages.filter(({ name }) => path === `/${name}`);
    const [last] = versions.slice(-1);
    response.setHeader('content-type', 'application/json');
    if (path.endsWith('/advisories/bulk')) return response.end(JSON.stringify(advisories));
    if (!last) return response.writeHead(404).end('{}');
    const entries = versions.map(({ name, version, integrity }) => [
      version,
      { name, version, license: 'MIT', dist: { integrity, tarball: `${address}/${name}/-/${name}-${version}.tgz` } },
    ]);
    const document = { name: last.name, 'dist-tags': { latest: last.version }, versions: Object.fromEntries(entries) };
    return response.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cache = mkdtempSync(join(tmpdir(), 'portcullis-npm-cache-'));
  return {
    env: {
      PATH: process.env.PATH,
      HOME: cache,
      npm_config_cache: cache,
      npm_config_registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      rmSync(cache, { recursive: true, force: true });
    },
  };
}
