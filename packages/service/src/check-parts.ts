import type { Consumer } from '@caudal/event-log/consume.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'

type Parts = { db: Db; verifier: TokenVerifier; consumer?: Consumer; relay?: Relay }

/**
 * What readiness says of the parts that most services have. Without its database a service is of no
 * use; everything else it can wait for, so that is a warning (rule 11).
 */
export async function checkParts({
  db,
  verifier,
  consumer,
  relay,
}: Parts): Promise<Record<string, CheckResult>> {
  const [database, keys] = await Promise.all([
    works(db.query('SELECT 1')),
    works(verifier.checkKeys()),
  ])
  const parked = consumer?.parkedCount() ?? 0
  return {
    database: { status: database ? 'ok' : 'fail' },
    token_keys: { status: keys ? 'ok' : 'warn' },
    ...(consumer && {
      consumer: { status: consumer.healthy() ? 'ok' : 'warn' },
      parked_records: { status: parked === 0 ? 'ok' : 'warn', detail: `${parked}` },
    }),
    ...(relay && { relay: { status: relay.healthy() ? 'ok' : 'warn' } }),
  }
}

function works(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
