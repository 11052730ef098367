import type { LoginWay } from '../web/login-page.ts';
import { personalLink } from '../web/next-path.ts';
import type { Showing } from './visit.ts';

/** The provider's name for people, if there is a provider: its host. */
export const providerOf = ({ config }: Showing) =>
  config.file.login.oidc && new URL(config.file.login.oidc.issuer).host;

/** How people log in here, given where they want to go. */
export function loginWay(services: Showing, next: string): LoginWay {
  const provider = providerOf(services);
  if (provider !== undefined) return { way: 'provider', name: provider };
  return { way: 'code', personal: personalLink(next) !== undefined };
}
