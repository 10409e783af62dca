import type { Consumer } from '@caudal/event-log/consume.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'

type Parts = { db: Db; verifier: TokenVerifier; consumer?: Consumer; relay?: Relay }

/**
 * The readiness checks of the parts that most services have. A service fails without its database;
 * it can wait for every other dependency, so those are warnings (rule 11).
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
  return {
    database: { status: database ? 'ok' : 'fail' },
    token_keys: { status: keys ? 'ok' : 'warn' },
    ...(consumer && {
      consumer: { status: consumer.healthy() ? 'ok' : 'warn' },
      parked_records: checkParked(consumer),
    }),
    ...(relay && { relay: { status: relay.healthy() ? 'ok' : 'warn' } }),
  }
}

/** The count of each kind of parked record, such as `2 waiting, 1 unprocessable`, or `0`. */
function checkParked(consumer: Consumer): CheckResult {
  const open = Object.entries(consumer.parkedCounts()).filter(([, count]) => count > 0)
  if (open.length === 0) return { status: 'ok', detail: '0' }
  return { status: 'warn', detail: open.map(([kind, count]) => `${count} ${kind}`).join(', ') }
}

function works(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
