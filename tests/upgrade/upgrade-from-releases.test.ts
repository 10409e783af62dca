import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { readSystemState } from 'caudal/system/state-file.ts'
import { request } from 'undici'
import { connectAsAdmin } from '../support/database-server.ts'
import { dataDirectory, type LaunchedSystem, launchSystem } from '../support/launch-system.ts'
import { runCaudal } from '../support/run-caudal.ts'
import {
  paymentWithStatus,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'
import { checkOut, releases, runRelease } from './released-versions.ts'

const AT_ONCE = { default: 'approve', latency_ms: 5 }
/** Longer than the release takes to stop, so that payments are open when it does. */
const LATE = { default: 'slow:60000' }
const TABLES = ['accounts', 'account_changes', 'transfers', 'entries', 'command_references']

async function pay(system: LaunchedSystem, users: SeededUser[], order: number): Promise<string[]> {
  const answers = await Promise.all(
    users.map((user) =>
      postPayment(system.gateway_url, user, user.orders[order]!.external_order_id),
    ),
  )
  return answers.map(({ status, text, body }) => {
    assert.equal(status, 202, text)
    return body['payment_id'] as string
  })
}

/** Commands of a client of the ledger: every kind that release 0.1.0 has. */
async function useLedger(root: string, dataDir: string, accountId: string): Promise<void> {
  const client = ['token', '--client', 'shop', '--scope', 'ledger:write']
  const { token } = await runRelease<{ token: string }>(root, dataDir, client)
  const { services } = (await readSystemState(dataDir))!
  const command = async (kind: string, minor: number | null, holdId?: string) => {
    const answer = await request(`${services['wallets']}/v1/wallet/${kind}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'x-idempotency-key': randomUUID(),
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        account_id: accountId,
        reason: 'test',
        reference_id: randomUUID(),
        ...(minor !== null && { amount: { minor_units: minor, currency: 'USD' } }),
        ...(holdId !== undefined && { hold_id: holdId }),
      }),
    })
    const text = await answer.body.text()
    assert.equal(answer.statusCode, 200, text)
    return JSON.parse(text) as { hold_id: string }
  }
  await command('credit', 700)
  await command('debit', 300)
  await command('commit', 40, (await command('hold', 100)).hold_id)
  await command('rollback', null, (await command('hold', 200)).hold_id)
  await command('hold', 50)
}

/** Payments that end, one that the PSP declines, and some that are open when the release stops. */
async function useRelease(root: string, system: LaunchedSystem): Promise<string[]> {
  const { data_dir: dataDir, psp_url: pspUrl } = system
  const args = ['seed', '--users', '4', '--orders', '4', '--balance', '100.00']
  const { users } = await runRelease<{ users: SeededUser[] }>(root, dataDir, args)
  const [first] = users as [SeededUser]
  await useLedger(root, dataDir, (first as unknown as { account_id: string }).account_id)
  await setBehaviour(pspUrl, AT_ONCE)
  const completed = await pay(system, users, 0)
  await Promise.all(
    users.map((user, at) =>
      paymentWithStatus(system.gateway_url, user, completed[at]!, ['COMPLETED']),
    ),
  )
  await setBehaviour(pspUrl, { ...AT_ONCE, default: 'decline' })
  const [declined] = await pay(system, [first], 1)
  await paymentWithStatus(system.gateway_url, first, declined!, ['FAILED'])
  await setBehaviour(pspUrl, LATE)
  const open = await pay(system, users, 2)
  await Promise.all(
    users.map((user, at) => paymentWithStatus(system.gateway_url, user, open[at]!, ['RESERVED'])),
  )
  await pay(system, users, 3)
  return open
}

async function statusesOf(dataDir: string): Promise<Record<string, number>> {
  const admin = await connectAsAdmin(dataDir, 'caudal_payments')
  const { rows } = await admin.query<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM payments GROUP BY status',
  )
  await admin.end()
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}

/** The table `holds`, with the client of its transfer where an earlier release did not name it. */
const HOLDS = `(SELECT (jsonb_populate_record(h, jsonb_build_object('client_id',
    coalesce(h.client_id, t.client_id)))).*
  FROM holds h LEFT JOIN transfers t ON t.transfer_id = h.hold_id)`

/** All rows of the ledger that its events state; times of openings in whole milliseconds. */
async function booksIn(dataDir: string, database: string): Promise<Record<string, unknown[]>> {
  const admin = await connectAsAdmin(dataDir, database)
  const books: Record<string, unknown[]> = {}
  for (const [table, source] of [...TABLES.map((one) => [one, one]), ['holds', HOLDS]] as const) {
    const { rows } = await admin.query<{ row: unknown }>(
      `SELECT to_jsonb(t) - 'fingerprint' - 'opened_at' || CASE WHEN to_jsonb(t) ? 'opened_at'
         THEN jsonb_build_object('opened_at', date_trunc('milliseconds',
           (to_jsonb(t)->>'opened_at')::timestamptz)) ELSE '{}' END AS row
       FROM ${source} t WHERE coalesce(to_jsonb(t)->>'status', '') <> 'refused' ORDER BY 1`,
    )
    books[table] = rows.map(({ row }) => row)
  }
  await admin.end()
  return books
}

for (const release of await releases()) {
  test(
    `data of release ${release.version} is upgraded with payments in flight`,
    SLOW,
    async (t) => {
      const root = await checkOut(t, release)
      const dataDir = await dataDirectory(t)
      const before = await launchSystem(t, { dataDir, root })
      await useRelease(root, before)
      assert.equal(await before.stop(), 0)

      const system = await launchSystem(t, { dataDir })
      await setBehaviour(system.psp_url, AT_ONCE)
      const users = await seed(dataDir, { users: 2, orders: 1 })
      const paid = await pay(system, users, 0)
      await Promise.all(
        users.map((user, at) =>
          paymentWithStatus(system.gateway_url, user, paid[at]!, ['COMPLETED']),
        ),
      )
      assert.deepEqual(await violationsOf(dataDir), [])
      assert.deepEqual(await statusesOf(dataDir), { COMPLETED: 14, FAILED: 1 })

      const { code, stdout } = await runCaudal(dataDir, ['rebuild', '--into', 'caudal_rebuilt'])
      assert.equal(code, 0, stdout)
      const books = await booksIn(dataDir, 'caudal_wallets')
      assert.deepEqual(await booksIn(dataDir, 'caudal_rebuilt'), books)
      for (const [table, rows] of Object.entries(books)) {
        if (table !== 'account_changes') assert.ok(rows.length > 0, table)
      }
    },
  )
}

test('a clone without the commit of a release fails with the command that fetches it', async (t) => {
  const missing = { version: '9.9.9', commit: '0123456789012345678901234567890123456789' }
  await assert.rejects(checkOut(t, missing), /lacks the commit 0123.*git fetch --unshallow/)
})
