import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { give } from '../spawn-gate.ts';
import { portcullis } from './portcullis.ts';

test('the runtime does not start with a malformed secret; it says which, and not what it is', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-secrets-'));
  give(dataDir);
  const run = await portcullis(['up', '--data', dataDir, '--fleet', 'none', '--aws-port', '0', '--console-port', '0'], {
    env: {
      PORTCULLIS_SLACK_BOT_TOKEN: 'canary-that-is-no-bot-token',
      PORTCULLIS_ENCRYPTION_IN_TRANSIT: 'true',
      PORTCULLIS_TLS_VERIFY: 'false',
      PORTCULLIS_TLS_CA_FILE: join(dataDir, 'none.pem'),
      PORTCULLIS_ENV_FILE: dataDir,
    },
  });
  rmSync(dataDir, { recursive: true });
  expect(run.code).not.toBe(0);
  expect(run.err).toContain('PORTCULLIS_SLACK_BOT_TOKEN: must be a bot token, which begins with xoxb-');
  expect(run.err).toContain('PORTCULLIS_ENCRYPTION_IN_TRANSIT: "true": needs PORTCULLIS_TLS_CERT_FILE');
  expect(run.err).toContain('PORTCULLIS_TLS_VERIFY: "false": tls-verification cannot be switched off in prod');
  expect(run.err).toContain('none.pem cannot be read');
  expect(run.err).toContain('PORTCULLIS_ENV_FILE: ');
  expect(run.err).toContain('The configuration has 5 mistakes');
  expect(`${run.out}${run.err}`).not.toContain('canary');
});
