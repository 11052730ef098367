import { afterEach, expect, test, vi } from 'vitest';
import { watchedAccount } from '../../cli/up-watch.ts';
import { Protection, protectionVariable } from '../../shared/model/protection.ts';

afterEach(() => vi.unstubAllEnvs());

test.each(Protection.options)(
  'no account is watched, and nothing is asked of it, while %s is switched off',
  async (protection) => {
    const name = protectionVariable(protection);
    vi.stubEnv('PORTCULLIS_CONFIG', '/dev/null');
    vi.stubEnv('PORTCULLIS_STAGE', 'dev');
    vi.stubEnv(name, 'false');
    // Where nothing answers, so a question would end in another error.
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    await expect(watchedAccount('us-east-1')).rejects.toThrow(`${name}: nothing can be switched off`);
  },
);
