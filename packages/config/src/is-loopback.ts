import { BlockList, isIPv6 } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Whether a service that listens on `host` can be reached from its own machine only. `localhost` is
 * the only name that is: what another name stands for is up to a resolver.
 */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true
  return LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}
