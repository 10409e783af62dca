import type { Db } from '@caudal/postgres/types.ts'
import type { CheckInput, CheckSource } from './check.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import { chargeTotals, messageTotals } from './read-simulators.ts'
import { changesIn, timeOf } from './since.ts'

/** What one part of the data up to a position is: its rows, its amounts and a hash of all rows. */
export type Digest = { of: string; part: string; rows: string; minor: string; hash: string }

/** Data that never changes up to a position. */
type Frozen = {
  of: string
  source: CheckSource
  read(input: CheckInput, position: CheckpointPosition): Promise<Omit<Digest, 'of'>[]>
  /** Whether a part that was there may have left, such as a detached month. */
  mayLeave?: (input: CheckInput, digest: Digest) => Promise<boolean>
}

/** How long idempotency keys are kept at least, less a day for clocks: see `againstKeys`. */
const KEYS_KEPT_DAYS = 28

// Hashes are summed, so no order is needed and each table is read once, in parallel.
const SUM = (hashed: string, minor: string): string =>
  `count(*)::text AS rows, coalesce(sum(${minor}), 0)::text AS minor,
   coalesce(sum(hash_record_extended(${hashed}, 0)), 0)::text AS hash`

function rowsOf(
  source: 'payments' | 'wallets' | 'orders' | 'notifications',
  statement: (position: CheckpointPosition) => string,
): Pick<Frozen, 'source' | 'read'> {
  return {
    source,
    async read(input, position) {
      const { rows } = await input[source].query<Omit<Digest, 'of'>>(statement(position))
      return rows
    },
  }
}

// The balances at the position: those of now, without the entries since.
const accountsThen = (position: CheckpointPosition): string => `
  WITH fresh AS (
    SELECT * FROM entries WHERE booked_at >= ${timeOf(position)}
  ), changed AS (${changesIn('fresh')}
  ), known AS (
    SELECT a.account_id, a.tenant_id, a.currency, a.kind, a.wallet_id, a.user_id, a.stripe, a.psp,
      a.opened_at, coalesce(c.first_version - 1, a.version) AS version,
      a.available_minor - coalesce(c.available, 0) AS available_minor,
      a.held_minor - coalesce(c.held, 0) AS held_minor
    FROM accounts a LEFT JOIN changed c USING (account_id)
    WHERE a.opened_at < ${timeOf(position)}
  )
  SELECT 'all' AS part, ${SUM('k', 'available_minor + held_minor')} FROM known k`

// A reference has no time: those of transfers and changes since the position are left out.
const referencesThen = (position: CheckpointPosition): string => `
  SELECT 'all' AS part, ${SUM('r', '0')} FROM command_references r
  WHERE NOT EXISTS (SELECT FROM transfers t
      WHERE t.transfer_id = r.transfer_id AND t.booked_at >= ${timeOf(position)})
    AND NOT EXISTS (SELECT FROM account_changes c
      WHERE c.change_id = r.transfer_id AND c.booked_at >= ${timeOf(position)})`

const byPartition = (table: string, condition: string, minor: string): string => `
  SELECT t.tableoid::regclass::text AS part, ${SUM('t', minor)} FROM ${table} t
  WHERE ${condition} GROUP BY t.tableoid`

