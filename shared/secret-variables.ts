/**
 * The environment variable of each secret, where there is no Secrets Manager: `PORTCULLIS_SLACK_WEBHOOK_URL`, or with
 * `_FILE` behind it the file that it is in, which an environment does not show to whoever looks at the process.
 */
export const SECRET_VARIABLES = {
  slackWebhookUrl: 'PORTCULLIS_SLACK_WEBHOOK_URL',
  slackSigningSecret: 'PORTCULLIS_SLACK_SIGNING_SECRET',
  slackBotToken: 'PORTCULLIS_SLACK_BOT_TOKEN',
  oidcClientSecret: 'PORTCULLIS_OIDC_CLIENT_SECRET',
  accessToken: 'PORTCULLIS_ACCESS_TOKEN',
} as const;
