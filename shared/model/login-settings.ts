import * as z from 'zod';
import { isLoopbackUrl } from './loopback.ts';

const Provider = z.strictObject({
  issuer: z
    .url()
    .refine((url) => url.startsWith('https://') || isLoopbackUrl(url), 'must be https')
    .describe('Address of the provider, as in the `iss` of its tokens.'),
  clientId: z
    .string()
    .min(1)
    .describe('As registered there, with the redirect address `<console>/login/callback` and a client secret.'),
});

/** How people log in to the console: `login` in `portcullis.yaml`. */
export const LoginSettings = z.strictObject({
  oidc: Provider.optional().describe(
    'Any OpenID Connect provider; approvers are told by their `oidcSubject`. Without it a code is mailed to them.',
  ),
  sessionHours: z.number().positive().max(24).default(8).describe('After so long people log in again.'),
});
export type LoginSettings = z.infer<typeof LoginSettings>;
