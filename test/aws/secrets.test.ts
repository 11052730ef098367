import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { MalformedSecretError, readSecrets } from '../../shared/aws/secrets.ts';
import { SECRET_VARIABLES } from '../../shared/secret-variables.ts';
import { config, later, NOW } from '../builders.ts';
import { awsError, services } from '../fake-aws.ts';

const perfect = {
  slackWebhookUrl: 'https://hooks.slack.com/services/T000/B000/canary',
  slackSigningSecret: 'canary-signing-secret',
  slackBotToken: 'xoxb-canary-bot-token',
  oidcClientSecret: 'canary-client-secret',
  accessToken: 'canary-access-token-of-32-characters',
};
const broken: [keyof typeof perfect, string, RegExp][] = [
  ['slackWebhookUrl', 'http://canary.example/', /must begin with https:\/\/hooks\.slack\.com/],
  ['slackSigningSecret', 'canary', /must have at least 16 characters/],
  ['slackBotToken', 'canary-xoxp-0123456789012', /must be a bot token/],
  ['accessToken', 'canary', /must have at least 32 characters/],
  ['accessToken', `canary-access-token-of-32-characters,canary`, /must have at least 32 characters each/],
  [
    'accessToken',
    ['1', '2', '3'].map((each) => `canary-access-token-${'x'.repeat(32)}${each}`).join(),
    /two with a comma/,
  ],
  ['accessToken', `${'canary'.repeat(6)}, ${'canary'.repeat(6)}`, /two different tokens/],
];
const message = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was wrong',
    (error: Error) => {
      expect(error).toBeInstanceOf(MalformedSecretError);
      return error.message;
    },
  );

afterEach(() => vi.unstubAllEnvs());

describe('without a secret in Secrets Manager they come from the environment,', () => {
  const setAll = (values: Partial<typeof perfect>) => {
    for (const [field, value] of Object.entries(values)) {
      vi.stubEnv(SECRET_VARIABLES[field as keyof typeof perfect], value);
    }
  };

  test('each from its variable; what is not set or empty is not there', async () => {
    setAll(perfect);
    expect(await readSecrets(services())).toEqual(perfect);
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', '');
    expect(await readSecrets(services())).not.toHaveProperty('accessToken');
  });
  test.each(broken)(
    'and a malformed %s is an error that names its variable and not its value',
    async (field, value, why) => {
      setAll({ ...perfect, [field]: value });
      const said = await message(readSecrets(services()));
      expect(said).toMatch(why);
      expect(said).toContain(SECRET_VARIABLES[field]);
      expect(said).not.toContain('canary');
    },
  );
});

describe('on AWS they are one secret,', () => {
  /** Services whose secret is `value`, and how often it was read. */
  function holding(value: unknown) {
    const clock = { now: NOW };
    const built = services({ config: config({ secretId: 'portcullis-prod' }), now: () => clock.now });
    const mock = mockClient(built.secrets);
    const hold = (text: string) =>
      mock.on(GetSecretValueCommand, { SecretId: 'portcullis-prod' }).resolves({ SecretString: text });
    hold(typeof value === 'string' ? value : JSON.stringify(value));
    return { built, clock, hold, mock, reads: () => mock.commandCalls(GetSecretValueCommand).length };
  }

  test('and the environment is not asked', async () => {
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', 'another-access-token-of-32-characters');
    expect(await readSecrets(holding({ oidcClientSecret: 'x' }).built)).toEqual({ oidcClientSecret: 'x' });
  });
  test('which is read again after five minutes, so that a rotated one is used', async () => {
    const { built, clock, hold, reads } = holding(perfect);
    await readSecrets(built);
    hold(JSON.stringify({ ...perfect, oidcClientSecret: 'rotated' }));
    clock.now = later(299);
    expect(await readSecrets(built)).toEqual(perfect);
    expect(reads()).toBe(1);
    clock.now = later(300);
    expect((await readSecrets(built)).oidcClientSecret).toBe('rotated');
  });
  test('and one that cannot be read again is not replaced by what it was', async () => {
    const { built, clock, mock } = holding(perfect);
    await readSecrets(built);
    clock.now = later(300);
    mock.on(GetSecretValueCommand).rejects(awsError('AccessDeniedException'));
    await expect(readSecrets(built)).rejects.toThrow('AccessDeniedException');
  });
  test.each(broken)(
    'whose malformed %s is an error that names the field and not the value',
    async (field, value, why) => {
      const said = await message(readSecrets(holding({ ...perfect, [field]: value }).built));
      expect(said).toMatch(why);
      expect(said).toContain(`portcullis-prod: ${field}`);
      expect(said).not.toContain('canary');
    },
  );
  test.each([
    ['that is no JSON', '{"slackBotToken": "canary'],
    ['that is no object', '["canary"]'],
    ['with a value that is no text', { accessToken: { canary: 1 } }],
  ])('and one %s is an error without a word of it', async (_, value) => {
    const said = await message(readSecrets(holding(value).built));
    expect(said).toMatch(/must be a/);
    expect(said).not.toContain('canary');
  });
  test('and a misspelt name is an error, since the secret would not be used', async () => {
    expect(await message(readSecrets(holding({ slackToken: 'canary' }).built))).toBe(
      'The secret portcullis-prod: slackToken: there is no such secret',
    );
  });
});

describe('a secret in a file that PORTCULLIS_..._FILE names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-secret-file-'));
  const file = join(folder, 'access-token');
  const written = (text: string, mode = 0o600) => {
    rmSync(file, { force: true });
    writeFileSync(file, text, { mode });
    chmodSync(file, mode);
    vi.stubEnv('PORTCULLIS_ACCESS_TOKEN_FILE', file);
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is taken without the end of its line, and read anew each time', async () => {
    written(`${perfect.accessToken}\n`);
    expect(await readSecrets(services())).toEqual({ accessToken: perfect.accessToken });
    written(`${perfect.accessToken}-next`);
    expect(await readSecrets(services())).toEqual({ accessToken: `${perfect.accessToken}-next` });
  });
  test.each([
    ['others can read', () => written(perfect.accessToken, 0o640), 'has mode 640; chmod 600'],
    ['is too short', () => written('canary'), 'PORTCULLIS_ACCESS_TOKEN: must have at least 32 characters'],
    ['is not there', () => vi.stubEnv('PORTCULLIS_ACCESS_TOKEN_FILE', `${file}-none`), 'there is no file'],
    [
      'is a link',
      () => {
        written(perfect.accessToken);
        symlinkSync(file, `${file}-link`);
        vi.stubEnv('PORTCULLIS_ACCESS_TOKEN_FILE', `${file}-link`);
      },
      'is no regular file',
    ],
    [
      'is not the only place',
      () => {
        written(perfect.accessToken);
        vi.stubEnv('PORTCULLIS_ACCESS_TOKEN', perfect.accessToken);
      },
      'are both set',
    ],
  ])('that %s is an error that does not say what is in it', async (_what, arrange, why) => {
    arrange();
    const said = await message(readSecrets(services()));
    expect(said).toContain(why);
    expect(said).not.toContain('canary-access');
  });
});
