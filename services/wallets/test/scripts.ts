import { hash } from 'node:crypto'
import fc from 'fast-check'
import { transferIdFrom } from '../src/domain/transfer.ts'
import type { CommandWork } from '../src/process-batch.ts'
import { close, move } from './client-commands.ts'
import { completed, failed, requested, type TestPayment } from './payment-events.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { clientWork, eventWork } from './work.ts'

/** One thing that somebody asks of the ledger; numbers choose among a few names. */
export type Step =
  | { op: 'credit' | 'debit' | 'hold'; wallet: number; amount: number; key: number }
  | { op: 'commit' | 'rollback'; wallet: number; hold: number; amount: number | null; key: number }
  | { op: 'request' | 'complete' | 'fail'; payment: number }

const WALLETS = 4
const PAYMENTS = 8
const MOST_AMOUNT = 60

const wallet = fc.nat(WALLETS) // one more than there are: that account does not exist
const amount = fc.integer({ min: 1, max: MOST_AMOUNT })
// Few keys, so that some are used twice, for the same request or for another.
const key = fc.nat(25)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: someMove('credit') },
  { weight: 1, arbitrary: someMove('debit') },
  { weight: 2, arbitrary: someMove('hold') },
  { weight: 1, arbitrary: someClosing('commit') },
  { weight: 1, arbitrary: someClosing('rollback') },
  { weight: 5, arbitrary: somePayment('request') },
  { weight: 3, arbitrary: somePayment('complete') },
  { weight: 2, arbitrary: somePayment('fail') },
)

function someMove(op: 'credit' | 'debit' | 'hold'): fc.Arbitrary<Step> {
  return fc.record({ op: fc.constant(op), wallet, amount, key })
}

function someClosing(op: 'commit' | 'rollback'): fc.Arbitrary<Step> {
  const some = fc.option(fc.integer({ min: 1, max: MOST_AMOUNT }))
  return fc.record({ op: fc.constant(op), wallet, hold: fc.nat(8), amount: some, key })
}

function somePayment(op: 'request' | 'complete' | 'fail'): fc.Arbitrary<Step> {
  return fc.record({ op: fc.constant(op), payment: fc.nat(PAYMENTS - 1) })
}

/** Some steps, and where the sequence is cut into batches. */
export const script = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 60 }),
  cuts: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
})

export type Script = { steps: Step[]; cuts: boolean[] }

/** The names that the steps choose from; `run` keeps those of different runs apart. */
export interface World {
  wallets: TestWallet[]
  stranger: TestWallet
  payments: TestPayment[]
}

export function newWorld(run: string): World {
  const tenantId = `tenant-${run}`
  const at = (index: number) =>
    newWallet({
      tenantId,
      currency: index % 2 === 0 ? 'USD' : 'JPY',
      userId: idOf(run, 'u', index),
    })
  const wallets = Array.from({ length: WALLETS }, (_, index) => at(index))
  const payments = Array.from({ length: PAYMENTS }, (_, index) => ({
    paymentId: idOf(run, 'p', index),
    wallet: wallets[index % WALLETS]!,
    amountMinor: BigInt(10 + index * 7),
    holdId: transferIdFrom(idOf(run, 'h', index)),
  }))
  return { wallets, stranger: at(WALLETS), payments }
}

/** The steps as work for the ledger, with ids that depend on nothing but the run. */
export function workOf(run: string, world: World, steps: readonly Step[]): CommandWork[] {
  const holdIds: string[] = []
  return steps.map((it, index) => {
    const transferId = transferIdFrom(idOf(run, 't', index))
    const stripe = index % 3
    if ('payment' in it) return paymentWork(world.payments[it.payment]!, it.op, transferId, stripe)
    const target = world.wallets[it.wallet] ?? world.stranger
    const naming = { key: `key-${it.key}`, reference: `ref-${it.key % 20}`, stripe }
    if ('hold' in it) {
      const holdId = holdIds[it.hold] ?? idOf(run, 'nothing', it.hold)
      const amountMinor = it.amount === null ? null : BigInt(it.amount)
      return clientWork({ ...close(it.op, target, holdId, amountMinor, naming), transferId })
    }
    if (it.op === 'hold') holdIds.push(transferId)
    return clientWork({ ...move(it.op, target, BigInt(it.amount), naming), transferId })
  })
}

function paymentWork(
  it: TestPayment,
  op: 'request' | 'complete' | 'fail',
  transferId: string,
  stripe: number,
): CommandWork {
  switch (op) {
    case 'request': {
      // The first request that is accepted makes the hold; its id must be known beforehand.
      const work = eventWork(requested(it), stripe)
      return { ...work, command: { ...work.command, transferId: it.holdId } }
    }
    case 'complete': {
      const work = eventWork(completed(it), stripe)
      return { ...work, command: { ...work.command, transferId } }
    }
    case 'fail': {
      const work = eventWork(failed(it), stripe)
      return { ...work, command: { ...work.command, transferId } }
    }
    default:
      return op satisfies never
  }
}

/** Cuts the work into the script's batches. */
export function batchesOf(work: readonly CommandWork[], cuts: readonly boolean[]): CommandWork[][] {
  const batches: CommandWork[][] = [[]]
  for (const [index, one] of work.entries()) {
    batches.at(-1)!.push(one)
    if (cuts[index] === true) batches.push([])
  }
  return batches.filter((batch) => batch.length > 0)
}

/** A UUID that depends on nothing but its name. */
function idOf(run: string, kind: string, index: number): string {
  const hex = hash('sha256', `${run} ${kind} ${index}`, 'hex')
  const [time, rest] = [hex.slice(0, 8), hex.slice(20, 32)]
  return `${time}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${rest}`
}
