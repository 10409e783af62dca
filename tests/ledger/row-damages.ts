import { newId } from '@caudal/contracts/ids.ts'
import { OTHER_PSP, SAMPLE } from './sample-ledger.ts'

/** A change that a superuser makes to the ledger's tables, and the violation that must be found. */
export interface Damage {
  what: string
  sql: string
  check: string
  says: RegExp
}

const { wallet, frozen, payer, empty, credit, debit, correction, hold, expiring, ended } = SAMPLE
const other = newId()

const ofCredit = `transfer ${credit.transferId} of account ${payer.accountId} \\(USD\\)`

function setOf(table: string, set: string, where: string): string {
  return `UPDATE ${table} SET ${set} WHERE ${where}`
}

/** Damage of one column of a transfer that is found without its event. */
function alone(what: string, id: string, set: string, says: RegExp): Damage {
  const sql = setOf('transfers', set, `transfer_id = '${id}'`)
  return { what: `a transfer, ${what}`, sql, check: 'entries_sum_to_zero', says }
}

const { transferId: creditId } = credit

const ALONE: Damage[] = [
  alone(
    'posted a millisecond later',
    creditId,
    `booked_at = booked_at + interval '1 ms'`,
    new RegExp(`^${ofCredit}: posted at \\S+ \\S+, its entries in USD at \\S+ \\S+$`),
  ),
  alone(
    'of another amount',
    creditId,
    'amount_minor = 101',
    new RegExp(
      `^${ofCredit}: a credit of 101 USD, its entries in USD are \\S+ available -100, ` +
        `${payer.accountId} available 100$`,
    ),
  ),
  alone(
    'in another currency',
    creditId,
    `currency = 'EUR'`,
    /: a credit of 100 EUR, its entries in USD are/,
  ),
  alone('of another kind', creditId, `kind = 'debit'`, /: a debit of 100 USD, its entries in USD/),
  alone(
    'of a kind that its entries allow',
    debit.transferId,
    `kind = 'transfer'`,
    new RegExp(
      `^transfer ${debit.transferId} of account ${payer.accountId} \\(USD\\): its reference is ` +
        `\\S+ of tenant caudal, recorded is \\S+ for a debit of tenant caudal$`,
    ),
  ),
  alone(
    'of another tenant',
    creditId,
    `tenant_id = 'other'`,
    new RegExp(`^${ofCredit}: its tenant is other, its entries in USD have caudal, 0 of their`),
  ),
  alone(
    'of another account',
    creditId,
    `account_id = '${wallet.accountId}'`,
    new RegExp(`of account ${wallet.accountId} .*: a credit of 100 USD, its entries in USD are`),
  ),
  alone('with another reference', creditId, `reference_id = 'x'`, /: its reference is x of tenant/),
  alone(
    'with another key',
    creditId,
    `idempotency_key = 'x'`,
    new RegExp(`^${ofCredit}: key x of client tester, which is not recorded$`),
  ),
  alone(
    'of another client',
    creditId,
    `client_id = 'x'`,
    /: key \S+ of client x, which is not recorded/,
  ),
  alone(
    'of no client',
    creditId,
    'client_id = NULL',
    /: a credit of no client, hold none, payment/,
  ),
  alone('with a hold', creditId, `hold_id = '${other}'`, new RegExp(`: a credit .*hold ${other},`)),
  alone(
    'of another hold',
    hold.transferId,
    `hold_id = '${expiring.transferId}'`,
    new RegExp(`: a hold of client tester, hold ${expiring.transferId}, payment none`),
  ),
  alone('of a payment', creditId, `payment_id = '${other}'`, /: a credit of client tester,/),
]

const ofPayment = `WHERE payment_id = '${SAMPLE.payment.paymentId}'`

