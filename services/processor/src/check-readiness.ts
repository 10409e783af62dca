import type { Consumer } from '@caudal/event-log/consume.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { CircuitMode } from './psp/circuit.ts'

export type ReadinessDeps = {
  db: Db
  consumer: Consumer
  relay: Relay
  verifier: TokenVerifier
  circuitMode: () => CircuitMode
}

/** Without its database the service is of no use; everything else it can wait for. */
export async function checkReadiness(deps: ReadinessDeps): Promise<Record<string, CheckResult>> {
  const { db, consumer, relay, verifier, circuitMode } = deps
  const [database, keys] = await Promise.all([
    works(db.query('SELECT 1')),
    works(verifier.checkKeys()),
  ])
  const parked = consumer.parkedCount()
  const circuit = circuitMode()
  return {
    database: { status: database ? 'ok' : 'fail' },
    token_keys: { status: keys ? 'ok' : 'warn' },
    consumer: { status: consumer.healthy() ? 'ok' : 'warn' },
    parked_records: { status: parked === 0 ? 'ok' : 'warn', detail: `${parked}` },
    relay: { status: relay.healthy() ? 'ok' : 'warn' },
    psp_circuit: { status: circuit === 'closed' ? 'ok' : 'warn', detail: circuit },
  }
}

function works(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
