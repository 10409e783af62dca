import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { startPsp } from './start-psp.ts'

describe('behaviours of the simulated bank', async () => {
  const psp = await startPsp(suiteScope())
  beforeEach(() => psp.behave({}))

  async function statusOf(paymentId: string): Promise<unknown> {
    return (await psp.call('GET', `/v1/payments/${paymentId}`)).json['status']
  }

  async function behaving(behaviour: string): Promise<string> {
    await psp.behave({ default: behaviour })
    return randomUUID()
  }

  test('P8: error_500 returns the documented error and leaves the key unknown', async () => {
    const paymentId = await behaving('error_500')
    const { status, json } = await psp.pay(paymentId)
    assert.equal(status, 500)
    assert.deepEqual(json, {
      status: 'failed',
      error_code: 'gateway_unailable',
      message: 'The payment gateway is temporarily unavailable',
      payment_id: paymentId,
    })
    assert.equal(await statusOf(paymentId), 'not_found')
    await psp.behave({ default: 'approve' })
    assert.equal((await psp.pay(paymentId, { amount: '5.00' })).status, 200)
  })

  test('P8: error_500_once fails once per key, error_500_twice twice', async () => {
    for (const [behaviour, faults] of [
      ['error_500_once', 1],
      ['error_500_twice', 2],
    ] as const) {
      const paymentId = await behaving(behaviour)
      for (const id of [paymentId, randomUUID()]) {
        for (let fault = 0; fault < faults; fault++) assert.equal((await psp.pay(id)).status, 500)
        assert.equal((await psp.pay(id)).status, 200)
        assert.equal((await psp.pay(id)).status, 200)
        assert.equal((await psp.charges(id)).length, 1)
      }
    }
  })

  test('P8: error_500_once fails exactly one of many concurrent requests', async () => {
    const paymentId = await behaving('error_500_once')
    const answers = await Promise.all(Array.from({ length: 20 }, () => psp.pay(paymentId)))
    assert.equal(answers.filter(({ status }) => status === 500).length, 1)
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: rate_limit_once returns Retry-After and leaves the key unknown', async () => {
    const paymentId = await behaving('rate_limit_once')
    const { status, headers, json } = await psp.pay(paymentId)
    assert.equal(status, 429)
    assert.match(headers.get('retry-after') ?? '', /^\d+$/)
    assert.equal(json['code'], 'RATE_LIMITED')
    assert.equal(await statusOf(paymentId), 'not_found')
    assert.equal((await psp.pay(paymentId)).status, 200)
  })

  test('P8: slow stores the verdict at once and responds later', async () => {
    const paymentId = await behaving('slow:400')
    const started = performance.now()
    const answer = psp.pay(paymentId)
    await eventually(async () => (await statusOf(paymentId)) === 'approved')
    assert.equal((await answer).status, 200)
    assert.ok(performance.now() - started >= 399)
  })

  test('P8: latency_ms is added to each response', async () => {
    await psp.behave({ latency_ms: 150 })
    const started = performance.now()
    await psp.pay(randomUUID())
    await psp.call('GET', `/v1/payments/${randomUUID()}`)
    assert.ok(performance.now() - started >= 298)
  })

  test('P8: hang never responds, charges nothing and closes with the caller', async () => {
    const paymentId = await behaving('hang')
    await hangs(paymentId)
    assert.equal(await statusOf(paymentId), 'not_found')
    assert.equal((await psp.requests(paymentId))[0]?.['delivery'], 'hang')
    await psp.behave({ default: 'approve' })
    assert.equal((await psp.pay(paymentId)).status, 200)
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: apply_then_hang charges and never responds; repeats hang until the behaviour changes', async () => {
    const paymentId = await behaving('apply_then_hang')
    await hangs(paymentId)
    assert.equal(await statusOf(paymentId), 'approved')
    await hangs(paymentId)
    await psp.behave({ default: 'approve' })
    assert.equal((await psp.pay(paymentId)).status, 200)
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: reset resets the connection and charges nothing', async () => {
    const paymentId = await behaving('reset')
    await assert.rejects(psp.pay(paymentId), /fetch failed/)
    assert.equal(await statusOf(paymentId), 'not_found')
    assert.deepEqual(await psp.charges(paymentId), [])
  })

  test('P8: apply_then_reset charges and resets the connection', async () => {
    const paymentId = await behaving('apply_then_reset')
    await assert.rejects(psp.pay(paymentId), /fetch failed/)
    assert.equal(await statusOf(paymentId), 'approved')
    await psp.behave({ default: 'approve' })
    assert.equal((await psp.pay(paymentId)).status, 200)
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: garbage charges and responds with invalid JSON', async () => {
    const paymentId = await behaving('garbage')
    const { status, text } = await psp.pay(paymentId)
    assert.equal(status, 200)
    assert.throws(() => JSON.parse(text))
    assert.equal(await statusOf(paymentId), 'approved')
  })

  const lies = [
    ['wrong_amount', { amount: '0.01' }],
    ['wrong_currency', { currency: 'JPY' }],
    ['no_transaction_id', { gateway_transaction_id: undefined }],
    ['repeated_transaction_id', { gateway_transaction_id: '00000000-0000-4000-8000-000000000001' }],
  ] as const
  for (const [behaviour, members] of lies) {
    test(`P8: ${behaviour} charges and lies in the response, but not to a status query`, async () => {
      const paymentId = await behaving(behaviour)
      const { status, json } = await psp.pay(paymentId)
      assert.deepEqual([status, json['status']], [200, 'approved'])
      for (const [name, value] of Object.entries(members)) assert.equal(json[name], value)
      const [charge] = await psp.charges(paymentId)
      const shown = (await psp.call('GET', `/v1/payments/${paymentId}`)).json
      for (const name of ['amount', 'currency', 'gateway_transaction_id']) {
        assert.equal(shown[name], charge?.[name], name)
      }
    })
  }

  test('P8: duplicate_members charges and states two verdicts', async () => {
    const paymentId = await behaving('duplicate_members')
    const { text } = await psp.pay(paymentId)
    assert.match(text, /"status":"failed".*"status":"approved"/)
    assert.equal(await statusOf(paymentId), 'approved')
  })

  test('P8: the behaviour also decides how a known verdict is delivered', async () => {
    const paymentId = await behaving('approve')
    await psp.pay(paymentId)
    await psp.behave({ default: 'error_500' })
    assert.equal((await psp.pay(paymentId)).status, 500)
    await psp.behave({ default: 'reset' })
    await assert.rejects(psp.pay(paymentId), /fetch failed/)
    assert.equal(await statusOf(paymentId), 'approved')
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: behaviour is chosen by destination account, else by the default', async (t) => {
    const psp = await startPsp(t, { CAUDAL_PSP_SIMULATOR_BEHAVIOUR: 'decline' })
    const to = (account: string) => ({
      destination: { name: 'n', account_number: account, bank_code: 'b' },
    })
    assert.equal((await psp.pay(randomUUID(), to('1'))).status, 400)
    await psp.behave({ default: 'error_500', by_account: { '1': 'approve', '2': 'decline' } })
    const statuses = ['1', '2', '3'].map(
      async (one) => (await psp.pay(randomUUID(), to(one))).status,
    )
    assert.deepEqual(await Promise.all(statuses), [200, 400, 500])
  })

  test('P8: random gives the same faults for the same seed', async () => {
    const drawn = async () => {
      await psp.behave({ default: 'random:0.5', seed: 11 })
      const outcomes: unknown[] = []
      for (let index = 0; index < 12; index++) {
        const paymentId = randomUUID()
        const caller = new AbortController()
        const answer = psp.pay(paymentId, {}, { signal: caller.signal }).catch(() => null)
        const seen = await eventually(async () => (await psp.requests(paymentId))[0])
        outcomes.push(seen['behaviour'])
        caller.abort()
        await answer
      }
      return outcomes
    }
    const first = await drawn()
    assert.deepEqual(await drawn(), first)
    assert.ok(new Set(first).size > 2, String(first))
  })

  test('invalid settings are refused and change nothing', async () => {
    const before = (await psp.call('GET', '/admin/behaviour')).text
    const nonsense = [
      { default: 'explode' },
      { by_account: { '1': 'slow' } },
      { by_account: { '': 'approve' } },
      { by_account: { 'a\u0000': 'approve' } },
      { latency_ms: -1 },
      { seed: 0.5 },
      { fallback: 'approve' },
      [],
    ]
    for (const settings of nonsense) {
      const { status, json } = await psp.call('PUT', '/admin/behaviour', settings)
      assert.deepEqual([status, json['code']], [400, 'MALFORMED_REQUEST'], JSON.stringify(settings))
    }
    assert.equal((await psp.call('GET', '/admin/behaviour')).text, before)
  })

  test('a stop does not wait for held connections', async () => {
    const paymentId = await behaving('hang')
    const hanging = assert.rejects(psp.pay(paymentId), /fetch failed/)
    await eventually(async () => (await heldConnections()) === 1)
    const started = performance.now()
    await psp.restart()
    assert.ok(performance.now() - started < 3_000)
    await hanging
  })

  /** Sends a request, waits until it is held, aborts it and waits until it is no longer held. */
  async function hangs(paymentId: string): Promise<void> {
    const caller = new AbortController()
    const answer = psp.pay(paymentId, {}, { signal: caller.signal })
    const left = assert.rejects(answer, { name: 'AbortError' })
    await eventually(async () => (await heldConnections()) === 1)
    caller.abort()
    await left
    await eventually(async () => (await heldConnections()) === 0)
  }

  async function heldConnections(): Promise<number> {
    const { text } = await psp.call('GET', '/metrics')
    return Number(/^psp_held_connections\{[^}]*\} (\d+)$/m.exec(text)?.[1])
  }
})
