import type { Consumer } from '@caudal/event-log/consume.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { describeFault } from '@caudal/retry/describe-fault.ts'

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
    works(db.query('SELECT 1'), 'fail'),
    works(verifier.checkKeys(), 'warn'),
  ])
  return {
    database,
    token_keys: keys,
    ...(consumer && { consumer: runs(consumer), parked_records: checkParked(consumer) }),
    ...(relay && { relay: runs(relay) }),
  }
}

function runs(part: Pick<Consumer | Relay, 'failure'>): CheckResult {
  const detail = part.failure()
  return detail === undefined ? { status: 'ok' } : { status: 'warn', detail }
}

/** The count of each kind of parked record, such as `2 waiting, 1 unprocessable`, or `0`. */
function checkParked(consumer: Consumer): CheckResult {
  const open = Object.entries(consumer.parkedCounts()).filter(([, count]) => count > 0)
  if (open.length === 0) return { status: 'ok', detail: '0' }
  return { status: 'warn', detail: open.map(([kind, count]) => `${count} ${kind}`).join(', ') }
}

function works(promise: Promise<unknown>, otherwise: 'fail' | 'warn'): Promise<CheckResult> {
  return promise.then(
    () => ({ status: 'ok' }),
    (error: unknown) => ({ status: otherwise, detail: describeFault(error) }),
  )
}
