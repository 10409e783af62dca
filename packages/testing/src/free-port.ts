import { freePort as reservedPort } from '@caudal/local-postgres/free-port.ts'

/** Allocates a port on which a test can listen, stop and listen again; no other caller gets it. */
export function freePort(): Promise<number> {
  return reservedPort()
}
