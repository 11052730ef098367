import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Nobody's, and put together here, so that this file holds nothing that looks like a secret. */
export const STRONG_TOKEN = ['q7Zr2LmXv9Tc', '4Wb8Kd3Hs6Ny1', 'Pf5Gj0Ru'].join('');
export const NOW = '2026-11-21T09:00:00.000Z';
const INTEGRITY = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const IAM = {
  Resources: {
    GateRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        Policies: [
          {
            PolicyDocument: {
              Statement: [
                { Effect: 'Allow', Action: 'sagemaker:ListEndpoints', Resource: '*' },
                {
                  Sid: 'Write',
                  Effect: 'Allow',
                  Action: 'dynamodb:PartiQLInsert',
                  Resource: 'arn:aws:dynamodb:a:b:table/t',
                },
              ],
            },
          },
        ],
      },
    },
  },
};

/** Every file of a small project in which nothing is wrong. */
const FILES: Record<string, string> = {
  'package.json': json({
    name: 'small',
    version: '1.0.0',
    private: true,
    license: 'MIT',
    dependencies: { 'left-side': '^1.0.0' },
    allowScripts: { 'native-thing': false },
  }),
  'package-lock.json': json({
    name: 'small',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'small', version: '1.0.0', license: 'MIT', dependencies: { 'left-side': '^1.0.0' } },
      'node_modules/left-side': {
        version: '1.0.1',
        resolved: 'https://registry.npmjs.org/left-side/-/left-side-1.0.1.tgz',
        integrity: INTEGRITY,
        license: 'MIT',
        dependencies: { 'native-thing': '2.0.0' },
      },
      'node_modules/native-thing': {
        version: '2.0.0',
        integrity: INTEGRITY,
        license: '(MIT OR GPL-3.0-only)',
        hasInstallScript: true,
      },
    },
  }),
  'security-audit.yaml': 'licences: [MIT, Apache-2.0]\n',
  '.gitignore': 'node_modules/\nbuild/\n.env\n',
  'cli/main.ts': "import { execFile } from 'node:child_process';\nexecFile('ls', ['-l']);\n",
  '.env': 'PORTCULLIS_STAGE=dev\n',
  'build/dev/package/cloudformation-template-update-stack.json': json(IAM),
  'advisories.jsonl': `${JSON.stringify({
    id: 'GHSA-aaaa-bbbb-cccc',
    modified: '2026-11-20T00:00:00Z',
    summary: 'left-side falls over',
    affected: [
      {
        package: { ecosystem: 'npm', name: 'left-side' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
      },
    ],
    database_specific: { severity: 'HIGH' },
  })}\n`,
};

export type SmallProject = {
  root: string;
  write: (path: string, text: string, mode?: number) => void;
  read: (path: string) => string;
  /** Changes a JSON file. */
  edit: (path: string, change: (value: never) => void) => void;
  git: (...args: string[]) => void;
  /** The same once more, to break. */
  copy: () => SmallProject;
  remove: () => void;
};

function at(root: string): SmallProject {
  const project: SmallProject = {
    root,
    write: (path, text, mode = 0o644) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
      chmodSync(join(root, path), mode);
    },
    read: (path) => readFileSync(join(root, path), 'utf8'),
    edit: (path, change) => {
      const value = JSON.parse(project.read(path)) as never;
      change(value);
      project.write(path, json(value));
    },
    git: (...args) => {
      const identity = ['-c', 'user.name=asha', '-c', 'user.email=asha@example.com', '-c', 'commit.gpgsign=false'];
      const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd: root, encoding: 'utf8' });
      if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    },
    copy: () => {
      const other = mkdtempSync(join(tmpdir(), 'portcullis-small-'));
      cpSync(root, other, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      return at(other);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  return project;
}

/** A project of its own with a history of one commit, in a directory of its own. */
export function smallProject(): SmallProject {
  const project = at(mkdtempSync(join(tmpdir(), 'portcullis-small-')));
  for (const [path, text] of Object.entries(FILES)) project.write(path, text, path === '.env' ? 0o600 : 0o644);
  project.git('init', '--quiet', '--initial-branch=main');
  project.git('add', '--all');
  project.git('commit', '--quiet', '--message=first');
  return project;
}
