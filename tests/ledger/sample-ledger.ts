import assert from 'node:assert/strict'
import type { Db } from '@caudal/postgres/types.ts'
import { openAccount } from '@caudal/wallets/accounts/open-account.ts'
import { recordPolicies } from '@caudal/wallets/commands/store/record-policies.ts'
import type { ClientPolicy } from '@caudal/wallets/ledger/domain/policy.ts'
import { LEDGER_RIGHTS } from '@caudal/wallets/ledger/domain/rights.ts'
import { change, close, move, transfer } from '../../services/wallets/test/client-commands.ts'
import { runBatch, runCommands } from '../../services/wallets/test/ledger-fixture.ts'
import {
  canceled,
  completed,
  newPayment,
  requested,
  type TestPayment,
} from '../../services/wallets/test/payment-events.ts'
import { newPosting, pspPostingWork } from '../../services/wallets/test/psp-postings.ts'
import { newWallet, type TestWallet } from '../../services/wallets/test/test-wallet.ts'
import { eventWork } from '../../services/wallets/test/work.ts'

const OPENER = {
  actor: { type: 'client', id: 'tester' },
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
} as const

/** A PSP beside the default one. */
export const OTHER_PSP = 'other'

const wallet = newWallet()
const spender = newWallet({ currency: 'JPY' })
const frozen = newWallet()
const limited = newWallet()
const [payer, payee, heir, empty] = [newWallet(), newWallet(), newWallet(), newWallet()]
const refunded = newWallet()
const credit = move('credit', payer, 100n)
const debit = move('debit', payer, 3n)
const sale = transfer([
  [payer, -10n],
  [payee, 10n],
])
const correction = transfer(
  [
    [payee, -10n],
    [payer, 10n],
  ],
  { corrects: sale.transferId },
)
const misplaced = transfer([
  [payer, -6n],
  [payee, 6n],
])
const reclassification = transfer(
  [
    [payee, -6n],
    [heir, 6n],
  ],
  { corrects: misplaced.transferId, rights: LEDGER_RIGHTS },
)

/** A policy of the client that sends the commands. */
const policy: ClientPolicy = {
  version: 'sample-policy',
  accountKinds: null,
  currencies: new Map([['USD', { perTransferMinor: null, perDayMinor: 1_000n }]]),
}
const counted = { ...move('credit', limited, 60n), policy }
const countedHold = { ...move('hold', limited, 25n), policy }

/** The contents of the sample ledger that tests damage. */
export const SAMPLE = {
  wallet,
  spender,
  frozen,
  limited,
  payer,
  payee,
  heir,
  empty,
  credit,
  debit,
  sale,
  correction,
  misplaced,
  reclassification,
  policy,
  counted,
  refunded,
  refund: newPosting('refund', refunded, 45n, { psp: OTHER_PSP }),
  recapture: newPosting('recapture', refunded, 46n),
  hold: move('hold', wallet, 30n),
  expiring: { ...move('hold', wallet, 7n), expiresInSeconds: 3_600 },
  ended: move('hold', frozen, 5n),
  payment: newPayment(payer, 20n),
}

/** Opens accounts like a client does, with their events. */
export async function openWithEvents(db: Db, wallets: readonly TestWallet[]): Promise<void> {
  for (const it of wallets) {
    await openAccount({ db, region: 'test', afterCommit: () => {} }, it, OPENER)
  }
}

/** Fills the sample ledger with transfers, holds and changes of every kind. */
export async function fillSampleLedger(db: Db): Promise<void> {
  const { hold, expiring, ended, payment } = SAMPLE
  await openWithEvents(db, [wallet, spender, frozen, limited, payer, payee, heir, empty])
  await openWithEvents(db, [refunded])
  await runCommands(db, change({ overdraft: 80n }, spender))
  await runCommands(db, move('credit', wallet, 100n), move('credit', spender, 50n), credit)
  await runCommands(db, hold, move('debit', spender, 80n), move('credit', frozen, 5n), debit)
  await runCommands(db, expiring, ended)
  await runCommands(db, change('freeze', frozen))
  // A frozen account allows the release of a hold.
  await runCommands(db, close('rollback', frozen, ended.transferId))
  await runBatch(db, [eventWork(requested(newPayment(wallet, 1_000n)))])
  await runBatch(db, [eventWork(requested(payment))])
  await runCommands(db, sale)
  await runCommands(db, correction)
  await runCommands(db, misplaced, reclassification)
  await spendUnderPolicy(db)
  await moneyComesBack(db)
  for (const psp of [undefined, OTHER_PSP]) await settle(db, newPayment(payer, 4n), psp)
}

/** A payment from its hold to the settlement account of the PSP. */
async function settle(db: Db, payment: TestPayment, psp: string | undefined): Promise<void> {
  const { outcomes } = await runBatch(db, [eventWork(requested(payment))])
  const [held] = outcomes
  assert(held?.type === 'posted')
  const settled = { ...payment, holdId: held.transfer.transferId }
  await runBatch(db, [eventWork(completed(settled, psp))])
}

/** A refund, a return, and a recapture that the wallet cannot cover; and a canceled payment. */
async function moneyComesBack(db: Db): Promise<void> {
  const { refund, recapture } = SAMPLE
  for (const posting of [refund, recapture, newPosting('return', frozen, 3n)]) {
    await runBatch(db, [pspPostingWork(posting)])
  }
  const payment = newPayment(refunded, 45n)
  const { outcomes } = await runBatch(db, [eventWork(requested(payment))])
  const [held] = outcomes
  assert(held?.type === 'posted')
  await runBatch(db, [eventWork(canceled({ ...payment, holdId: held.transfer.transferId }))])
}

/** What a client with a maximum per day moves; a commit was counted as the hold. */
async function spendUnderPolicy(db: Db): Promise<void> {
  const document = { currencies: { USD: { max_per_day: '10.00' } } }
  const { tenantId } = limited
  const clientId = counted.key.clientId!
  await recordPolicies(db, [{ tenantId, clientId, policy, document }])
  await runCommands(db, counted, countedHold)
  await runCommands(db, { ...close('commit', limited, countedHold.transferId, 20n), policy })
  await runCommands(db, move('credit', limited, 500n))
}
