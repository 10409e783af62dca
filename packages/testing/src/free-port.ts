import { freePort as reservedPort } from '@caudal/local-postgres/free-port.ts'

/** A port at which a test may listen, stop and listen again: nobody else is given it meanwhile. */
export function freePort(): Promise<number> {
  return reservedPort()
}
