import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { portcullis } from './portcullis.ts';

test('the runtime does not start with a malformed secret; it says which, and not what it is', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-secrets-'));
  const run = await portcullis(['up', '--data', dataDir, '--fleet', 'none', '--aws-port', '0', '--console-port', '0'], {
    env: { PORTCULLIS_SLACK_BOT_TOKEN: 'canary-that-is-no-bot-token' },
  });
  rmSync(dataDir, { recursive: true });
  expect(run.code).not.toBe(0);
  expect(run.err).toContain('PORTCULLIS_SLACK_BOT_TOKEN: must be a bot token, which begins with xoxb-');
  expect(`${run.out}${run.err}`).not.toContain('canary');
});
