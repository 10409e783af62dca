import { randomUUID } from 'node:crypto'
import { connectAsAdmin } from './database-server.ts'
import { cameBackAtBank } from './planted-at-asyncbank.ts'
import { differencesOf } from './planted-differences.ts'
import { disputesLost } from './planted-disputes.ts'
import { cameBack } from './planted-returns.ts'

/** The payments of a used system on which violations are planted. */
export type UsedSystem = {
  completed: { id: string; order: string; account: string }
  otherId: string
  failedId: string
  unpaidOrder: string
  /** At the default PSP and, in EUR, at the second one. */
  back: BackPayment
  backAtBank: BackPayment
  /** Of 10.00, 3.00 were disputed and lost. */
  disputed: { id: string; disputeId: string }
}

/** Of 10.00, 4.00 was refunded and 2.00 returned. A return of 9.00 is suspended, with a case. */
export type BackPayment = { id: string; refundId: string }

/** A violation to plant in a service's database. */
export type PlantedViolation = {
  what: string
  check: string
  /** A part of the expected message. */
  says: string
  database: string
  table: string
  sql: string
  values?: unknown[]
  /** A constraint that would prevent the violation: dropped before and created again after it. */
  guard?: { drop: string; make: string }
}

/** Plants a violation, runs `look` and restores the table. */
export async function withPlanted<T>(
  dataDir: string,
  plant: PlantedViolation,
  look: () => Promise<T>,
): Promise<T> {
  const { database, table, sql, values, guard } = plant
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    const { rows: columns } = await admin.query<{ names: string }>(
      `SELECT string_agg(quote_ident(attname), ', ') AS names FROM pg_attribute
       WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
      [table],
    )
    const { rows: kept } = await admin.query<{ all: string }>(
      `SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS all FROM ${table} t`,
    )
    if (guard) await admin.query(guard.drop)
    const { rowCount } = await admin.query(sql, values)
    if (rowCount !== 1) throw new Error(`${plant.what}: planted ${rowCount} rows`)
    try {
      return await look()
    } finally {
      const { names } = columns[0]!
      await admin.query('BEGIN')
      await admin.query(`DELETE FROM ${table}`)
      await admin.query(
        `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE
         SELECT ${names} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
        [kept[0]!.all],
      )
      await admin.query('COMMIT')
      if (guard) await admin.query(guard.make)
    }
  } finally {
    await admin.end()
  }
}

/** At least one violation for each check of `caudal verify`. */
export function plantedViolations(used: UsedSystem): PlantedViolation[] {
  return [
    ...ledger(used),
    spending(used),
    ...holds(used),
    ...charges(used),
    ...orders(used),
    ...notifications(used),
    ...cameBack(used),
    ...cameBackAtBank(used),
    ...disputesLost(used),
    ...differencesOf(used.back, { psp: 'main', currency: 'USD' }),
    ...differencesOf(used.backAtBank, { psp: 'asyncbank', currency: 'EUR' }),
  ]
}

function ledger({ completed: { id, account } }: UsedSystem): PlantedViolation[] {
  const entries = { database: 'wallets', table: 'entries' }
  const accounts = { database: 'wallets', table: 'accounts' }
  const oneEntry = `(transfer_id, line, account_id) = (
    SELECT e.transfer_id, e.line, e.account_id
    FROM entries e JOIN transfers t USING (transfer_id)
    WHERE t.payment_id = $1 AND t.kind = 'commit' ORDER BY e.line LIMIT 1)`
  return [
    {
      ...entries,
      what: 'a changed entry',
      check: 'entries_sum_to_zero',
      says: 'its entries sum to 1 in USD',
      sql: `UPDATE entries SET amount_minor = amount_minor + 1 WHERE ${oneEntry}`,
      values: [id],
    },
    {
      ...entries,
      what: 'a deleted entry',
      check: 'entries_sum_to_zero',
      says: 'its entries sum to 1000 in USD',
      sql: `DELETE FROM entries WHERE ${oneEntry}`,
      values: [id],
    },
    {
      ...accounts,
      what: 'an edited balance',
      check: 'balances_equal_entries',
      says: `account ${account} (USD): available 9001, entries sum to 9000`,
      sql: 'UPDATE accounts SET available_minor = available_minor + 1 WHERE account_id = $1',
      values: [account],
    },
    {
      ...entries,
      what: 'an edited balance in the history',
      check: 'balances_equal_entries',
      says:
        `account ${account} (USD): available is 10001 after version 1, ` +
        'entries until then sum to 10000',
      sql: `UPDATE entries SET balance_after_minor = balance_after_minor + 1
            WHERE account_id = $1 AND balance = 'available' AND account_version = 1`,
      values: [account],
    },
    {
      ...accounts,
      what: 'a negative balance',
      check: 'no_overdraft',
      says: `account ${account} (USD): available -1,`,
      guard: {
        drop: 'ALTER TABLE accounts DROP CONSTRAINT accounts_available_not_negative',
        make: `ALTER TABLE accounts ADD CONSTRAINT accounts_available_not_negative
               CHECK (available_minor >= -overdraft_limit_minor::numeric)`,
      },
      sql: 'UPDATE accounts SET available_minor = -1 WHERE account_id = $1',
      values: [account],
    },
    {
      database: 'wallets',
      table: 'transfers',
      what: 'a correction of nothing',
      check: 'corrections_bounded',
      says: `corrects transfer ${id}, which does not exist`,
      sql: `UPDATE transfers SET kind = 'transfer', corrects_id = $1, correction = 'bounded'
            WHERE transfer_id = (SELECT t.transfer_id FROM transfers t
              JOIN entries e USING (transfer_id)
              WHERE t.kind = 'credit' AND e.account_id = $2 LIMIT 1)`,
      values: [id, account],
    },
  ]
}