const FROZEN: readonly Frozen[] = [
  {
    // How it ended the first time: a success that came later changes it, and so do refunds.
    of: 'payments',
    ...rowsOf(
      'payments',
      ({ paymentId }) =>
        `SELECT 'all' AS part, ${SUM('p', 'amount_minor')} FROM (
           SELECT payment_id, tenant_id, user_id, account_id, external_order_id, amount_minor,
             currency, service_name, created_at,
             CASE WHEN late_capture IS NULL THEN status ELSE 'FAILED' END AS status,
             CASE WHEN status = 'COMPLETED' AND late_capture IS NULL THEN psp END AS psp
           FROM payments WHERE payment_id <= '${paymentId}'
         ) p`,
    ),
  },
  {
    of: 'paid orders',
    ...rowsOf(
      'orders',
      ({ paymentId }) =>
        `SELECT 'all' AS part, ${SUM('o', 'amount_minor')} FROM orders o
         WHERE paid_payment_id <= '${paymentId}'`,
    ),
  },
  {
    of: 'notifications',
    ...rowsOf(
      'notifications',
      ({ paymentId }) =>
        `SELECT 'all' AS part, ${SUM('n', '0')} FROM notifications n
         WHERE payment_id <= '${paymentId}' AND of_payment_id IS NULL`,
    ),
  },
  {
    of: 'charges of the PSP',
    source: 'psp',
    read: async ({ pspUrl }, { paymentId }) => [
      { part: 'all', ...(await chargeTotals(pspUrl, paymentId)) },
    ],
  },
  {
    of: 'charges of the second PSP',
    source: 'asyncbank',
    read: async ({ asyncbankUrl }, { paymentId }) => [
      { part: 'all', ...(await chargeTotals(asyncbankUrl, paymentId)) },
    ],
  },
  {
    of: 'messages to devices',
    source: 'push',
    read: async ({ pushUrl }, { paymentId }) => [
      { part: 'all', ...(await messageTotals(pushUrl, paymentId)) },
    ],
  },
  {
    // What a hold was made with, whatever became of it.
    of: 'holds',
    ...rowsOf(
      'wallets',
      (position) =>
        `SELECT 'all' AS part, ${SUM('h', 'amount_minor')} FROM (
           SELECT hold_id, payment_id, account_id, amount_minor, created_at, tenant_id, currency,
             expires_at
           FROM holds WHERE created_at < ${timeOf(position)}
         ) h`,
    ),
  },
  {
    of: 'ended holds',
    ...rowsOf(
      'wallets',
      (position) =>
        `SELECT 'all' AS part, ${SUM('h', 'amount_minor')} FROM holds h
         WHERE status <> 'open' AND changed_at < ${timeOf(position)}`,
    ),
  },
  { of: 'accounts', ...rowsOf('wallets', accountsThen) },
  {
    of: 'account changes',
    ...rowsOf(
      'wallets',
      (position) =>
        `SELECT 'all' AS part, ${SUM('c', '0')} FROM account_changes c
         WHERE booked_at < ${timeOf(position)}`,
    ),
  },
  { of: 'references', ...rowsOf('wallets', referencesThen) },
  {
    // None of a checkpoint of 0.1.0, which had no such postings.
    of: 'postings of PSPs',
    ...rowsOf(
      'wallets',
      (position) =>
        `SELECT 'all' AS part, ${SUM('p', 'amount_minor')} FROM psp_postings p
         WHERE booked_at < ${timeOf(position)} HAVING count(*) > 0`,
    ),
  },
  {
    of: 'idempotency keys',
    ...rowsOf(
      'wallets',
      (position) =>
        `SELECT (created_at AT TIME ZONE 'UTC')::date::text AS part, ${SUM('k', '0')}
         FROM idempotency_keys k
         WHERE created_at < ${timeOf(position)} AND created_at >= ${firstKeptDay()}
         GROUP BY 1`,
    ),
    mayLeave: async ({ wallets }, { part }) =>
      isTrue(
        wallets,
        `SELECT $1::date::timestamp AT TIME ZONE 'UTC' < ${firstKeptDay()} AS yes`,
        part,
      ),
  },
  {
    of: 'transfers',
    ...rowsOf('wallets', (position) =>
      byPartition('transfers', `booked_at < ${timeOf(position)}`, 'amount_minor'),
    ),
    mayLeave: (input, digest) => isDetached(input.wallets, 'transfers', digest),
  },
  {
    of: 'entries',
    ...rowsOf('wallets', (position) =>
      byPartition('entries', `booked_at < ${timeOf(position)}`, 'amount_minor'),
    ),
    mayLeave: (input, digest) => isDetached(input.wallets, 'entries', digest),
  },
  {
    of: 'events',
    ...rowsOf('wallets', (position) =>
      byPartition('outbox', `date_trunc('milliseconds', created_at) < ${timeOf(position)}`, '0'),
    ),
    // Published events leave with their partition.
    mayLeave: ({ wallets }, { part }) =>
      isTrue(wallets, 'SELECT to_regclass($1) IS NULL AS yes', part),
  },
]

/** Computes the digests of everything up to the position, in the databases. */
export async function readDigests(
  input: CheckInput,
  position: CheckpointPosition,
  runs: (source: CheckSource) => boolean,
): Promise<Digest[]> {
  const digests: Digest[] = []
  for (const { of, source, read } of FROZEN) {
    if (!runs(source)) continue
    for (const digest of await read(input, position)) digests.push({ of, ...digest })
  }
  return digests
}

/** Returns a sentence about the first digest that is not as it was; undefined if all are. */
export async function findChange(
  input: CheckInput,
  then: readonly Digest[],
  now: readonly Digest[],
): Promise<string | undefined> {
  const keyOf = ({ of, part }: Digest): string => `${of}/${part}`
  const left = new Map(now.map((digest) => [keyOf(digest), digest]))
  for (const was of then) {
    const is = left.get(keyOf(was))
    left.delete(keyOf(was))
    if (is?.rows === was.rows && is.minor === was.minor && is.hash === was.hash) continue
    const { mayLeave } = FROZEN.find(({ of }) => of === was.of) ?? {}
    if (is === undefined && (await mayLeave?.(input, was))) continue
    return difference(was, is)
  }
  const [unknown] = left.values()
  return unknown && difference(undefined, unknown)
}

function difference(was: Digest | undefined, is: Digest | undefined): string {
  const { of, part } = (was ?? is)!
  const name = part === 'all' ? of : `${of} (${part})`
  const counted = (digest: Digest | undefined): string =>
    digest === undefined ? 'nothing' : `${digest.rows} rows, sum ${digest.minor}`
  const same = was?.rows === is?.rows && was?.minor === is?.minor
  return `${name}: then ${counted(was)}, now ${counted(is)}${same ? ' with other contents' : ''}`
}

function firstKeptDay(): string {
  return `((now() AT TIME ZONE 'UTC')::date - ${KEYS_KEPT_DAYS})::timestamp AT TIME ZONE 'UTC'`
}

async function isDetached(wallets: Db, table: string, digest: Digest): Promise<boolean> {
  const { rows } = await wallets.query<{ rows: string }>(
    `SELECT ${table}::text AS rows FROM detached_months WHERE to_char(month, '_YYYY_MM') = $1`,
    [digest.part.slice(table.length)],
  )
  return rows[0]?.rows === digest.rows
}

async function isTrue(db: Db, statement: string, value: string): Promise<boolean> {
  const { rows } = await db.query<{ yes: boolean }>(statement, [value])
  return rows[0]!.yes
}
