/**
 * Where somebody goes after logging in: a path of ours, query included, or the start page. Nothing that a browser could
 * take for an address elsewhere, such as `//evil.example` or `/\evil.example`.
 */
export function nextPath(given: string | null | undefined): string {
  if (!given || given.length > 1_000 || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(given)) return '/';
  return given.startsWith('/login') || given.startsWith('/logout') ? '/' : given;
}

/** The login page, leading to `path` afterwards. */
export const loginPath = (path: string) => `/login?${new URLSearchParams({ next: path })}`;

/** The request and the personal part of a link in a mail: `/approvals/<request>?to=<personal>`. */
export function personalLink(path: string): { request: string; personal: string } | undefined {
  const url = new URL(path, 'http://console.invalid');
  const request = /^\/approvals\/([a-z0-9]{26})$/.exec(url.pathname)?.[1];
  const personal = url.searchParams.get('to') ?? '';
  return request && /^[a-z0-9]{26}$/.test(personal) ? { request, personal } : undefined;
}
