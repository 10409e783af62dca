import { eventually } from '@caudal/testing/eventually.ts'
import { violationsOfMoney } from '../../money-back/check-money.ts'
import { connectAsAdmin } from '../../support/database-server.ts'
import { countIn } from '../../support/processes/inspect-processes.ts'
import { messageIdsOf } from '../../support/user-client.ts'
import type { CrashSystem } from './crash-system.ts'
import type { MixedLoad } from './mixed-load.ts'

/** What has not ended, by the database and the table that have it. */
const OPEN: readonly [database: string, what: string][] = [
  ['payments', 'payments WHERE finalized_at IS NULL'],
  ['payments', `refunds WHERE status IN ('PENDING', 'SUBMITTED', 'IN_DOUBT')`],
  ['payments', `returns WHERE status IN ('RECEIVED', 'MATCHED')`],
  ['wallets', `holds WHERE status = 'open'`],
  ['processor', 'payments WHERE finished_at IS NULL'],
  ['processor', 'operations WHERE finished_at IS NULL'],
  ['processor', `callbacks WHERE state = 'RECEIVED'`],
  ['notifications', `notifications WHERE status = 'PENDING'`],
  ...['identity', 'wallets', 'payments', 'processor'].map((service): [string, string] => [
    service,
    'outbox_unpublished',
  ]),
]

/** Lets the load and all operations end, in `mostMs` on an idle machine; returns what is wrong. */
export async function violationsAtTheEnd(
  { played, processes }: CrashSystem,
  load: MixedLoad,
  mostMs: number,
): Promise<string[]> {
  const { dataDir } = played
  load.stop()
  const ended = async (): Promise<boolean> => {
    const players = load.players()
    const open = players > 0 ? [`${players} users play`] : await openOperations(dataDir)
    if (open.length > 0) throw new Error(open.join('; '))
    return true
  }
  try {
    await eventually(ended, { timeoutMs: mostMs, label: 'everything has ended' })
  } catch (error) {
    return [...(await openOperations(dataDir)), (error as Error).message]
  }
  return [
    ...(await violationsOfMoney(played)),
    ...(await repeatedMessages(dataDir, processes.state.push_url!)),
  ]
}

async function openOperations(dataDir: string): Promise<string[]> {
  const open: string[] = []
  for (const [database, what] of OPEN) {
    const count = await countIn(dataDir, database, what)
    if (count > 0) open.push(`${count} in ${database}.${what}`)
  }
  return open
}

/** Each notification is one message; a repeat has the same id. */
async function repeatedMessages(dataDir: string, pushUrl: string): Promise<string[]> {
  const messages = await messageIdsOf(pushUrl)
  const admin = await connectAsAdmin(dataDir, 'caudal_notifications')
  try {
    const { rows } = await admin.query<{ id: string; sent: number }>(
      `SELECT coalesce(of_payment_id, payment_id) AS id, count(*)::int AS sent
       FROM notifications WHERE status = 'SENT' GROUP BY 1`,
    )
    return rows.flatMap(({ id, sent }) => {
      const received = messages.get(id)?.size ?? 0
      return received === sent ? [] : [`payment ${id}: ${received} messages instead of ${sent}`]
    })
  } finally {
    await admin.end()
  }
}