const PAYMENTS: Damage[] = [
  { what: 'another payment', set: `payment_id = '${other}'`, says: `payment ${other}` },
  { what: 'no payment', set: 'payment_id = NULL', says: 'payment none' },
  { what: 'another key', set: `idempotency_key = 'x'`, says: 'with the key x' },
  { what: 'another reference', set: `reference_id = 'x'`, says: 'reference x' },
  { what: 'another reason', set: `reason = 'payment.completed'`, says: 'reason payment.comp' },
].map(({ what, set, says }) => ({
  what: `a payment's transfer, with ${what}`,
  sql: `UPDATE transfers SET ${set} ${ofPayment}`,
  check: 'entries_sum_to_zero',
  says: new RegExp(`: a hold of no client, .*${says}`),
}))

/** Damage of one column of a transfer that is found by its event. */
const UNLIKE_EVENT: Damage[] = [
  ['posting time', `booked_at = booked_at + interval '1 ms'`],
  ['amount', 'amount_minor = amount_minor + 1'],
  ['currency', `currency = 'EUR'`],
  ['kind', `kind = 'transfer'`],
  ['reference', `reference_id = 'x'`],
  ['reason', `reason = 'x'`],
  ['client', `client_id = 'x'`],
  ['tenant', `tenant_id = 'x'`],
  ['hold', `hold_id = '${other}'`],
  ['payment', `payment_id = '${other}'`],
  ['idempotency key', `idempotency_key = 'x'`],
  ['value date', 'value_date = value_date - 1'],
  ['account', `account_id = '${wallet.accountId}'`],
  ['corrected transfer', 'corrects_id = NULL, correction = NULL'],
].map(([name, set]) => {
  const id = name === 'corrected transfer' ? correction.transferId : creditId
  return {
    what: `a transfer with another ${name} than its event`,
    sql: setOf('transfers', set!, `transfer_id = '${id}'`),
    check: 'events_match_ledger',
    says: new RegExp(`^account \\S+ \\(USD\\): transfer ${id} has the ${name} .+, its event has`),
  }
})

const ENTRIES: Damage[] = [
  {
    what: 'an entry that was posted a millisecond later',
    sql: `UPDATE entries SET booked_at = booked_at + interval '1 ms'
          WHERE transfer_id = '${creditId}' AND line = 1`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^${ofCredit}: posted at \\S+ \\S+, its entries in USD at .* to `),
  },
  {
    what: 'an entry of another tenant',
    sql: `UPDATE entries SET tenant_id = 'other' WHERE transfer_id = '${creditId}' AND line = 1`,
    check: 'entries_sum_to_zero',
    says: /: its tenant is caudal, its entries in USD have caudal and other, 1 of their accounts/,
  },
  {
    what: 'an entry on another line',
    sql: `UPDATE entries SET line = 7 WHERE transfer_id = '${creditId}' AND line = 1`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^${ofCredit}: a credit of 100 USD, its entries in USD are `),
  },
]

const REFERENCES: Damage[] = [
  {
    what: 'a deleted reference',
    sql: `DELETE FROM command_references WHERE transfer_id = '${creditId}'`,
    check: 'entries_sum_to_zero',
    says: /^credit \S+ of account \S+ \(USD\): its reference is \S+ of .*, recorded is none$/,
  },
  {
    what: 'a deleted reference of an account change',
    sql: `DELETE FROM command_references WHERE kind = 'freeze'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^freeze \\S+ of account ${frozen.accountId} \\(USD\\): its reference is`),
  },
  {
    what: 'a reference of another kind',
    sql: `UPDATE command_references SET kind = 'debit' WHERE transfer_id = '${creditId}'`,
    check: 'entries_sum_to_zero',
    says: /, recorded is \S+ for a debit of tenant caudal$/,
  },
  {
    what: 'a reference without a transfer',
    sql: `INSERT INTO command_references VALUES ('${other}', 'caudal', 'credit', 'mine')`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^reference mine \\(credit of tenant caudal\\) is used by transfer ${other},`),
  },
  {
    what: 'an idempotency key that was deleted too early',
    sql: `DELETE FROM idempotency_keys WHERE idempotency_key = '${credit.key.value}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(
      `^${ofCredit}: key ${credit.key.value} of client tester, which is not recorded$`,
    ),
  },
]

const ofHold = `hold_id = '${hold.transferId}'`
const ofExpiring = `hold_id = '${expiring.transferId}'`
const atAccount = `of account ${wallet.accountId} \\(USD\\)`

