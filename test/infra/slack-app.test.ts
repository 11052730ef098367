import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { slackRoutes } from '../../console/slack-routes.ts';
import { root } from './packaged.ts';

type Manifest = {
  oauth_config: { scopes: Record<string, string[]> };
  settings: { interactivity: { is_enabled: boolean; request_url: string }; socket_mode_enabled: boolean };
  features: { bot_user: object; slash_commands?: object };
};
const manifest = parse(readFileSync(join(root, 'deployment/slack-app-manifest.yml'), 'utf8')) as Manifest;

test('the Slack app may write messages and nothing else', () => {
  expect(manifest.oauth_config.scopes).toEqual({ bot: ['chat:write'] });
  expect(Object.keys(manifest.features)).toEqual(['bot_user']);
  expect(manifest.settings).not.toHaveProperty('event_subscriptions');
});
test('clicks are sent to the address that takes them', () => {
  const { is_enabled, request_url } = manifest.settings.interactivity;
  expect(is_enabled).toBe(true);
  expect(slackRoutes.map(({ method, path }) => `${method} ${path}`)).toEqual([`POST ${new URL(request_url).pathname}`]);
  expect(manifest.settings.socket_mode_enabled).toBe(false);
});
