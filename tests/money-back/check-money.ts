import { eventually } from '@caudal/testing/eventually.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { countIn } from '../support/processes/inspect-processes.ts'
import { violationsOf } from '../support/user-client.ts'
import { differencesOf, netAtPsp, netInLedger } from './books.ts'
import type { Counts, PlayedSystem } from './played-system.ts'

const APPLIED_MS = 60_000
const SENT_MS = 300_000
const SENDING = `operation_attempts WHERE status = 'SENDING'`
/** Refunds whose money left, or may leave. */
const LIVE = `status IN ('PENDING', 'SUBMITTED', 'IN_DOUBT', 'SUCCEEDED')`

/** What must not be there when all is quiet, by the table that would have it. */
const NEVER: readonly [database: string, what: string, violation: string][] = [
  [
    'payments',
    `payments p WHERE amount_minor <
       (SELECT coalesce(sum(amount_minor), 0) FROM refunds
        WHERE refunds.payment_id = p.payment_id AND ${LIVE}) +
       (SELECT coalesce(sum(amount_minor), 0) FROM returns
        WHERE returns.payment_id = p.payment_id AND status = 'CREDITED')`,
    'payments returned more than was captured',
  ],
  ['payments', 'payments WHERE pending_minor <> 0', 'payments have refunds that do not end'],
  ['payments', 'payments WHERE finalized_at IS NULL', 'payments did not end'],
  ['wallets', `holds WHERE status = 'open'`, 'holds are open without a reason'],
]

/** Waits until all is quiet, then returns what is wrong: nothing, if all money is where it is. */
export async function violationsOfMoney(system: PlayedSystem): Promise<string[]> {
  const { dataDir } = system
  const waiting = await callbacksAreApplied(dataDir)
  const found = [...waiting, ...(await violationsOf(dataDir))]
  for (const [psp, url] of Object.entries(system.at().banks)) {
    const [there, here] = await Promise.all([netAtPsp(url), netInLedger(dataDir, psp)])
    found.push(...differencesOf(there, here).map((difference) => `${psp}: ${difference}`))
  }
  for (const [database, what, violation] of NEVER) {
    const count = await countIn(dataDir, database, what)
    if (count > 0) found.push(`${count} ${violation}`)
  }
  return [...found, ...(await contradictionsWithoutCase(dataDir))]
}

/** Waits until every callback has had its effect: some wait for the outcome of an operation. */
async function callbacksAreApplied(dataDir: string): Promise<string[]> {
  const waiting = () => countIn(dataDir, 'processor', `callbacks WHERE state = 'RECEIVED'`)
  return eventually(async () => (await waiting()) === 0 && [], { timeoutMs: APPLIED_MS }).catch(
    async () => [`${await waiting()} callbacks wait without end`],
  )
}

async function contradictionsWithoutCase(dataDir: string): Promise<string[]> {
  const contradicting = await idsIn(
    dataDir,
    'processor',
    `SELECT DISTINCT payment_id AS id FROM callback_facts
     WHERE state = 'CONTRADICTION' AND payment_id IS NOT NULL`,
  )
  const known = new Set(
    await idsIn(dataDir, 'payments', 'SELECT DISTINCT payment_id AS id FROM cases'),
  )
  return contradicting
    .filter((id) => !known.has(id))
    .map((id) => `the PSP contradicts payment ${id}, and there is no case`)
}

async function idsIn(dataDir: string, database: string, query: string): Promise<string[]> {
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    return (await admin.query<{ id: string }>(query)).rows.map(({ id }) => id)
  } finally {
    await admin.end()
  }
}

/** How often what is to be survived has happened. */
export function happenedIn(dataDir: string): Promise<Counts> {
  return countAll(dataDir, [
    ['payment in doubt', 'payments', 'payments WHERE in_doubt_at IS NOT NULL'],
    ['payment canceled', 'payments', `payments WHERE reason = 'canceled'`],
    ['refund succeeded', 'payments', `refunds WHERE status = 'SUCCEEDED'`],
    ['refund adopted', 'payments', `refunds WHERE origin = 'psp'`],
    ['return credited', 'payments', `returns WHERE status = 'CREDITED'`],
    ['case opened', 'payments', 'cases'],
    ['callback applied', 'processor', `callbacks WHERE state = 'APPLIED'`],
    ['callback contradicts', 'processor', `callbacks WHERE state = 'CONTRADICTION'`],
  ])
}

/** Waits until a refund is at its PSP; false if the play is over before. */
export async function refundIsSent(dataDir: string, isOver: () => boolean): Promise<boolean> {
  const sending = () => countIn(dataDir, 'processor', SENDING)
  await eventually(async () => isOver() || (await sending()) > 0, { timeoutMs: SENT_MS })
  return !isOver()
}

/** What a crash of everything has cut off, while only the database runs. */
export async function underWayIn(dataDir: string): Promise<Counts> {
  const undelivered = 'callbacks WHERE delivered_at IS NULL'
  const counts = await countAll(dataDir, [
    ['refund under way', 'payments', `refunds WHERE status IN ('PENDING', 'SUBMITTED')`],
    ['refund at its PSP', 'processor', SENDING],
    ['main', 'psp', undelivered],
    ['asyncbank', 'asyncbank', undelivered],
    ['stored', 'processor', `callbacks WHERE state = 'RECEIVED'`],
  ])
  const { main = 0, asyncbank = 0, stored = 0, ...refunds } = counts
  return { ...refunds, 'callback under way': main + asyncbank + stored }
}

async function countAll(
  dataDir: string,
  wanted: readonly [name: string, database: string, what: string][],
): Promise<Counts> {
  const counts: Counts = {}
  for (const [name, database, what] of wanted) counts[name] = await countIn(dataDir, database, what)
  return counts
}
