import { PARTITION_COUNT } from '@caudal/contracts/topics.ts'
import { clientConfig } from '@caudal/postgres/client-config.ts'
import pg from 'pg'
import type { AssignmentListener, Membership } from '../event-log.ts'

const TRY_AGAIN_AFTER_MS = 500

/**
 * One member of a group is active and has all partitions; the others stand by until its connection
 * ends. The lock only avoids contention: correctness rests on the offsets.
 */
export async function joinGroup(
  url: string,
  group: string,
  topics: readonly string[],
  listen: AssignmentListener,
): Promise<Membership> {
  const everything = topics.flatMap((topic) =>
    Array.from({ length: PARTITION_COUNT }, (_, partition) => ({ topic, partition })),
  )
  let left = false
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined

  const tryAgain = (): void => {
    if (!left) timer = setTimeout(() => void attempt(), TRY_AGAIN_AFTER_MS)
  }
  const drop = (lost: pg.Client): void => {
    if (client !== lost) return
    client = undefined
    listen([])
    tryAgain()
  }
  const attempt = async (): Promise<void> => {
    const next = client ?? new pg.Client(clientConfig(url, { applicationName: group }))
    try {
      if (client === undefined) {
        client = next
        next.on('error', () => drop(next))
        next.on('end', () => drop(next))
        await next.connect()
      }
      const result = await next.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock(hashtext('caudal_group'), hashtext($1)) AS locked`,
        [group],
      )
      if (left) return
      if (result.rows[0]?.locked) listen(everything)
      else tryAgain()
    } catch {
      drop(next)
    }
  }

  await attempt()
  return {
    report: async () => true, // this log has no displays of lag
    leave: async () => {
      left = true
      clearTimeout(timer)
      const last = client
      client = undefined
      await last?.end().catch(() => {})
    },
  }
}