function spending({ completed: { account } }: UsedSystem): PlantedViolation {
  return {
    database: 'wallets',
    table: 'client_spending',
    what: 'spending of a client without transfers',
    check: 'client_spending',
    says: `client planted of tenant caudal (USD): 5 spent on`,
    sql: `INSERT INTO client_spending (day, spent_minor, tenant_id, client_id, currency)
          SELECT current_date, 5, tenant_id, 'planted', currency FROM accounts
          WHERE account_id = $1`,
    values: [account],
  }
}

function holds({ completed: { id, account } }: UsedSystem): PlantedViolation[] {
  const table = { database: 'wallets', table: 'holds' }
  const reopen = `UPDATE holds SET status = 'open', remaining_minor = amount_minor
                  WHERE payment_id = $1`
  return [
    {
      ...table,
      what: 'an open hold without a held balance',
      check: 'no_overdraft',
      says: `account ${account} (USD): held 0, its open holds sum to 1000`,
      sql: reopen,
      values: [id],
    },
    {
      ...table,
      what: 'an open hold of a completed payment',
      check: 'holds_match_payments',
      says: `payment ${id} is COMPLETED, its hold is open`,
      sql: reopen,
      values: [id],
    },
    {
      ...table,
      what: 'a deleted hold',
      check: 'holds_match_payments',
      says: `payment ${id} is COMPLETED, its hold is none`,
      sql: 'DELETE FROM holds WHERE payment_id = $1',
      values: [id],
    },
    {
      ...table,
      what: 'a hold with another amount',
      check: 'holds_match_payments',
      says: `payment ${id} is COMPLETED, expected 1000 USD held, found 1001 USD`,
      sql: 'UPDATE holds SET amount_minor = 1001 WHERE payment_id = $1',
      values: [id],
    },
    {
      ...table,
      what: 'a hold of an unknown payment',
      check: 'holds_match_payments',
      says: 'a hold (committed) belongs to payment ',
      sql: `INSERT INTO holds (hold_id, payment_id, account_id, amount_minor, remaining_minor,
              created_at, changed_at, tenant_id, currency, status)
            SELECT gen_random_uuid(), gen_random_uuid(), account_id, amount_minor,
              remaining_minor, created_at, changed_at, tenant_id, currency, status
            FROM holds WHERE payment_id = $1`,
      values: [id],
    },
  ]
}

/** No violation: a payment that was accepted and then forgotten. */
export function forgottenPayment({ failedId }: UsedSystem, id: string): PlantedViolation {
  return {
    database: 'payments',
    table: 'payments',
    what: 'a payment that makes no progress',
    check: 'none',
    says: id,
    sql: `INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object(
            'payment_id', $2::text, 'external_order_id', gen_random_uuid(), 'status', 'PENDING',
            'order_freed', false, 'reason', NULL, 'finalized_at', NULL))).*
          FROM payments p WHERE payment_id = $1`,
    values: [failedId, id],
  }
}

