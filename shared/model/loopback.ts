const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** Does this host name, with a port or without, mean the machine itself? */
export function isLoopbackHost(host: string): boolean {
  // Of an IPv6 address the last colon is before a port only where brackets say so.
  return LOOPBACK.test(host.replace(/^([^:]+|\[.+\]):\d+$/, '$1').toLowerCase());
}

/** Plain HTTP to the machine itself, where there is nobody in between to encrypt for. */
export function isLoopbackUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && isLoopbackHost(hostname);
}
