import { hash } from 'node:crypto'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import fc from 'fast-check'
import type { Command } from '../src/ledger/domain/command.ts'
import { transferIdFrom } from '../src/ledger/domain/transfer.ts'
import type { LedgerEvent } from '../src/payments/read-payment-command.ts'
import { expiryOf } from '../src/upkeep/sweep-holds.ts'
import {
  atomic,
  change,
  close,
  expiringHold,
  move,
  type Naming,
  type TestPosting,
  transfer,
} from './client-commands.ts'
import { canceled, completed, failed, requested, type TestPayment } from './payment-events.ts'
import { OTHER_PSPS, pspPostingWork, somePostings } from './psp-postings.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { atomicWork, clientWork, type CommandWork, eventWork, type TestWork } from './work.ts'

/** A thing that a client asks of the ledger; numbers choose among a few names. */
export type ClientStep =
  | { op: 'credit' | 'debit'; wallet: number; amount: number; key: number }
  | { op: 'hold'; wallet: number; amount: number; ends: null | 0 | 3600; key: number }
  | {
      op: 'commit' | 'rollback'
      wallet: number
      hold: number
      amount: number | null
      rest: boolean
      key: number
    }
  | {
      op: 'transfer'
      from: number
      to: number
      amount: number
      fee: number
      corrects: number | null
      key: number
    }
  | { op: 'freeze' | 'unfreeze' | 'close'; wallet: number; key: number }
  | { op: 'overdraft'; wallet: number; limit: number; key: number }

/** One command for the ledger, or a batch of a client. */
export type Step =
  | ClientStep
  | { op: 'atomic'; steps: ClientStep[]; key: number }
  | { op: 'again'; step: number }
  | { op: 'expire'; hold: number }
  | { op: PaymentOp; payment: number }
  | { op: 'post'; posting: number; other: boolean }

type PaymentOp = 'request' | 'complete' | 'fail' | 'cancel'

const WALLETS = 4
const PAYMENTS = 8
const POSTINGS = 15
const MOST_AMOUNT = 60

const wallet = fc.nat(WALLETS) // one more than there are: that account does not exist
const amount = fc.integer({ min: 1, max: MOST_AMOUNT })
// Few keys, so that some are used twice, for the same request or for another.
const key = fc.nat(40)

const clientStep: fc.Arbitrary<ClientStep> = fc.oneof(
  { weight: 6, arbitrary: someMove('credit') },
  { weight: 2, arbitrary: someMove('debit') },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('hold' as const),
      wallet,
      amount,
      // Over at once, or not for an hour: both are the same for every clock.
      ends: fc.constantFrom(null, null, 0 as const, 3600 as const),
      key,
    }),
  },
  { weight: 2, arbitrary: someClosing('commit') },
  { weight: 2, arbitrary: someClosing('rollback') },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('transfer' as const),
      from: wallet,
      to: wallet,
      amount,
      fee: fc.nat(3),
      corrects: fc.option(fc.nat(20)),
      key,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('freeze' as const), wallet, key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('unfreeze' as const), wallet, key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('close' as const), wallet, key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('overdraft' as const),
      wallet,
      limit: fc.constantFrom(0, 20, 90),
      key,
    }),
  },
)

const atomicStep: fc.Arbitrary<Step> = fc.record({
  op: fc.constant('atomic' as const),
  steps: fc.array(clientStep, { minLength: 1, maxLength: 3 }),
  key,
})
const againStep: fc.Arbitrary<Step> = fc.record({
  op: fc.constant('again' as const),
  step: fc.nat(40),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: clientStep },
  { weight: 3, arbitrary: atomicStep },
  { weight: 2, arbitrary: againStep },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('expire' as const), hold: fc.nat(8) }) },
  { weight: 5, arbitrary: somePayment('request') },
  { weight: 3, arbitrary: somePayment('complete') },
  { weight: 2, arbitrary: somePayment('fail') },
  { weight: 1, arbitrary: somePayment('cancel') },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('post' as const),
      posting: fc.nat(POSTINGS - 1),
      // Rarely another posting under the same id.
      other: fc.nat(9).map((it) => it === 0),
    }),
  },
)

function someMove(op: 'credit' | 'debit'): fc.Arbitrary<ClientStep> {
  return fc.record({ op: fc.constant(op), wallet, amount, key })
}

