import { eventually } from '@caudal/testing/eventually.ts'
import { countIn } from '../support/processes/inspect-processes.ts'
import { violationsOf } from '../support/user-client.ts'
import { differencesOf, netAtPsp, netInLedger } from './books.ts'
import { contradictionsWithoutCase } from './check-cases.ts'
import type { Counts, PlayedSystem } from './played-system.ts'

/** Five minutes is how long a PSP is asked about what it claims of an operation that has failed. */
const APPLIED_MS = 420_000
const SENT_MS = 300_000
const UNDELIVERED = 'callbacks WHERE delivered_at IS NULL'
const SENDING = `operation_attempts WHERE status = 'SENDING'`
/** Refunds whose money left, or may leave, of what was captured. */
const LIVE = `status IN ('PENDING', 'SUBMITTED', 'IN_DOUBT', 'SUCCEEDED')
          AND origin <> 'late_capture'`

/** What must not be there when all is quiet, by the table that would have it. */
const NEVER: readonly [database: string, what: string, violation: string][] = [
  [
    'payments',
    `payments p WHERE CASE status WHEN 'COMPLETED' THEN amount_minor ELSE 0 END <
       (SELECT coalesce(sum(amount_minor), 0) FROM refunds
        WHERE refunds.payment_id = p.payment_id AND ${LIVE}) +
       (SELECT coalesce(sum(amount_minor), 0) FROM returns
        WHERE returns.payment_id = p.payment_id AND status = 'CREDITED')`,
    'payments returned more than was captured',
  ],
  [
    'payments',
    `refunds r JOIN payments p USING (payment_id) WHERE r.origin = 'client' AND p.amount_minor <
       (SELECT sum(amount_minor) FROM refunds q WHERE q.payment_id = r.payment_id
          AND q.origin <> 'late_capture' AND q.created_at <= r.created_at
          AND NOT coalesce(q.refused_at <= r.created_at
            AND (q.approved_at IS NULL OR q.approved_at > r.created_at), false)
          AND (q.recaptured_at IS NULL OR q.recaptured_at > r.created_at)) +
       (SELECT coalesce(sum(amount_minor), 0) FROM returns
        WHERE returns.payment_id = r.payment_id AND matched_at <= r.created_at)`,
    'refunds were accepted beyond what was captured',
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
  return [...found, ...(await violationsInTables(dataDir))]
}

/** What the tables of a quiet system must not have. */
export async function violationsInTables(dataDir: string): Promise<string[]> {
  const found: string[] = []
  for (const [database, what, violation] of NEVER) {
    const count = await countIn(dataDir, database, what)
    if (count > 0) found.push(`${count} ${violation}`)
  }
  return [...found, ...(await contradictionsWithoutCase(dataDir))]
}

/**
 * Waits until every callback has arrived and had its effect: after a crash a bank sends again with
 * growing pauses, and some wait for the outcome of an operation.
 */
async function callbacksAreApplied(dataDir: string): Promise<string[]> {
  const waiting = async (): Promise<number> =>
    (await countIn(dataDir, 'psp', UNDELIVERED)) +
    (await countIn(dataDir, 'asyncbank', UNDELIVERED)) +
    (await countIn(dataDir, 'processor', `callbacks WHERE state = 'RECEIVED'`))
  return eventually(async () => (await waiting()) === 0 && [], { timeoutMs: APPLIED_MS }).catch(
    async () => [`${await waiting()} callbacks wait without end`],
  )
}

/** How often what is to be survived has happened. */
export function happenedIn(dataDir: string): Promise<Counts> {
  return countAll(dataDir, [
    ['payment in doubt', 'payments', 'payments WHERE in_doubt_at IS NOT NULL'],
    ['payment canceled', 'payments', `payments WHERE reason = 'canceled'`],
    ['late success recovered', 'payments', `payments WHERE late_capture = 'RECOVERED'`],
    ['late success in suspense', 'payments', `payments WHERE late_capture = 'SUSPENDED'`],
    [
      'late success refunded',
      'payments',
      `refunds WHERE origin = 'late_capture' AND status = 'SUCCEEDED'`,
    ],
    ['refund succeeded', 'payments', `refunds WHERE status = 'SUCCEEDED'`],
    ['refund by void', 'processor', `operations WHERE kind = 'void' AND status = 'COMPLETED'`],
    ['refund reversed', 'payments', `refunds WHERE status = 'REVERSED'`],
    ['refund adopted', 'payments', `refunds WHERE origin = 'psp'`],
    ['return credited', 'payments', `returns WHERE status = 'CREDITED'`],
    ['return in suspense', 'payments', `returns WHERE status = 'SUSPENDED'`],
    ['case opened', 'payments', 'cases'],
    ['receivable', 'payments', `cases WHERE reason = 'receivable'`],
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
  const counts = await countAll(dataDir, [
    ['refund under way', 'payments', `refunds WHERE status IN ('PENDING', 'SUBMITTED')`],
    ['refund at its PSP', 'processor', SENDING],
    ['main', 'psp', UNDELIVERED],
    ['asyncbank', 'asyncbank', UNDELIVERED],
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
