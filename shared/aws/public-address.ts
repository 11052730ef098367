import { BlockList, isIP } from 'node:net';

/** IPv4 that is not of the public internet: this machine, its network, the metadata of AWS, examples, groups (IANA). */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** Of IPv6 only 2000::/3 is given out; what is not of it, and what leads to IPv4 or is an example within it, is not public. */
const GIVEN_OUT = '2000::/3';
const NOT_PUBLIC_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}
const [inside, givenOut, inside6] = [
  listOf(NOT_PUBLIC, 'ipv4'),
  listOf([GIVEN_OUT], 'ipv6'),
  listOf(NOT_PUBLIC_6, 'ipv6'),
];

/** Is this an address out on the internet, and nobody's inside? What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !inside.check(address, 'ipv4');
  return family === 6 && givenOut.check(address, 'ipv6') && !inside6.check(address, 'ipv6');
}