function someClosing(op: 'commit' | 'rollback'): fc.Arbitrary<ClientStep> {
  const some = fc.option(fc.integer({ min: 1, max: MOST_AMOUNT }))
  const rest = fc.boolean()
  return fc.record({ op: fc.constant(op), wallet, hold: fc.nat(8), amount: some, rest, key })
}

function somePayment(op: PaymentOp): fc.Arbitrary<Step> {
  return fc.record({ op: fc.constant(op), payment: fc.nat(PAYMENTS - 1) })
}

/** There is some money before anything else happens, though not in every wallet. */
const FUNDING: Step[] = Array.from({ length: WALLETS - 1 }, (_, index) => {
  return { op: 'credit', wallet: index, amount: 50, key: 100 + index }
})

/** Some steps, and where the sequence is cut into batches. */
export const script = fc.record({
  steps: fc
    .array(step, { minLength: 1, maxLength: 60, size: 'max' })
    .map((steps) => [...FUNDING, ...steps]),
  cuts: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
})

/** What clients alone ask for, to be asked by many at once. */
export const clientScript = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: clientStep },
      { weight: 2, arbitrary: atomicStep },
      { weight: 3, arbitrary: againStep },
    ),
    { minLength: 60, maxLength: 100, size: 'max' },
  )
  .map((steps) => [...FUNDING, ...steps])

export type Script = { steps: Step[]; cuts: boolean[] }

/** The names that the steps choose from; `run` keeps those of different runs apart. */
export interface World {
  wallets: TestWallet[]
  stranger: TestWallet
  payments: TestPayment[]
  postings: PostingRequested[]
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
  const stranger = at(WALLETS)
  const postings = somePostings([...wallets, stranger], POSTINGS, (of, index) =>
    idOf(run, of, index),
  )
  return { wallets, stranger, payments, postings }
}

/** The steps as work for the ledger, with ids that depend on nothing but the run. */
export function workOf(run: string, world: World, steps: readonly Step[]): TestWork[] {
  const state: ScriptState = { run, world, holds: [], transferIds: [] }
  const works: TestWork[] = []
  for (const [index, it] of steps.entries()) works.push(workAt(state, it, index, works))
  return works
}

function workAt(
  state: ScriptState,
  it: Step,
  index: number,
  before: readonly TestWork[],
): TestWork {
  const { run, world } = state
  const transferId = transferIdFrom(idOf(run, 't', index))
  const slot = index % 3
  switch (it.op) {
    case 'again':
      return again(before[it.step] ?? before[0]!, (place) => idOf(run, `t${place}`, index))

    case 'request':
    case 'complete':
    case 'fail':
    case 'cancel':
      return paymentWork(world.payments[it.payment]!, it.op, transferId, slot)
    case 'post': {
      const posting = world.postings[it.posting]!
      const event = it.other ? { ...posting, psp: OTHER_PSPS[1]! } : posting
      const work = pspPostingWork(event, slot)
      return { ...work, command: { ...work.command, transferId } }
    }
    case 'expire': {
      const { holdId, wallet: of } = state.holds[it.hold] ?? noHold(state, it.hold)
      const due = { ...of, holdId, expiresAt: new Date(0) }
      return clientWork({ ...expiryOf(due), transferId })
    }
    case 'atomic': {
      const commands = it.steps.map((one, place) => {
        const id = transferIdFrom(idOf(run, `t${place}`, index))
        return clientCommand(state, one, id)
      })
      return atomicWork(atomic(commands, `key-${it.key}`), slot)
    }
    default:
      return clientWork(clientCommand(state, it, transferId), slot)
  }
}

/** The same once more, as a client sends it when it got no answer: what it would make is new. */
function again(work: TestWork, freshId: (place: number) => string): TestWork {
  const { command } = work
  if (command.kind === 'atomic') {
    const commands = command.commands.map((it, place) => {
      return { ...it, transferId: transferIdFrom(freshId(place)) }
    })
    return atomicWork({ ...command, commands })
  }
  const same = { ...command, transferId: transferIdFrom(freshId(0)) }
  // The request of a payment has the id of its hold in it, whoever sends it again.
  return work.record === null ? clientWork(same) : work
}

