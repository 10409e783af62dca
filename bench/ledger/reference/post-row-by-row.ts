import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type pg from 'pg'

/** A command of the reference ledger. */
export interface ReferenceCommand {
  kind: 'debit' | 'hold' | 'commit'
  tenantId: string
  clientId: string
  key: string
  accountId: string
  referenceId: string
  reason: string
  amountMinor: number
  currency: string
  holdId: string | null
}

interface AccountRow {
  available_minor: string
  held_minor: string
  version: string
}

interface Posting {
  accountId: string | null
  balance: 'available' | 'held'
  amountMinor: number
  after: number | null
}

/**
 * Executes one command in one transaction, statement by statement, as ledgers are usually written.
 * The other side of a debit or commit is an entry without a balance: a shared row that every
 * command updates would be even slower. Returns the response body.
 */
export async function postRowByRow(pool: pg.Pool, command: ReferenceCommand): Promise<string> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const body = (await storedResponse(client, command)) ?? (await post(client, command))
    await client.query('COMMIT')
    return body
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

async function storedResponse(
  client: pg.PoolClient,
  { tenantId, clientId, key }: ReferenceCommand,
): Promise<string | undefined> {
  const { rows } = await client.query<{ body: string }>(
    `SELECT fingerprint, status, body FROM idempotency_keys
     WHERE tenant_id = $1 AND client_id = $2 AND idempotency_key = $3`,
    [tenantId, clientId, key],
  )
  return rows[0]?.body
}

async function post(client: pg.PoolClient, command: ReferenceCommand): Promise<string> {
  const { rows } = await client.query<AccountRow>(
    'SELECT * FROM accounts WHERE account_id = $1 FOR UPDATE',
    [command.accountId],
  )
  const account = rows[0]
  assert(account, 'the account does not exist')
  const available = Number(account.available_minor)
  const held = Number(account.held_minor)
  const amount = command.amountMinor
  const transferId = newId()
  const holdId = command.kind === 'hold' ? transferId : command.holdId
  await changeHold(client, command, holdId)
  const postings = postingsOf(command, available, held)
  await insertTransfer(client, command, transferId)
  await insertEntries(client, transferId, postings, Number(account.version) + 1)
  const left = command.kind === 'commit' ? available : available - amount
  const kept = command.kind === 'debit' ? held : held + (command.kind === 'hold' ? amount : -amount)
  await client.query(
    `UPDATE accounts SET available_minor = $2, held_minor = $3, version = version + 1
     WHERE account_id = $1`,
    [command.accountId, left, kept],
  )
  const body = JSON.stringify({
    status: 'committed',
    entry_id: transferId,
    ...(command.kind === 'hold' && { hold_id: transferId }),
  })
  await insertKey(client, command, body)
  await client.query('INSERT INTO outbox (topic, record_key, payload) VALUES ($1, $2, $3)', [
    'wallets.ledger',
    command.accountId,
    { event_type: `wallet.${command.kind}.committed`, ...command, available_minor: left },
  ])
  return body
}

async function changeHold(
  client: pg.PoolClient,
  { kind, accountId, amountMinor }: ReferenceCommand,
  holdId: string | null,
): Promise<void> {
  if (kind === 'hold') {
    await client.query('INSERT INTO holds VALUES ($1, $2, $3, $3)', [
      holdId,
      accountId,
      amountMinor,
    ])
  } else if (kind === 'commit') {
    const { rowCount } = await client.query(
      `UPDATE holds SET remaining_minor = remaining_minor - $2
       WHERE hold_id = $1 AND remaining_minor >= $2`,
      [holdId, amountMinor],
    )
    assert.equal(rowCount, 1, 'the hold is not open')
  }
}

function postingsOf(command: ReferenceCommand, available: number, held: number): Posting[] {
  const { kind, accountId, amountMinor } = command
  const out: Posting =
    kind === 'commit'
      ? { accountId, balance: 'held', amountMinor: -amountMinor, after: held - amountMinor }
      : {
          accountId,
          balance: 'available',
          amountMinor: -amountMinor,
          after: available - amountMinor,
        }
  const into: Posting =
    kind === 'hold'
      ? { accountId, balance: 'held', amountMinor, after: held + amountMinor }
      : { accountId: null, balance: 'available', amountMinor, after: null }
  return [out, into]
}

async function insertTransfer(
  client: pg.PoolClient,
  command: ReferenceCommand,
  transferId: string,
): Promise<void> {
  const { tenantId, kind, accountId, amountMinor, currency, referenceId, reason } = command
  await client.query(
    `INSERT INTO transfers (transfer_id, tenant_id, kind, account_id, amount_minor, currency,
       reference_id, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [transferId, tenantId, kind, accountId, amountMinor, currency, referenceId, reason],
  )
}

async function insertEntries(
  client: pg.PoolClient,
  transferId: string,
  [out, into]: Posting[],
  version: number,
): Promise<void> {
  const row = ({ accountId, balance, amountMinor, after }: Posting): Sql =>
    sql`(${transferId}, ${accountId}, ${balance}, ${amountMinor}, ${after}, ${version})`
  await client.query(sql`
    INSERT INTO entries (transfer_id, account_id, balance, amount_minor, balance_after_minor,
      account_version)
    VALUES ${row(out!)}, ${row(into!)}`)
}

async function insertKey(
  client: pg.PoolClient,
  command: ReferenceCommand,
  body: string,
): Promise<void> {
  const { tenantId, clientId, key } = command
  const fingerprint = createHash('sha256').update(JSON.stringify(command)).digest()
  await client.query(
    `INSERT INTO idempotency_keys (tenant_id, client_id, idempotency_key, fingerprint, status, body)
     VALUES ($1, $2, $3, $4, 200, $5)`,
    [tenantId, clientId, key, fingerprint, body],
  )
}