function charges({ completed: { id }, failedId }: UsedSystem): PlantedViolation[] {
  const table = { database: 'psp', table: 'payments' }
  const stranger = randomUUID()
  const copy = `INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object(
                  'payment_id', $2::text, 'gateway_transaction_id', gen_random_uuid()))).*
                FROM payments p WHERE payment_id = $1`
  return [
    {
      ...table,
      what: 'a deleted charge',
      check: 'completed_charged_once',
      says: `payment ${id} is COMPLETED, but the PSP has no charge for it`,
      sql: 'DELETE FROM payments WHERE payment_id = $1',
      values: [id],
    },
    {
      ...table,
      what: 'a charge with another amount',
      check: 'completed_charged_once',
      says: `payment ${id}: expected a charge of 10.00 USD, found 10.01 USD`,
      sql: 'UPDATE payments SET amount_minor = 1001 WHERE payment_id = $1',
      values: [id],
    },
    {
      ...table,
      what: 'a second charge',
      check: 'completed_charged_once',
      says: `payment ${id} was charged 2 times`,
      guard: {
        drop: 'ALTER TABLE payments DROP CONSTRAINT payments_have_one_verdict',
        make: `ALTER TABLE payments ADD CONSTRAINT payments_have_one_verdict
               PRIMARY KEY (payment_id)`,
      },
      sql: copy,
      values: [id, id],
    },
    {
      ...table,
      what: 'a charge for an unknown payment',
      check: 'completed_charged_once',
      says: `the PSP charged payment ${stranger}, which does not exist`,
      sql: copy,
      values: [id, stranger],
    },
    {
      ...table,
      what: 'a charge for a failed payment',
      check: 'failed_not_charged',
      says: `payment ${failedId} is FAILED, but the PSP charged it`,
      sql: copy,
      values: [id, failedId],
    },
  ]
}

function orders({
  completed: { id, order },
  otherId,
  unpaidOrder,
}: UsedSystem): PlantedViolation[] {
  const table = { database: 'orders', table: 'orders', check: 'orders_paid_once' }
  return [
    {
      database: 'payments',
      table: 'payments',
      what: 'an order with two payments',
      check: 'orders_paid_once',
      says: `order ${order} has 2 payments that did not fail`,
      guard: {
        drop: 'DROP INDEX payments_occupy_an_order_alone',
        make: `CREATE UNIQUE INDEX payments_occupy_an_order_alone
               ON payments (external_order_id, tenant_id) WHERE NOT order_freed`,
      },
      sql: 'UPDATE payments SET external_order_id = $2 WHERE payment_id = $1',
      values: [otherId, order],
    },
    {
      ...table,
      what: 'an unpaid order with a completed payment',
      says: `payment ${id} is COMPLETED, but its order ${order} is not paid`,
      sql: `UPDATE orders SET status = 'UNPAID', paid_at = NULL, paid_payment_id = NULL
            WHERE external_order_id = $1`,
      values: [order],
    },
    {
      ...table,
      what: 'a paid order without a payment',
      says: `order ${unpaidOrder} is paid without a payment`,
      sql: `UPDATE orders SET status = 'PAID', paid_at = now(), paid_payment_id = gen_random_uuid()
            WHERE external_order_id = $1`,
      values: [unpaidOrder],
    },
  ]
}

function notifications({ completed: { id } }: UsedSystem): PlantedViolation[] {
  const messages = { database: 'push', table: 'messages', check: 'notified_once' }
  return [
    {
      ...messages,
      what: 'a second message',
      says: `payment ${id}: the devices received 2 messages`,
      sql: `INSERT INTO messages (message_id, platform, device_token, payment_id, data)
            SELECT 'another', platform, device_token, payment_id, data FROM messages
            WHERE payment_id = $1 LIMIT 1`,
      values: [id],
    },
    {
      ...messages,
      what: 'a message that never arrived',
      says: `payment ${id}: its notification is SENT, but no device received it`,
      sql: 'DELETE FROM messages WHERE payment_id = $1',
      values: [id],
    },
    {
      database: 'notifications',
      table: 'notifications',
      what: 'a deleted notification',
      check: 'notified_once',
      says: `payment ${id} is COMPLETED, but has no notification`,
      sql: 'DELETE FROM notifications WHERE payment_id = $1',
      values: [id],
    },
    {
      database: 'payments',
      table: 'outbox_progress',
      what: 'an unpublished event',
      check: 'outbox_drained',
      says: 'payments has 1 unpublished events',
      sql: 'UPDATE outbox_progress SET published_to = published_to - 1',
    },
    {
      database: 'wallets',
      table: 'outbox',
      what: 'a transfer without an event',
      check: 'events_match_ledger',
      says: 'version 3, has no event',
      sql: `DELETE FROM outbox WHERE topic = 'wallets.ledger'
              AND payload::jsonb->>'event_type' = 'wallet.commit.committed'
              AND payload::jsonb->>'payment_id' = $1`,
      values: [id],
    },
    {
      database: 'orders',
      table: 'parked_records',
      what: 'a parked record',
      check: 'nothing_parked',
      says: 'orders has 1 parked records',
      sql: `INSERT INTO parked_records (consumer_group, topic, partition, record_offset, record_key,
              value, headers, kind, cause)
            VALUES ('orders', 'planted', 0, 0, 'planted', '{}', '{}', 'unprocessable', 'planted')`,
    },
  ]
}
