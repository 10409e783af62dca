import assert from 'node:assert/strict'
import { voidIdOf } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { receiveCallbacks } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { isOver, itsIdOf } from '../../src/domain/psp-operation.ts'
import type { PspOrder } from '../../src/domain/psp-order.ts'
import type { PspAdapter } from '../../src/psp/adapter.ts'
import { createPspClient, type PspClient } from '../../src/psp/psp-client.ts'
import type { ExpectedOperation } from '../../src/psp/read-verdict.ts'
import { checkCallbacks } from './check-callbacks.ts'
import { type Driven, drive, type Fault } from './drive.ts'
import type { PspUnderTest } from './psp-under-test.ts'
import { randomOf, type Random } from './random.ts'

/** An operation that was driven, and what the kit knows about it. */
export type Outcome = { expected: ExpectedOperation; driven: Driven }

const WELL = 'approve'
const REQUESTED_AT = '2026-01-02T03:04:05.000Z'
const MOST_FAULTY_CALLS = 6
const CURRENCIES = ['USD', 'EUR', 'JPY'] as const

type Run = {
  psp: PspUnderTest
  random: Random
  client: PspClient
  adapter: PspAdapter
  /** Makes the adapter throw at answers. */
  faults: { isThrowing: boolean }
}

/**
 * Checks an adapter against its PSP: payments, refunds, voids and payouts under random faults of
 * the PSP, of the network, of this process and of the adapter. The seed decides all of them, and
 * every message names it. Each operation must move its money once at most, and its status must be
 * what the books say; a key that may be forgotten is never sent again.
 */
export async function checkConformance(
  scope: TestScope,
  psp: PspUnderTest,
  { seed, payments }: { seed: number; payments: number },
): Promise<Outcome[]> {
  const faults = { isThrowing: false }
  const adapter = throwingAdapter(psp.adapter, faults)
  const client = createPspClient({
    adapter,
    url: psp.url,
    maxSends: 8,
    maxQueries: 8,
    connectTimeoutMs: 1_000,
  })
  scope.after(() => client.close())
  const receiver = await receiveCallbacks(scope)
  const secrets = psp.callBack && (await psp.callBack(receiver.url))
  const run: Run = { psp, random: randomOf(seed), client, adapter, faults }
  const outcomes: Outcome[] = []
  for (let index = 0; index < payments; index += 1) {
    const name = `${psp.name}, seed ${seed}, payment ${index}`
    outcomes.push(...(await payAndReverse(run, name)))
    if (run.random.below(2) === 0) outcomes.push(await payOut(run, name))
  }
  // What came late must not have changed what was true.
  for (const outcome of outcomes) await checkBooks(psp, outcome, `${psp.name}, seed ${seed}, late`)
  if (secrets) await checkCallbacks(psp.adapter, { receiver, secrets, outcomes, seed })
  return outcomes
}

const DESTINATION = {
  sourceAccountNumber: '2143658709',
  destination: { name: 'Servicio Á & Co', accountNumber: '1234567890', bankCode: 'BNK112' },
} as const

async function payAndReverse(run: Run, name: string): Promise<Outcome[]> {
  const { random } = run
  const id = random.uuid()
  const currency = random.oneOf(CURRENCIES)
  const amountMinor = BigInt(1 + random.below(100_000))
  const facts = { paymentId: id, currency }
  const paid = await play(run, name, {
    expected: { ...facts, kind: 'pay', operationId: id, amountMinor },
    order: {
      ...orderOf({ ...facts, operationId: id, amountMinor }),
      kind: 'pay',
      paymentId: id,
      ...DESTINATION,
    },
  })
  const itsId = itsIdOf(paid.driven.state)
  if (paid.driven.state.status !== 'COMPLETED' || itsId === null) return [paid]
  const kind = random.oneOf(['refund', 'void'] as const)
  const part = kind === 'void' ? amountMinor : BigInt(1 + random.below(Number(amountMinor)))
  const refundId = random.uuid()
  const operationId = kind === 'void' ? voidIdOf(refundId) : refundId
  const back = { ...facts, operationId, amountMinor: part }
  const reversed = await play(run, name, {
    expected: { ...back, kind },
    order: { ...orderOf(back), kind, paymentId: id, gatewayTransactionId: itsId },
  })
  return [paid, reversed]
}

