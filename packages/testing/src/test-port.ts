import { freePort } from '@caudal/local-postgres/free-port.ts'

/** Allocates a port on which a test can listen, stop and listen again; no other caller gets it. */
export function testPort(): Promise<number> {
  return freePort()
}