/** What earlier steps asked for, which later ones name. */
interface ScriptState {
  run: string
  world: World
  holds: { holdId: string; wallet: TestWallet }[]
  transferIds: string[]
}

function noHold({ run, world }: ScriptState, index: number) {
  return { holdId: idOf(run, 'nothing', index), wallet: world.wallets[0]! }
}

function clientCommand(state: ScriptState, it: ClientStep, transferId: string): Command {
  const command = { ...commandOf(state, it), transferId }
  state.transferIds.push(transferId)
  if (it.op === 'hold') state.holds.push({ holdId: transferId, wallet: walletAt(state, it.wallet) })
  return command
}

function walletAt({ world }: ScriptState, index: number): TestWallet {
  return world.wallets[index] ?? world.stranger
}

function commandOf(state: ScriptState, it: ClientStep): Command {
  const naming = { key: `key-${it.key}`, reference: `ref-${it.key % 30}` }
  switch (it.op) {
    case 'credit':
    case 'debit':
      return move(it.op, walletAt(state, it.wallet), BigInt(it.amount), naming)
    case 'hold': {
      const of = walletAt(state, it.wallet)
      if (it.ends === null) return move('hold', of, BigInt(it.amount), naming)
      return expiringHold(of, BigInt(it.amount), it.ends, naming)
    }
    case 'commit':
    case 'rollback': {
      const { holdId } = state.holds[it.hold] ?? noHold(state, it.hold)
      const amountMinor = it.amount === null ? null : BigInt(it.amount)
      const rest = { ...naming, releaseRest: it.rest }
      return close(it.op, walletAt(state, it.wallet), holdId, amountMinor, rest)
    }
    case 'transfer':
      return transferOf(state, it, naming)
    case 'freeze':
    case 'unfreeze':
    case 'close':
      return change(it.op, walletAt(state, it.wallet), naming)
    case 'overdraft':
      return change({ overdraft: BigInt(it.limit) }, walletAt(state, it.wallet), naming)
    default:
      return it satisfies never
  }
}

/** From one wallet to another, less a fee; between currencies through suspense. 3 is a mistake. */
function transferOf(
  state: ScriptState,
  it: Extract<ClientStep, { op: 'transfer' }>,
  naming: Naming,
): Command {
  const [from, to] = [walletAt(state, it.from), walletAt(state, it.to)]
  const gross = BigInt(it.amount)
  const postings: TestPosting[] = [[from, -gross]]
  if (from.accountId === to.accountId) postings.push([['fees', from.currency], gross])
  else if (from.currency === to.currency) {
    const fee = it.fee < 3 ? BigInt(it.fee) : 0n
    const net = it.fee < 3 ? gross - fee : gross + 1n
    if (net > 0n) postings.push([to, net])
    if (gross - net > 0n) postings.push([['fees', from.currency], gross - net])
  } else if (it.fee === 3) {
    // Somebody takes the one currency for the other, or as many of it for the same.
    postings.push([it.amount % 2 === 0 ? { ...to, currency: from.currency } : to, gross])
  } else {
    postings.push([['suspense', from.currency], gross], [['suspense', to.currency], -1n], [to, 1n])
  }
  const corrects = it.corrects === null ? {} : correctsOf(state, it.corrects)
  return transfer(postings, { ...naming, ...corrects, tenantId: from.tenantId })
}

function correctsOf({ run, transferIds }: ScriptState, index: number): { corrects: string } {
  return { corrects: transferIds[index] ?? idOf(run, 'nothing', index) }
}

const EVENT_OF: Record<PaymentOp, (payment: TestPayment) => LedgerEvent> = {
  request: requested,
  // As releases say it that knew only one PSP.
  complete: (payment) => completed(payment),
  fail: failed,
  cancel: canceled,
}

function paymentWork(
  it: TestPayment,
  op: PaymentOp,
  transferId: string,
  slot: number,
): CommandWork {
  const work = eventWork(EVENT_OF[op](it), slot)
  // The first request that is accepted makes the hold; its id must be known beforehand.
  const id = op === 'request' ? it.holdId : transferId
  return { ...work, command: { ...work.command, transferId: id } }
}

/** Cuts the work into the script's batches. */
export function batchesOf(work: readonly TestWork[], cuts: readonly boolean[]): TestWork[][] {
  const batches: TestWork[][] = [[]]
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
