import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { fetchCameBack } from 'caudal/system/refunds-api.ts'
import { anyClientToken } from 'caudal/system/tokens.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { backAt, openShop, sendBack, type ShopClient } from '../support/shop-client.ts'
import { suiteSystem } from '../support/suite-system.ts'
import {
  availableIs,
  chargesOf,
  get,
  messagesOf,
  paymentWithStatus,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

describe('P12: money comes back through the whole system', () => {
  const scope = suiteScope()
  const system = suiteSystem(scope)
  let shop: ShopClient
  before(async () => {
    shop = await openShop(system.data_dir)
  })

  async function paid(args: Parameters<typeof seed>[1] = {}): Promise<[SeededUser, string]> {
    const [user] = await seed(system.data_dir, args)
    const { body } = await postPayment(system.gateway_url, user!)
    const id = String(body['payment_id'])
    await paymentWithStatus(system.gateway_url, user!, id, ['COMPLETED'])
    return [user!, id]
  }

  test('a payment is refunded in parts: the wallet is credited, the status follows from the sums', async () => {
    const [user, id] = await paid()
    const key = randomUUID()
    const part = { amount: '4.00', reason: 'requested_by_customer', metadata: { ticket: '17' } }
    const accepted = await shop.refund(id, part, key)
    assert.equal(accepted.status, 202, accepted.text)
    const refundId = String(accepted.body['refund_id'])
    assert.equal(accepted.headers.get('location'), `/api/v1/refunds/${refundId}`)
    const { created_at: createdAt, ...shown } = accepted.body
    assert.deepEqual(shown, {
      refund_id: refundId,
      payment_id: id,
      status: 'PENDING',
      amount: '4.00',
      currency: 'USD',
      reason: 'requested_by_customer',
      metadata: { ticket: '17' },
      failure_reason: null,
      version: 1,
      updated_at: createdAt,
    })
    await shop.refundWithStatus(refundId, 'SUCCEEDED')
    await shop.paymentWithStatus(id, 'PARTIALLY_REFUNDED')
    await availableIs(system.gateway_url, user, '94.00')
    const again = await shop.refund(id, part, key)
    assert.deepEqual([again.status, again.text], [202, accepted.text])
    assert.equal(again.headers.get('idempotency-replayed'), 'true')

    const rest = await shop.refund(id, { reason: 'other' })
    assert.equal(rest.body['amount'], '6.00')
    await shop.refundWithStatus(String(rest.body['refund_id']), 'SUCCEEDED')
    const seen = await paymentWithStatus(system.gateway_url, user, id, ['REFUNDED'])
    assert.equal(seen['amount'], '10.00')
    await availableIs(system.gateway_url, user, '100.00')
    assert.equal((await backAt(system.psp_url, 'refunds', id)).length, 2)

    const more = await shop.refund(id, { amount: '0.01', reason: 'other' })
    assert.equal(more.status, 422)
    const { code, captured, refunded, pending, refundable } = more.body
    assert.deepEqual(
      [code, captured, refunded, pending, refundable],
      ['REFUND_EXCEEDS_CAPTURED', '10.00', '10.00', '0.00', '0.00'],
    )
    const { body: list } = await get(system.gateway_url, user, `/payments/${id}/refunds`)
    assert.deepEqual(
      (list['data'] as Record<string, unknown>[]).map(({ amount, status }) => [amount, status]),
      [
        ['6.00', 'SUCCEEDED'],
        ['4.00', 'SUCCEEDED'],
      ],
    )
    await eventually(async () => {
      const ids = (await messagesOf(system.push_url, id)).map((message) => message.message_id)
      assert.equal(new Set(ids).size, 3, 'one message of the payment and one of each refund')
      return true
    })
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('of two parallel refunds of 6.00 on a payment of 10.00 one is accepted', async () => {
    const [, id] = await paid()
    const wanted = { amount: '6.00', reason: 'duplicate' }
    const answers = await Promise.all([shop.refund(id, wanted), shop.refund(id, wanted)])
    const statuses = answers.map(({ status }) => status)
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [202, 422],
    )
  })

  test('an amount that is no amount of the currency is refused and leaves nothing', async () => {
    const [user, id] = await paid()
    for (const amount of ['-1.00', '10.005', '0.00', '1,00', '']) {
      const { status, body } = await shop.refund(id, { amount, reason: 'other' })
      assert.deepEqual([status, body['code']], [400, 'MALFORMED_REQUEST'], amount)
    }
    const { body } = await get(system.gateway_url, user, `/payments/${id}/refunds`)
    assert.deepEqual(body['data'], [])
  })

  test('P1: a user reads own refunds only, and asks for none', async () => {
    const [user, id] = await paid()
    const [other] = await seed(system.data_dir)
    const { body } = await shop.refund(id)
    const path = `/refunds/${String(body['refund_id'])}`
    assert.equal((await get(system.gateway_url, user, path)).status, 200)
    assert.equal((await get(system.gateway_url, other!, path)).body['code'], 'REFUND_NOT_FOUND')
    const foreign = await get(system.gateway_url, other!, `/payments/${id}/refunds`)
    assert.equal(foreign.body['code'], 'PAYMENT_NOT_FOUND')
    const headers = {
      authorization: `Bearer ${user.token}`,
      'idempotency-key': randomUUID(),
      'content-type': 'application/json',
    }
    const url = `${system.gateway_url}/api/v1/payments/${id}/refunds`
    const asked = await fetch(url, { method: 'POST', headers, body: '{"reason":"other"}' })
    assert.equal(asked.status, 403)
  })

  test('a declined refund fails, and the payment can be refunded again', async () => {
    const [user, id] = await paid()
    await setBehaviour(system.psp_url, { by_operation: { refund: 'decline', void: 'decline' } })
    const { body } = await shop.refund(id)
    const failed = await shop.refundWithStatus(String(body['refund_id']), 'FAILED')
    assert.equal(failed['failure_reason'], 'gateway_declined')
    await setBehaviour(system.psp_url, {})
    await shop.paymentWithStatus(id, 'COMPLETED')
    const second = await shop.refund(id)
    await shop.refundWithStatus(String(second.body['refund_id']), 'SUCCEEDED')
    await availableIs(system.gateway_url, user, '100.00')
  })

  test('of cancel and sending exactly one wins: the money is back, or the PSP has it', async () => {
    const users = await seed(system.data_dir, { users: 20 })
    await Promise.all(
      users.map(async (user) => {
        const { body } = await postPayment(system.gateway_url, user)
        const id = String(body['payment_id'])
        // On a busy machine the processor may answer late, and a cancel can be repeated.
        const canceled = await eventually(async () => {
          const answer = await shop.ask('POST', `/payments/${id}/cancel`)
          return answer.status !== 503 && answer
        })
        const ends = ['COMPLETED', 'FAILED']
        const { status, reason } = await paymentWithStatus(system.gateway_url, user, id, ends)
        const charges = await chargesOf(system.psp_url, id)
        if (canceled.status === 202) {
          assert.deepEqual([status, reason, charges.length], ['FAILED', 'canceled', 0])
          await availableIs(system.gateway_url, user, '100.00')
        } else {
          assert.equal(canceled.body['code'], 'PAYMENT_ALREADY_SENT')
          assert.deepEqual([status, reason, charges.length], ['COMPLETED', null, 1])
          await availableIs(system.gateway_url, user, '90.00')
        }
      }),
    )
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('money that the bank returns is credited to the wallet, and its destination is blocked', async () => {
    const account = `returned-${randomUUID().slice(0, 8)}`
    const [user, id] = await paid({ account, orders: 2 })
    await sendBack(system.psp_url, 'returns', { payment_id: id, reason: 'AC04' })
    await paymentWithStatus(system.gateway_url, user, id, ['RETURNED'])
    await availableIs(system.gateway_url, user, '100.00')
    const { body } = await get(system.gateway_url, user, `/payments/${id}/returns`)
    const [returned, ...others] = body['data'] as Record<string, unknown>[]
    assert.deepEqual(others, [])
    const { status, amount, reason, reason_code: code } = returned!
    assert.deepEqual(
      [status, amount, reason, code],
      ['CREDITED', '10.00', 'AC04', 'account_closed'],
    )
    const order = user.orders[1]!.external_order_id
    const blocked = await postPayment(system.gateway_url, user, order)
    assert.deepEqual([blocked.status, blocked.body['code']], [422, 'DESTINATION_BLOCKED'])
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test("a return smaller by bank charges makes the user whole, and the fees are the operator's", async () => {
    const [user, id] = await paid()
    const order = { payment_id: id, amount: '9.40', charges: '0.60', reason: 'MS03' }
    await sendBack(system.psp_url, 'returns', order)
    await paymentWithStatus(system.gateway_url, user, id, ['RETURNED'])
    await availableIs(system.gateway_url, user, '100.00')
    const { body } = await get(system.gateway_url, user, `/payments/${id}/returns`)
    const [returned] = body['data'] as Record<string, unknown>[]
    assert.deepEqual([returned?.['amount'], returned?.['charges']], ['10.00', '0.60'])
    const [atBank] = await backAt(system.psp_url, 'returns', id)
    assert.equal(atBank?.['amount'], '9.40')
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('a refund that was made at the console of the bank is adopted', async () => {
    const [user, id] = await paid()
    await sendBack(system.psp_url, 'refunds', { payment_id: id, amount: '3.00' })
    await paymentWithStatus(system.gateway_url, user, id, ['PARTIALLY_REFUNDED'])
    await availableIs(system.gateway_url, user, '93.00')
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('the command line refunds and cancels, and exits by how it ended', SLOW, async () => {
    const [, id] = await paid()
    const words = ['refund', id, '--amount', '4.00', '--reason', 'not_delivered', '--json']
    const part = await runCaudal(system.data_dir, words)
    assert.equal(part.code, 0, part.stderr)
    const shown = JSON.parse(part.stdout) as Record<string, unknown>
    assert.deepEqual(
      [shown['status'], shown['amount'], shown['reason']],
      ['SUCCEEDED', '4.00', 'not_delivered'],
    )
    const steps = (shown['steps'] as { step: string }[]).map(({ step }) => step)
    assert.deepEqual([steps[0], steps.at(-1)], ['PENDING', 'SUCCEEDED'])
    const rest = await runCaudal(system.data_dir, ['refund', id])
    assert.match(rest.stdout, /SUCCEEDED {2}6\.00 USD\n$/)
    const nothing = await runCaudal(system.data_dir, ['refund', id, '--json'])
    assert.equal(nothing.code, 1)
    assert.equal(
      (JSON.parse(nothing.stdout) as Record<string, unknown>)['failure_reason'],
      'REFUND_EXCEEDS_CAPTURED',
    )
    const payment = await runCaudal(system.data_dir, ['payment', id])
    assert.match(payment.stdout, /REFUNDED\n {2}refund \S+ {2}SUCCEEDED {2}4\.00 USD {2}not_deliv/)
    const late = await runCaudal(system.data_dir, ['cancel', id, '--json'])
    assert.equal(late.code, 1)
    assert.deepEqual(JSON.parse(late.stdout), {
      payment_id: id,
      status: null,
      reason: 'PAYMENT_ALREADY_SENT',
    })
  })

  test('the command line lists the PSPs, and takes one out of service', SLOW, async () => {
    const stateOf = async (): Promise<unknown> => {
      const { stdout } = await runCaudal(system.data_dir, ['psp', 'list', '--json'])
      const { psps } = JSON.parse(stdout) as { psps: Record<string, unknown>[] }
      assert.deepEqual(
        psps.map(({ psp, accounts }) => [psp, accounts]),
        [
          ['main', ['main']],
          ['asyncbank', ['main']],
        ],
      )
      return psps[1]!['state']
    }
    assert.equal(await stateOf(), 'enabled')
    for (const [action, state] of [
      ['drain', 'draining'],
      ['disable', 'disabled'],
      ['enable', 'enabled'],
    ]) {
      const why = action === 'enable' ? [] : ['--reason', 'a test']
      const words = ['psp', action!, 'asyncbank', ...why, '--json']
      const { code, stdout, stderr } = await runCaudal(system.data_dir, words)
      assert.equal(code, 0, stderr)
      assert.equal((JSON.parse(stdout) as Record<string, unknown>)['state'], state)
      assert.equal(await stateOf(), state)
    }
    const listing = ['psp', 'changes', 'asyncbank', '--json']
    const { changes } = JSON.parse((await runCaudal(system.data_dir, listing)).stdout) as {
      changes: Record<string, unknown>[]
    }
    assert.deepEqual(
      changes.map(({ state, reason }) => [state, reason]),
      [
        ['enabled', 'none given'],
        ['disabled', 'a test'],
        ['draining', 'a test'],
      ],
    )
    const unknown = await runCaudal(system.data_dir, ['psp', 'drain', 'nosuch', '--reason', 'x'])
    assert.equal(unknown.code, 1)
  })

  test('what may not be read of a payment is an error, not an empty list', async () => {
    const [, id] = await paid()
    const found = await findSystem({ dataDir: system.data_dir, url: undefined })
    const scope = SCOPE.ordersRead
    const { token } = await anyClientToken(found, 'reader', { scope })
    await assert.rejects(fetchCameBack(found, token, id), /failed with 403/)
  })
})
