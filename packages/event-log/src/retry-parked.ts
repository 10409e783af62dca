import { transaction } from '@caudal/postgres/transaction.ts'
import type { ConsumeTarget, FollowUp } from './apply-batch.ts'
import type { LogRecord } from './event-log.ts'
import { ParkError, type ParkKind } from './park-error.ts'
import { postponeParked, resolveParked, takeDueParked } from './park-records.ts'
import { route } from './router.ts'

/**
 * Tries the waiting parked records again, one at a time and in order per key, until none is due.
 * Returns how many were processed.
 */
export async function retryParked<W>(
  target: ConsumeTarget<W>,
  shouldStop: () => boolean,
): Promise<number> {
  let processed = 0
  while (!shouldStop()) {
    const outcome = await retryOne(target)
    if (outcome === 'none') break
    if (outcome === 'processed') processed += 1
  }
  return processed
}

type RetryOutcome = 'none' | 'processed' | 'postponed'

async function retryOne<W>(target: ConsumeTarget<W>): Promise<RetryOutcome> {
  const { db, group, process } = target
  let taken: LogRecord | undefined
  let applied: { outcome: RetryOutcome; afterCommit?: FollowUp | undefined }
  try {
    applied = await transaction(db, async (tx) => {
      taken = await takeDueParked(tx, group)
      if (!taken) return { outcome: 'none' }
      const routed = route(target, taken)
      if (routed.kind === 'parked') {
        await postponeParked(tx, group, taken, routed.as, routed.cause)
        return { outcome: 'postponed' }
      }
      const result = routed.kind === 'work' ? await process(tx, [routed.work]) : undefined
      await resolveParked(tx, group, taken)
      return { outcome: 'processed', afterCommit: result?.afterCommit }
    })
  } catch (error) {
    if (!taken || (error as { retryable?: boolean }).retryable) throw error
    const { kind, cause } = describe(error)
    await postponeParked(db, group, taken, kind, cause)
    return 'postponed'
  }
  applied.afterCommit?.()
  return applied.outcome
}

function describe(error: unknown): { kind: ParkKind; cause: string } {
  const own = error instanceof ParkError ? error.parked[0] : undefined
  if (own) return { kind: own.kind, cause: own.cause }
  return { kind: 'waiting', cause: error instanceof Error ? error.message : String(error) }
}