async function payOut(run: Run, name: string): Promise<Outcome> {
  const { random } = run
  const kind = 'payout'
  const facts = {
    operationId: random.uuid(),
    currency: random.oneOf(CURRENCIES),
    amountMinor: BigInt(1 + random.below(100_000)),
  }
  return play(run, name, {
    expected: { ...facts, kind, paymentId: null },
    order: { ...orderOf(facts), kind, ...DESTINATION },
  })
}

function orderOf({
  operationId,
  amountMinor,
  currency,
}: Omit<ExpectedOperation, 'kind' | 'paymentId'>) {
  const amount = formatAmount(amountMinor, currency)
  return { operationId, requestedAt: REQUESTED_AT, amount, currency }
}

/** Drives one operation through faults, and then to its end at a PSP that works. */
async function play(
  run: Run,
  name: string,
  { expected, order }: { expected: ExpectedOperation; order: PspOrder },
): Promise<Outcome> {
  const { psp, random, adapter, client, faults } = run
  const driven = drive({ adapter, client }, expected, adapter.freeze(order))
  const told = [`${name}, ${expected.kind}`]
  const treat = (execute: string, query: string, isOld = driven.isOld): Promise<void> =>
    // After a day the PSP has forgotten the key, if it ever does: a repeat moves money again.
    psp.treat(isOld ? (psp.forgetKeys ?? execute) : execute, query)
  const faulty = random.below(MOST_FAULTY_CALLS)
  for (let call = 0; call < faulty && !isOver(driven.state); call += 1) {
    const [execute, query] = [random.oneOf(psp.treatments), random.oneOf(psp.treatments)]
    const fault: Fault = random.oneOf(['none', 'none', 'none', 'answer_lost', 'a_day_passes'])
    faults.isThrowing = random.below(10) === 0
    await treat(execute, query, driven.isOld || fault === 'a_day_passes')
    await driven.step(fault)
    told.push(`${execute}/${query} ${fault}${faults.isThrowing ? ' throws' : ''}`)
    told.push(`-> ${driven.state.status} ${driven.state.step}`)
    if (faults.isThrowing) assert.ok(!isOver(driven.state), told.join('\n'))
  }
  faults.isThrowing = false
  await treat(WELL, WELL)
  const label = `the end of ${told.join('\n')}`
  await eventually(
    async () => {
      if (isOver(driven.state) || driven.isStuck) return true
      await treat(WELL, WELL)
      await driven.step('none')
      return isOver(driven.state) || driven.isStuck
    },
    { label },
  )
  const outcome = { expected, driven }
  await checkBooks(psp, outcome, told.join('\n'))
  return outcome
}

/** What the status of an operation says is what the books of the PSP say. */
async function checkBooks(
  psp: PspUnderTest,
  { expected, driven }: Outcome,
  told: string,
): Promise<void> {
  const moved = await psp.movements(expected)
  const { status } = driven.state
  assert.ok(moved.length <= 1, `${told}\nmoved ${moved.length} times`)
  for (const amount of moved) assert.equal(amount, expected.amountMinor, told)
  if (status === 'COMPLETED') assert.equal(moved.length, 1, `${told}\nCOMPLETED moved nothing`)
  if (status === 'FAILED') assert.equal(moved.length, 0, `${told}\nFAILED moved money`)
}

/** The adapter, with a mistake that can be turned on. */
function throwingAdapter(adapter: PspAdapter, faults: { isThrowing: boolean }): PspAdapter {
  const check = (): void => {
    if (faults.isThrowing) throw new Error('a mistake in the adapter')
  }
  return {
    ...adapter,
    decode: {
      execute(expected, response) {
        check()
        return adapter.decode.execute(expected, response)
      },
      query(expected, response) {
        check()
        return adapter.decode.query(expected, response)
      },
    },
  }
}
