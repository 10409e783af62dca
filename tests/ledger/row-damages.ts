import { newId } from '@caudal/contracts/ids.ts'
import { BOOKS } from './books.ts'

/** What a superuser does to the books, and the check that must say it in these words. */
export interface Damage {
  what: string
  sql: string
  check: string
  says: RegExp
}

const { wallet, frozen, payer, empty, credit, debit, correction, hold, expiring, ended } = BOOKS
const other = newId()

const ofCredit = `transfer ${credit.transferId} of account ${payer.accountId} \\(USD\\)`

function setOf(table: string, set: string, where: string): string {
  return `UPDATE ${table} SET ${set} WHERE ${where}`
}

/** One column of one transfer, seen without its event. */
function alone(what: string, id: string, set: string, says: RegExp): Damage {
  const sql = setOf('transfers', set, `transfer_id = '${id}'`)
  return { what: `a transfer, ${what}`, sql, check: 'entries_sum_to_zero', says }
}

const { transferId: creditId } = credit

const ALONE: Damage[] = [
  alone(
    'booked a millisecond later',
    creditId,
    `booked_at = booked_at + interval '1 ms'`,
    new RegExp(`^${ofCredit}: booked at \\S+ \\S+, its entries in USD at \\S+ \\S+$`),
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
        `\\S+ of tenant caudal, it has used \\S+ for a debit of tenant caudal$`,
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
    new RegExp(`^${ofCredit}: key x of client tester, which nobody used$`),
  ),
  alone('of another client', creditId, `client_id = 'x'`, /: key \S+ of client x, which nobody/),
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

const ofPayment = `WHERE payment_id = '${BOOKS.payment.paymentId}'`

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

/** One column of a transfer, compared with the event that told of it. */
const TOLD: Damage[] = [
  ['time of booking', `booked_at = booked_at + interval '1 ms'`],
  ['amount', 'amount_minor = amount_minor + 1'],
  ['currency', `currency = 'EUR'`],
  ['kind', `kind = 'transfer'`],
  ['reference', `reference_id = 'x'`],
  ['reason', `reason = 'x'`],
  ['client', `client_id = 'x'`],
  ['tenant', `tenant_id = 'x'`],
  ['hold', `hold_id = '${other}'`],
  ['payment', `payment_id = '${other}'`],
  ['key', `idempotency_key = 'x'`],
  ['value date', 'value_date = value_date - 1'],
  ['account', `account_id = '${wallet.accountId}'`],
  ['corrected transfer', 'corrects_id = NULL'],
].map(([name, set]) => {
  const id = name === 'corrected transfer' ? correction.transferId : creditId
  return {
    what: `a transfer, which has another ${name} than it was told with`,
    sql: setOf('transfers', set!, `transfer_id = '${id}'`),
    check: 'ledger_is_told',
    says: new RegExp(`^account \\S+ \\(USD\\): transfer ${id} has the ${name} .+, its event says`),
  }
})

const ENTRIES: Damage[] = [
  {
    what: 'an entry that was booked a millisecond later',
    sql: `UPDATE entries SET booked_at = booked_at + interval '1 ms'
          WHERE transfer_id = '${creditId}' AND line = 1`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^${ofCredit}: booked at \\S+ \\S+, its entries in USD at .* to `),
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
    what: 'a reference that was forgotten',
    sql: `DELETE FROM command_references WHERE transfer_id = '${creditId}'`,
    check: 'entries_sum_to_zero',
    says: /^credit \S+ of account \S+ \(USD\): its reference is \S+ of .*, it has used none$/,
  },
  {
    what: 'a reference of a change that was forgotten',
    sql: `DELETE FROM command_references WHERE kind = 'freeze'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^freeze \\S+ of account ${frozen.accountId} \\(USD\\): its reference is`),
  },
  {
    what: 'a reference of another kind',
    sql: `UPDATE command_references SET kind = 'debit' WHERE transfer_id = '${creditId}'`,
    check: 'entries_sum_to_zero',
    says: /, it has used \S+ for a debit of tenant caudal$/,
  },
  {
    what: 'a reference that nothing used',
    sql: `INSERT INTO command_references VALUES ('${other}', 'caudal', 'credit', 'mine')`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^reference mine \\(credit of tenant caudal\\) is used by transfer ${other},`),
  },
  {
    what: 'a key that was forgotten too early',
    sql: `DELETE FROM idempotency_keys WHERE idempotency_key = '${credit.key.value}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^${ofCredit}: key ${credit.key.value} of client tester, which nobody used$`),
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
    'gone',
    `DELETE FROM holds WHERE ${ofHold}`,
    `^account ${wallet.accountId} \\(USD\\): hold ${hold.transferId} is gone, its .* it keeps 30$`,
  ),
  onHolds(
    'of another amount',
    setOf('holds', 'amount_minor = 31', ofHold),
    `^hold ${hold.transferId} ${atAccount}: is of 31, its transfers say 30$`,
  ),
  onHolds(
    'in another currency',
    setOf('holds', `currency = 'EUR'`, ofHold),
    `\\(EUR\\): has the currency EUR, its transfers say USD$`,
  ),
  onHolds(
    'of another tenant',
    setOf('holds', `tenant_id = 'x'`, ofHold),
    `${atAccount}: has the tenant x, its transfers say caudal$`,
  ),
  onHolds(
    'of another account',
    setOf('holds', `account_id = '${empty.accountId}'`, ofHold),
    `: has the account ${empty.accountId}, its transfers say ${wallet.accountId}$`,
  ),
  onHolds(
    'of another payment',
    `UPDATE holds SET payment_id = '${other}' ${ofPayment}`,
    `: has the payment ${other}, its transfers say ${BOOKS.payment.paymentId}$`,
  ),
  onHolds(
    'made at another time',
    setOf('holds', `created_at = '2026-01-01'`, ofHold),
    `${atAccount}: was made at 2026-01-01 \\S+, its transfers say 20`,
  ),
  onHolds(
    'ended otherwise',
    setOf('holds', `status = 'committed'`, `hold_id = '${ended.transferId}'`),
    `: is committed, its transfers say released$`,
  ),
  onHolds(
    'which has no end any more',
    setOf('holds', 'expires_at = NULL', ofExpiring),
    `^hold ${expiring.transferId} ${atAccount}: ends at no time, the queue says 20`,
  ),
  onHolds(
    'with another end',
    setOf('holds', `expires_at = expires_at + interval '1 day'`, ofExpiring),
    `^hold ${expiring.transferId} ${atAccount}: ends at .*, the queue says 20`,
  ),
  onHolds(
    'with another end in the queue',
    setOf('hold_expiries', `expires_at = expires_at + interval '1 day'`, ofExpiring),
    `^hold ${expiring.transferId} ${atAccount}: ends at .*, the queue says 20`,
  ),
  onHolds(
    'which was to have no end',
    setOf('holds', `expires_at = now() + interval '1 hour'`, ofHold),
    `^hold ${hold.transferId} ${atAccount}: open until .*, but nothing will end it then$`,
  ),
  onHolds(
    'gone from the books and left in the queue',
    `DELETE FROM holds WHERE ${ofExpiring}`,
    `^hold ${expiring.transferId} is gone, and was to end at 20`,
  ),
  {
    what: 'a hold, with another end wherever it is kept',
    sql: `WITH moved AS (UPDATE hold_expiries SET expires_at = expires_at + interval '1 day')
          UPDATE holds SET expires_at = expires_at + interval '1 day' WHERE ${ofExpiring}`,
    check: 'ledger_is_told',
    says: new RegExp(
      `^hold ${expiring.transferId} ${atAccount}: has the end .*, its last event says 20`,
    ),
  },
  {
    what: 'a hold that was given an end wherever it is kept',
    sql: `WITH given AS (INSERT INTO hold_expiries VALUES ('2100-01-01', '${hold.transferId}'))
          UPDATE holds SET expires_at = '2100-01-01' WHERE ${ofHold}`,
    check: 'ledger_is_told',
    says: new RegExp(`^hold ${hold.transferId} .*: has the end 2100-\\S+ \\S+, its .* says none$`),
  },
  {
    what: 'a hold that is gone, though an event tells of it',
    sql: `DELETE FROM holds ${ofPayment}`,
    check: 'ledger_is_told',
    says: new RegExp(
      `^account ${payer.accountId} \\(USD\\): an event tells of hold \\S+, which is`,
    ),
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
    says: new RegExp(`: its wallet is ${other}, that of user ${empty.userId} is ${empty.walletId}`),
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
    what: 'an account of the system that is another stripe',
    sql: setOf('accounts', 'stripe = 5', `kind = 'payouts_clearing' AND currency = 'JPY'`),
    check: 'balances_equal_entries',
    says: /^account \S+ \(JPY\) of tenant caudal: payouts_clearing\/5 has the id \S+$/,
  },
  {
    what: 'an account of another user than it was opened for',
    sql: setOf('accounts', `user_id = '${other}'`, ofEmpty),
    check: 'ledger_is_told',
    says: new RegExp(`: has the user ${other}, the event of its opening says ${empty.userId}$`),
  },
  {
    what: 'an empty account that is gone',
    sql: `DELETE FROM accounts WHERE ${ofEmpty}`,
    check: 'ledger_is_told',
    says: new RegExp(`^account ${empty.accountId} \\(USD\\) of tenant caudal was opened, as an`),
  },
  {
    what: 'an account that is gone',
    sql: `DELETE FROM accounts WHERE account_id = '${wallet.accountId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(
      `^account ${wallet.accountId} \\(USD\\) is gone: its entries say available 63, held 37$`,
    ),
  },
  {
    what: 'a changed account that is gone',
    sql: `DELETE FROM accounts WHERE account_id = '${frozen.accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${frozen.accountId} is gone: it was frozen with limit 0$`),
  },
  {
    what: 'a change of an account that has another reason',
    sql: setOf('account_changes', `reason = 'x'`, `kind = 'freeze'`),
    check: 'ledger_is_told',
    says: new RegExp(
      `^account ${frozen.accountId} .*: freeze, revision 1, has the reason x, its event says test$`,
    ),
  },
  {
    what: 'a change of an account that is gone',
    sql: `DELETE FROM account_changes WHERE kind = 'freeze'`,
    check: 'ledger_is_told',
    says: new RegExp(
      `^account ${frozen.accountId} \\(USD\\): an event tells of freeze, revision 1, which is not`,
    ),
  },
]

/** What balances and entries do not show. */
export const ROW_DAMAGES: readonly Damage[] = [
  ...ENTRIES,
  ...ALONE,
  ...PAYMENTS,
  ...TOLD,
  ...REFERENCES,
  ...HOLDS,
  ...ACCOUNTS,
]