function onHolds(what: string, sql: string, says: string): Damage {
  return { what: `a hold, ${what}`, sql, check: 'no_overdraft', says: new RegExp(says) }
}

const HOLDS: Damage[] = [
  onHolds(
    'deleted',
    `DELETE FROM holds WHERE ${ofHold}`,
    `^account ${wallet.accountId} \\(USD\\): hold ${hold.transferId} is missing, its .* leave 30$`,
  ),
  onHolds(
    'of another amount',
    setOf('holds', 'amount_minor = 31', ofHold),
    `^hold ${hold.transferId} ${atAccount}: amount is 31, expected 30$`,
  ),
  onHolds(
    'in another currency',
    setOf('holds', `currency = 'EUR'`, ofHold),
    `\\(EUR\\): currency is EUR, expected USD$`,
  ),
  onHolds(
    'of another tenant',
    setOf('holds', `tenant_id = 'x'`, ofHold),
    `${atAccount}: tenant is x, expected caudal$`,
  ),
  onHolds(
    'of another account',
    setOf('holds', `account_id = '${empty.accountId}'`, ofHold),
    `: account is ${empty.accountId}, expected ${wallet.accountId}$`,
  ),
  onHolds(
    'of another payment',
    `UPDATE holds SET payment_id = '${other}' ${ofPayment}`,
    `: payment is ${other}, expected ${SAMPLE.payment.paymentId}$`,
  ),
  onHolds(
    'created at another time',
    setOf('holds', `created_at = '2026-01-01'`, ofHold),
    `${atAccount}: creation time is 2026-01-01 \\S+, expected 20`,
  ),
  onHolds(
    'with another final status',
    setOf('holds', `status = 'committed'`, `hold_id = '${ended.transferId}'`),
    `: status is committed, expected released$`,
  ),
  onHolds(
    'whose expiry was removed',
    setOf('holds', 'expires_at = NULL', ofExpiring),
    `^hold ${expiring.transferId} ${atAccount}: expiry is none, in the queue 20`,
  ),
  onHolds(
    'with another expiry',
    setOf('holds', `expires_at = expires_at + interval '1 day'`, ofExpiring),
    `^hold ${expiring.transferId} ${atAccount}: expiry is .*, in the queue 20`,
  ),
  onHolds(
    'with another expiry in the queue',
    setOf('hold_expiries', `expires_at = expires_at + interval '1 day'`, ofExpiring),
    `^hold ${expiring.transferId} ${atAccount}: expiry is .*, in the queue 20`,
  ),
  onHolds(
    'which was given an expiry',
    setOf('holds', `expires_at = now() + interval '1 hour'`, ofHold),
    `^hold ${hold.transferId} ${atAccount}: expires at .*, but is not in the expiry queue$`,
  ),
  onHolds(
    'deleted, but still in the expiry queue',
    `DELETE FROM holds WHERE ${ofExpiring}`,
    `^hold ${expiring.transferId} is missing, but is to expire at 20`,
  ),
  {
    what: 'a hold, with another expiry in both tables',
    sql: `WITH moved AS (UPDATE hold_expiries SET expires_at = expires_at + interval '1 day')
          UPDATE holds SET expires_at = expires_at + interval '1 day' WHERE ${ofExpiring}`,
    check: 'events_match_ledger',
    says: new RegExp(
      `^hold ${expiring.transferId} ${atAccount}: has the expiry .*, its last event has 20`,
    ),
  },
  {
    what: 'a hold that was given an expiry in both tables',
    sql: `WITH given AS (INSERT INTO hold_expiries VALUES ('2100-01-01', '${hold.transferId}'))
          UPDATE holds SET expires_at = '2100-01-01' WHERE ${ofHold}`,
    check: 'events_match_ledger',
    says: new RegExp(
      `^hold ${hold.transferId} .*: has the expiry 2100-\\S+ \\S+, its .* has none$`,
    ),
  },
  {
    what: 'a deleted hold that has an event',
    sql: `DELETE FROM holds ${ofPayment}`,
    check: 'events_match_ledger',
    says: new RegExp(`^account ${payer.accountId} \\(USD\\): an event names hold \\S+, which does`),
  },
]

