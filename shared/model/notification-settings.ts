import * as z from 'zod';
import { Environment } from './environment.ts';

/** How people are told: `notifications` in `portcullis.yaml`. Secrets of Slack stand elsewhere. */
export const NotificationSettings = z.strictObject({
  mails: z
    .enum(['always', 'unless-slack'])
    .default('always')
    .describe(
      'With `unless-slack`, approvers are mailed only what Slack did not take. Codes to log in are mailed in any case.',
    ),
  slack: z
    .strictObject({
      channel: z
        .string()
        .regex(/^[CG][A-Z0-9]{2,30}$/, 'must be the id of a channel, such as C0123ABCD')
        .optional()
        .describe('Where our Slack app posts. Without it an incoming webhook posts where it was made for.'),
      appId: z
        .string()
        .regex(/^A[A-Z0-9]{2,30}$/, 'must be the id of a Slack app, such as A0123ABCD')
        .optional()
        .describe('The app whose clicks are taken; needed for buttons.'),
      buttons: z
        .array(Environment)
        .default([])
        .describe(
          'Environments whose requests can be answered in Slack itself. Elsewhere a message has a link to the page.',
        ),
    })
    .refine(
      ({ buttons, channel, appId }) => buttons.length === 0 || (channel !== undefined && appId !== undefined),
      'buttons need channel and appId',
    )
    .prefault({}),
});
export type NotificationSettings = z.infer<typeof NotificationSettings>;
