import { describe, expect, test } from 'vitest';
import { LoginSettings } from '../../shared/model/login-settings.ts';

const provider = (issuer: string) => LoginSettings.safeParse({ oidc: { issuer, clientId: 'gate' } });

describe('login settings', () => {
  test('need nothing: codes are mailed, and sessions last eight hours', () => {
    expect(LoginSettings.parse({})).toEqual({ sessionHours: 8 });
  });
  test.each(['https://id.example.com', 'https://login.example.com/tenant/v2.0', 'http://127.0.0.1:8080'])(
    'take the provider %s',
    (issuer) => expect(provider(issuer).success).toBe(true),
  );
  test.each(['http://id.example.com', 'id.example.com', 'javascript:alert(1)', ''])(
    'refuse the provider %s',
    (issuer) => {
      expect(provider(issuer).success).toBe(false);
    },
  );
  test.each([0, -1, 25])('refuse sessions of %s hours', (sessionHours) => {
    expect(LoginSettings.safeParse({ sessionHours }).success).toBe(false);
  });
});
