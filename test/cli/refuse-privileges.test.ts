import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { privilegesProblem, type Started } from '../../cli/refuse-privileges.ts';
import { asRoot, nobodysCache } from '../spawn-gate.ts';
import { root } from './portcullis.ts';

const started = (more: Partial<Started> = {}): Started => ({
  uid: 1000,
  euid: 1000,
  platform: 'linux',
  command: ['/usr/bin/node', '/opt/gate/bin/portcullis.mjs', 'up'],
  env: {},
  readable: () => true,
  ...more,
});
const problem = (more: Partial<Started>) => privilegesProblem('portcullis up', started(more));
const SETPRIV = /^ {2}(setpriv .*)$/m;

describe('whoever starts it', () => {
  test.each([
    ['an ordinary user', 1000, 1000, undefined],
    ['nobody', 65_534, 65_534, undefined],
    ['a system without such numbers', undefined, undefined, undefined],
    ['root', 0, 0, 'as root'],
    ['root that acts as somebody, and can be root again', 0, 1000, 'as root'],
    ['a program that makes whoever calls it root', 1000, 0, 'as root'],
    [
      'a program that makes whoever calls it somebody else',
      1000,
      33,
      'with rights of another user (uid 1000, effective 33)',
    ],
  ])('%s', (_who, uid, euid, refused) => {
    const said = problem({ uid, euid });
    if (refused === undefined) expect(said).toBeUndefined();
    else expect(said?.split('\n')[0]).toMatch(`portcullis up does not run ${refused}. It needs no such rights: `);
  });
});

describe('the way out', () => {
  const asTyped = (...args: string[]) =>
    SETPRIV.exec(
      problem({ uid: 0, euid: 0, command: ['/usr/bin/node', '/opt/gate/bin/portcullis.mjs', ...args] }) ?? '',
    )?.[1];
  const before = 'setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp /usr/bin/node';

  test('is the same command as somebody who owns nothing, with a directory that they can make', () => {
    expect(asTyped('up', '--once')).toBe(
      `${before} /opt/gate/bin/portcullis.mjs up --once --data /tmp/portcullis-65534`,
    );
  });
  test.each([[['--data', '/srv/gate']], [['--data=/srv/gate']]])('keeps the directory that was named: %j', (named) => {
    expect(asTyped('up', ...named)).toBe(`${before} /opt/gate/bin/portcullis.mjs up ${named.join(' ')}`);
  });
  test('can be typed as it stands, whatever is in it', () => {
    expect(asTyped('up', '--data', "it's; rm -rf $HOME")).toContain(`--data 'it'\\''s; rm -rf $HOME'`);
  });
  test('is none where that user could not read the program; then it says what to move', () => {
    const readable = (path: string) => !path.startsWith('/locked');
    const said = problem({
      uid: 0,
      euid: 0,
      command: ['/locked/node', '/locked/gate/bin/portcullis.mjs', 'up'],
      readable,
    });
    expect(said).not.toMatch(SETPRIV);
    expect(said).toContain('Nobody else can read /locked/node and /locked/gate/bin/portcullis.mjs');
  });
  test('is to leave sudo out for whoever used it, and an ordinary user where there is no setpriv', () => {
    const sudo = problem({ uid: 0, euid: 0, env: { SUDO_UID: '1000' } });
    expect(sudo).toContain('Start it without sudo.');
    expect(sudo).not.toMatch(SETPRIV);
    expect(problem({ uid: 0, euid: 0, platform: 'darwin' })).not.toMatch(SETPRIV);
  });
});

// As it is typed; only whoever is root can see this.
describe.runIf(asRoot)('root, really,', () => {
  // A port that there is not, so that nothing is started where it is not refused.
  const args = ['bin/portcullis.mjs', 'up', '--aws-port', '70000'];

  test('is refused with 77 and the reason; the command that is given gets past that, to the mistake in it', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 77, stdout: '' });
    expect(stderr).toContain('portcullis up does not run as root. It needs no such rights');
    const command = SETPRIV.exec(stderr)?.[1];
    if (command === undefined || !existsSync('/usr/bin/setpriv')) {
      expect(stderr).toMatch(/Start it without sudo|Nobody else can read|setpriv/);
      return;
    }
    const env = { ...process.env, NODE_COMPILE_CACHE: nobodysCache() };
    const again = spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8', env });
    expect({ status: again.status, stderr: again.stderr }).toEqual({
      status: 64,
      stderr: '--aws-port is 70000; it must be a whole number from 0 to 65535.\n',
    });
  });

  test('deploys nothing, and may package', () => {
    const deploy = [join(root, 'scripts/package.ts'), '--stage', 'nowhere', '--deploy'];
    const refused = spawnSync(process.execPath, deploy, { cwd: root, encoding: 'utf8' });
    expect(refused.status).toBe(77);
    expect(refused.stderr).toContain('The deployment does not run as root');
  });
});