const ofEmpty = `account_id = '${empty.accountId}'`

const ACCOUNTS: Damage[] = [
  {
    what: 'an account of another user',
    sql: setOf('accounts', `user_id = '${other}'`, ofEmpty),
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${empty.accountId} \\(USD\\) of .*: that of user ${other} has the`),
  },
  {
    what: 'an account of another wallet',
    sql: setOf('accounts', `wallet_id = '${other}'`, ofEmpty),
    check: 'balances_equal_entries',
    says: new RegExp(`: its wallet is ${other}, the wallet of .* is ${empty.walletId}`),
  },
  {
    what: 'an account of another tenant',
    sql: setOf('accounts', `tenant_id = 'x'`, ofEmpty),
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${empty.accountId} \\(USD\\) of tenant x: that of user`),
  },
  {
    what: 'an empty account in another currency',
    sql: setOf('accounts', `currency = 'EUR'`, ofEmpty),
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${empty.accountId} \\(EUR\\) of tenant caudal: that of user`),
  },
  {
    what: 'a system account with another slot',
    sql: setOf('accounts', 'stripe = 5', `kind = 'payouts_clearing' AND currency = 'JPY'`),
    check: 'balances_equal_entries',
    says: /^account \S+ \(JPY\) of tenant caudal: payouts_clearing\/5 has the id \S+$/,
  },
  {
    what: 'a settlement account of another PSP',
    sql: setOf('accounts', `psp = 'third'`, `psp = '${OTHER_PSP}'`),
    check: 'balances_equal_entries',
    says: /^account \S+ \(USD\) of tenant caudal: psp_settlement\/third\/0 has the id \S+$/,
  },
  {
    what: 'a settlement account of another PSP than it was opened for',
    sql: setOf('accounts', `psp = 'third'`, `psp = '${OTHER_PSP}'`),
    check: 'events_match_ledger',
    says: /^account \S+ \(USD\): has the PSP third, its opening event has other$/,
  },
  {
    what: 'an account of another user than it was opened for',
    sql: setOf('accounts', `user_id = '${other}'`, ofEmpty),
    check: 'events_match_ledger',
    says: new RegExp(`: has the user ${other}, its opening event has ${empty.userId}$`),
  },
  {
    what: 'a deleted empty account',
    sql: `DELETE FROM accounts WHERE ${ofEmpty}`,
    check: 'events_match_ledger',
    says: new RegExp(`^account ${empty.accountId} \\(USD\\) of tenant caudal has an opening`),
  },
  {
    what: 'a deleted account',
    sql: `DELETE FROM accounts WHERE account_id = '${wallet.accountId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(
      `^account ${wallet.accountId} \\(USD\\) is missing: .* sum to available 63, held 37$`,
    ),
  },
  {
    what: 'a deleted account that had changes',
    sql: `DELETE FROM accounts WHERE account_id = '${frozen.accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${frozen.accountId} is missing: it was frozen with limit 0$`),
  },
  {
    what: 'an account change with another reason',
    sql: setOf('account_changes', `reason = 'x'`, `kind = 'freeze'`),
    check: 'events_match_ledger',
    says: new RegExp(
      `^account ${frozen.accountId} .*: freeze, revision 1, has the reason x, its event has test$`,
    ),
  },
  {
    what: 'a deleted account change',
    sql: `DELETE FROM account_changes WHERE kind = 'freeze'`,
    check: 'events_match_ledger',
    says: new RegExp(
      `^account ${frozen.accountId} \\(USD\\): an event names freeze, revision 1, which does not`,
    ),
  },
]

/** Damages of single rows that balances and entries do not show. */
export const ROW_DAMAGES: readonly Damage[] = [
  ...ENTRIES,
  ...ALONE,
  ...PAYMENTS,
  ...UNLIKE_EVENT,
  ...REFERENCES,
  ...HOLDS,
  ...ACCOUNTS,
]
