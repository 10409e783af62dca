import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { suiteSystem } from '../support/suite-system.ts'
import { paymentWithStatus, postPayment, seed, setBehaviour } from '../support/user-client.ts'

type Wait = { service: string; reason: string; record_id: string; cause: string; next: string }
type Shown = { status: string; steps: object[]; waits?: Wait[] }
type Listed = { data: { payment_id: string; status: string }[]; has_more: boolean }

describe('a payment that waits', () => {
  const system = suiteSystem(suiteScope())
  before(() =>
    setBehaviour(system.psp_url, { by_account: { silent: 'hang', declined: 'decline' } }),
  )

  async function json<T>(code: number, ...args: string[]): Promise<T> {
    const result = await runCaudal(system.data_dir, [...args, '--json'])
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout} ${result.stderr}`)
    return JSON.parse(result.stdout) as T
  }

  /** A request to pay of the account that wallets cannot read, behind the back of payments. */
  async function poison(account: string): Promise<void> {
    const admin = await connectAsAdmin(system.data_dir, 'caudal_payments')
    const event = { event_id: newId(), schema_version: '1.1.0', region: 'local' }
    const payload = { ...event, event_type: 'payment.requested', account_id: account }
    await admin.query(
      `INSERT INTO outbox (event_id, topic, record_key, payload, headers)
       VALUES ($1, 'payments.requested', $2, $3, '{}')`,
      [event.event_id, account, JSON.stringify({ ...payload, tenant_id: 'caudal' })],
    )
    await admin.end()
    const text = `SELECT FROM parked_records WHERE record_key = $1`
    const wallets = await connectAsAdmin(system.data_dir, 'caudal_wallets')
    await eventually(async () => (await wallets.query(text, [account])).rowCount === 1)
    await wallets.end()
  }

  test('payment shows the parked record that it stands behind, and how it goes on', async () => {
    const [user] = await seed(system.data_dir)
    await poison(user!.account_id)
    const { body } = await postPayment(system.gateway_url, user!)
    const id = String(body['payment_id'])
    const { waits } = await eventually(async () => {
      const shown = await json<Shown>(0, 'payment', id)
      return shown.waits !== undefined && shown
    })
    const [wait, ...others] = waits!
    assert.deepEqual([wait!.service, wait!.reason, others], ['wallets', 'behind', []])
    const [, poisoned] = /"caudal dlq show (\S+)"/.exec(wait!.next) ?? []
    assert.notEqual(poisoned, wait!.record_id)
    assert.ok(wait!.cause.includes(poisoned!), wait!.cause)
    const text = await runCaudal(system.data_dir, ['payment', id])
    assert.match(
      text.stdout,
      /PENDING\n {2}waits at wallets \(behind\): .*\n {4}next: read it with/,
    )

    const { data } = await json<Listed>(0, 'payments', '--status', 'PENDING', '--older-than', '0s')
    assert.deepEqual(
      data.map((payment) => payment.payment_id),
      [id],
    )
    await json(0, 'dlq', 'discard', poisoned!, '--reason', 'made by the test')
    await paymentWithStatus(system.gateway_url, user!, id, ['COMPLETED'])
    const ended = await json<Shown>(0, 'payment', id)
    assert.deepEqual([ended.status, ended.waits], ['COMPLETED', undefined])
  })

  test('payment shows when the PSP is asked again', async () => {
    const [user] = await seed(system.data_dir, { account: 'silent' })
    const { body } = await postPayment(system.gateway_url, user!)
    const id = String(body['payment_id'])
    const { waits } = await eventually(
      async () => {
        const shown = await json<Shown>(0, 'payment', id)
        return shown.waits !== undefined && shown
      },
      { timeoutMs: 30_000 },
    )
    const [wait] = waits!
    assert.deepEqual([wait!.service, wait!.reason], ['processor', 'next_step'])
    assert.match(wait!.next, /PSP.* at \d{4}-\d\d-\d\dT/)
  })

  test('payments lists by user, order and status, and has_more counts on', async () => {
    const [user] = await seed(system.data_dir, { orders: 3 })
    const [declined] = await seed(system.data_dir, { account: 'declined' })
    const ids: string[] = []
    for (const { external_order_id: order } of user!.orders) {
      const { body } = await postPayment(system.gateway_url, user!, order)
      ids.unshift(String(body['payment_id']))
    }
    const { body } = await postPayment(system.gateway_url, declined!)
    const failed = String(body['payment_id'])
    await paymentWithStatus(system.gateway_url, declined!, failed, ['FAILED'])
    const idsOf = ({ data }: Listed) => data.map((payment) => payment.payment_id)
    const ofUser = await json<Listed>(0, 'payments', '--user', user!.user_id)
    assert.deepEqual(idsOf(ofUser), ids)
    const two = await json<Listed>(0, 'payments', '--user', user!.user_id, '--limit', '2')
    assert.deepEqual([idsOf(two), two.has_more], [ids.slice(0, 2), true])
    assert.deepEqual(idsOf(await json<Listed>(0, 'payments', '--status', 'FAILED')), [failed])
    const order = declined!.orders[0]!.external_order_id
    assert.deepEqual(idsOf(await json<Listed>(0, 'payments', '--order', order)), [failed])
    const none = ['payments', '--order', randomUUID()]
    assert.deepEqual(await json(0, ...none), { data: [], has_more: false })
    assert.match((await runCaudal(system.data_dir, none)).stdout, /^no payments\n$/)
    const old = await json<Listed>(0, 'payments', '--older-than', '1d')
    assert.deepEqual(idsOf(old), [])
  })
})
