import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { CHECKS } from 'caudal/verify/verify-system.ts'
import { decodeJwt } from 'jose'
import type { CliResult } from '../../cli/test/run-cli.ts'
import { startLossyProxy } from '../support/lossy-proxy.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { sendBack } from '../support/shop-client.ts'
import { suiteSystem } from '../support/suite-system.ts'
import { seed, setBehaviour } from '../support/user-client.ts'

type Verified = { ok: boolean; checks: { name: string; checked: number; violations: string[] }[] }
type Followed = {
  payment_id: string
  status: string
  reason: string | null
  steps: { at: string; step: string; detail: string }[]
}

/** Checks of what a used system need not have. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set([
  'nothing_parked',
  'corrections_bounded',
  'client_spending',
])
const PERCENTILES = ['p50', 'p95', 'p99']

describe('the command line, against a running system', () => {
  const scope = suiteScope()
  const system = suiteSystem(scope)
  before(() => setBehaviour(system.psp_url, { by_account: { declined: 'decline' } }))

  const run = (...args: string[]): Promise<CliResult> => runCaudal(system.data_dir, args)

  /** Asserts that stdout is one JSON document on one line, and returns it. */
  async function json<T>(code: number, ...args: string[]): Promise<T> {
    const result = await run(...args, '--json')
    const output = `${args.join(' ')}: ${result.code} ${result.stdout} ${result.stderr}`
    assert.equal(result.code, code, output)
    assert.match(result.stdout, /^[{[].*[}\]]\n$/, output)
    assert.equal(result.stdout.indexOf('\n'), result.stdout.length - 1, output)
    return JSON.parse(result.stdout) as T
  }

  test('seed creates users with orders and balances', async () => {
    const words = ['--users', '2', '--orders', '2', '--balance', '50', '--amount', '7.5']
    const { users } = await json<{ users: Record<string, unknown>[] }>(0, 'seed', ...words)
    assert.equal(users.length, 2)
    for (const { orders, token, ...user } of users as { orders: object[]; token: string }[]) {
      assert.deepEqual(Object.keys(user).toSorted(), ['account_id', 'user_id', 'wallet_id'])
      assert.equal(decodeJwt(token).sub, (user as { user_id?: string }).user_id)
      assert.equal(orders.length, 2)
      for (const order of orders) {
        const { external_order_id: _, ...rest } = order as Record<string, string>
        assert.deepEqual([rest['amount'], rest['currency']], ['7.50', 'USD'])
        assert.ok(rest['service_name'] && rest['service_account_number'])
      }
    }
    const other = await json<{ users: { user_id: string }[] }>(0, 'seed', ...words)
    assert.notEqual(other.users[0]!.user_id, users[0]!['user_id'], 'each seed creates new users')
  })

  test('token prints a token of a user or of any client', async () => {
    const [user] = await seed(system.data_dir)
    type Token = { token: string; expires_at: string }
    const own = await json<Token>(0, 'token', '--user', user!.user_id)
    assert.equal(decodeJwt(own.token).sub, user!.user_id)
    assert.equal(
      Date.parse(own.expires_at) - Date.now() > 3_500_000,
      true,
      'it is valid for an hour',
    )
    for (const client of ['caudal-cli', 'payments', 'new-client']) {
      const scope = client === 'payments' ? 'orders:read' : 'ledger:write ledger:read'
      const made = await json<Token>(0, 'token', '--client', client, '--scope', scope)
      const claims = decodeJwt(made.token)
      assert.deepEqual([claims.sub, claims['client_id'], claims['scope']], [client, client, scope])
    }
    const narrow = ['--user', user!.user_id, '--tenant', 'caudal', '--scope', 'wallet:read']
    assert.equal(
      decodeJwt((await json<Token>(0, 'token', ...narrow)).token)['scope'],
      'wallet:read',
    )
    const elsewhere = ['--client', 'billing', '--scope', 'ledger:read', '--tenant', 'acme']
    const abroad = decodeJwt((await json<Token>(0, 'token', ...elsewhere)).token)
    assert.deepEqual([abroad.sub, abroad['tenant_id']], ['billing', 'acme'])
    const bare = await run('token', '--client', 'new-client', '--scope', 'ledger:write')
    assert.match(bare.stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    for (const args of [
      ['--user', randomUUID()],
      ['--client', 'caudal-cli', '--scope', 'made:up'],
      ['--client', 'payments', '--scope', 'ledger:write'],
      ['--client', 'payments', '--scope', 'orders:read', '--tenant', 'acme'],
      ['--client', 'caudal-cli', '--scope', 'ledger:write', '--tenant', 'acme'],
      ['--user', user!.user_id, '--tenant', 'acme'],
      ['--user', user!.user_id, '--scope', 'ledger:write'],
      ['--client', 'other-client', '--scope', 'ledger:write', '--secret', 'a wrong guess'],
    ]) {
      assert.equal((await run('token', ...args)).code, 1, args.join(' '))
    }
    for (const args of [
      ['--client', 'billing', '--scope', 'ledger:read', '--tenant', 'No Tenant'],
      ['--client', 'bill ing', '--scope', 'ledger:read'],
      ['--client', 'billing', '--scope', 'nonsense'],
    ]) {
      assert.equal((await run('token', ...args)).code, 2, args.join(' '))
    }
  })

  test('P11: pay follows a payment until it is final, and payment shows its steps', async () => {
    const [user] = await seed(system.data_dir, { orders: 2 })
    const [first] = user!.orders.map((order) => order.external_order_id)
    const paid = await json<Followed>(0, 'pay', '--user', user!.user_id, '--order', first!)
    assert.deepEqual([paid.status, paid.reason], ['COMPLETED', null])
    const again = await json<Followed>(0, 'payment', paid.payment_id)
    assert.deepEqual(again, { ...paid, steps: again.steps })
    const { service_account_number: account } = user!.orders[0]!
    assert.ok(!JSON.stringify(again.steps).includes(account), 'F10: no step has it in clear')
    const names = again.steps.map(({ step }) => step)
    for (const step of [
      'payment.requested',
      'funds.held',
      'psp.sending',
      'psp.answered',
      'funds.committed',
      'payment.completed',
      'notification.sent',
    ]) {
      assert.ok(names.includes(step), `${step} is missing in ${names.join(', ')}`)
    }
    const times = again.steps.map(({ at }) => Date.parse(at))
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    const late = await json<Followed>(1, 'pay', '--user', user!.user_id, '--order', first!)
    assert.deepEqual([late.payment_id, late.reason], [null, 'ORDER_ALREADY_PAID'])
    const text = await run('pay', '--user', user!.user_id)
    assert.match(text.stdout, /\+\d+ ms {2}psp\.answered[^]*COMPLETED\n$/)
    const done = await json<Followed>(1, 'pay', '--user', user!.user_id)
    assert.equal(done.reason, 'ORDER_NOT_FOUND')
  })

  test('a failed payment exits with 1', async () => {
    const [user] = await seed(system.data_dir, { account: 'declined' })
    const paid = await json<Followed>(1, 'pay', '--user', user!.user_id)
    assert.deepEqual([paid.status, paid.reason], ['FAILED', 'gateway_declined'])
    await json<Followed>(1, 'payment', paid.payment_id)
    const unknown = await json<Followed>(1, 'payment', randomUUID())
    assert.deepEqual([unknown.reason, unknown.steps], ['PAYMENT_NOT_FOUND', []])
  })

  test('demo reports no lost and no duplicated payment', async () => {
    const report = await json<Record<string, unknown>>(0, 'demo', '--rate', '50', '--seconds', '2')
    const { accept_ms: accept, final_ms: final, completed_per_second: rate, ...counts } = report
    assert.deepEqual(counts, {
      sent: 100,
      accepted: 100,
      refused: 0,
      unknown: 0,
      completed: 100,
      failed: 0,
      in_doubt: 0,
      lost: 0,
      duplicated: 0,
    })
    assert.deepEqual(Object.keys(accept as object), PERCENTILES)
    assert.deepEqual(Object.keys(final as object), PERCENTILES)
    assert.ok((rate as number) > 0)
  })

  test('demo repeats requests without a response, and uses the gateway of --url', async () => {
    // The first requests are refused, the next responses are lost, and the rest passes.
    const proxy = await startLossyProxy(scope, system.gateway_url, (writes) =>
      writes < 20 ? 'refuse' : writes < 40 ? 'lose' : 'pass',
    )
    const words = ['--rate', '30', '--seconds', '2', '--url', proxy.url]
    const report = await json<Record<string, unknown>>(0, 'demo', ...words)
    const { sent, accepted, refused, unknown, completed, lost, duplicated } = report
    assert.deepEqual(
      { sent, accepted, refused, unknown, completed, lost, duplicated },
      { sent: 60, accepted: 60, refused: 0, unknown: 0, completed: 60, lost: 0, duplicated: 0 },
    )
    assert.deepEqual(proxy.counts, { lost: 20, refused: 20 })
  })

  test('verify finds no violations on a used system, and every check has checked something', async () => {
    const [user] = await seed(system.data_dir)
    const { payment_id: id } = await json<Followed>(0, 'pay', '--user', user!.user_id)
    await json(0, 'refund', id, '--amount', '4.00')
    const order = { payment_id: id, amount: '2.00', reason: 'MS03' }
    await sendBack(system.psp_url, 'returns', order)
    await eventually(async () => (await json<Followed>(0, 'payment', id)).status === 'RETURNED')
    const { ok, checks } = await json<Verified>(0, 'verify')
    assert.equal(ok, true)
    assert.deepEqual(
      checks.map(({ name }) => name),
      CHECKS.map(({ name }) => name),
    )
    for (const { name, checked, violations } of checks) {
      assert.ok(checked > 0 || MAY_BE_EMPTY.has(name), `${name} checked nothing`)
      assert.deepEqual(violations, [])
    }
    assert.match((await run('verify')).stdout, /^(ok {2}\w+ +\d+ checked\n)+$/)
  })

  test('the system stops', async () => {
    assert.equal(await system.stop(), 0)
  })
})
