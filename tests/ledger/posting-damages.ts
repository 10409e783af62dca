import { newId } from '@caudal/contracts/ids.ts'
import type { Damage } from './row-damages.ts'
import { OTHER_PSP, SAMPLE } from './sample-ledger.ts'

const { refund, recapture, refunded } = SAMPLE
const other = newId()

const CHECK = 'entries_sum_to_zero'
const ofRefund = `posting_id = '${refund.posting_id}'`
const transferOfRefund = `idempotency_key = 'refund:${refund.posting_id}'`
const ofAccount = `transfer \\S+ of account ${refunded.accountId} \\(USD\\)`

/** Changes of what is recorded of a posting, one column each. */
const COLUMNS: Damage[] = [
  `amount_minor = 46`,
  `posting_id = '${other}'`,
  `account_id = '${other}'`,
  `source_id = '${other}'`,
  `payment_id = '${other}'`,
  `payment_id = NULL`,
  `tenant_id = 'other'`,
  `kind = 'return'`,
  `psp = 'main'`,
  `currency = 'EUR'`,
  `other_end = 'suspense'`,
  `booked_at = booked_at + interval '1 ms'`,
].map((set) => ({
  what: `a posting of a PSP with ${set.replace(other, 'another')}`,
  sql: `UPDATE psp_postings SET ${set} WHERE ${ofRefund}`,
  check: CHECK,
  says: new RegExp(
    `^${ofAccount}: a refund of 45 with the key refund:${refund.posting_id} and reference ` +
      `${refund.source.id} on accounts of ${OTHER_PSP} and wallet, its posting is `,
  ),
}))

/** Damages of money that came back to a PSP, or left it again. */
export const POSTING_DAMAGES: readonly Damage[] = [
  ...COLUMNS,
  {
    what: 'a deleted posting of a PSP',
    sql: `DELETE FROM psp_postings WHERE ${ofRefund}`,
    check: CHECK,
    says: new RegExp(`^${ofAccount}: a refund without a posting$`),
  },
  {
    what: 'a posting of a PSP by a transfer that does not exist',
    sql: `UPDATE psp_postings SET transfer_id = '${other}' WHERE ${ofRefund}`,
    check: CHECK,
    says: new RegExp(
      `^posting ${refund.posting_id} \\(refund of tenant caudal\\) is booked by transfer ` + other,
    ),
  },
  {
    what: 'a refund that is booked as a recapture',
    sql: `UPDATE transfers SET kind = 'recapture' WHERE ${transferOfRefund}`,
    check: CHECK,
    says: new RegExp(`^${ofAccount}: a recapture of 45 USD, its entries in USD are `),
  },
  {
    what: 'a refund for another refund',
    sql: `UPDATE transfers SET reference_id = '${other}' WHERE ${transferOfRefund}`,
    check: CHECK,
    says: new RegExp(`^${ofAccount}: a refund of 45 .* and reference ${other} on accounts of `),
  },
  {
    what: 'a refund of a client',
    sql: `UPDATE transfers SET client_id = 'tester' WHERE ${transferOfRefund}`,
    check: CHECK,
    says: /: a refund of client tester, hold none, payment /,
  },
  {
    what: 'a recapture that is taken from another end than it names',
    sql: `UPDATE accounts SET kind = 'suspense' WHERE kind = 'receivable'`,
    check: CHECK,
    says: new RegExp(`recapture:${recapture.posting_id} .* on accounts of main and suspense, its `),
  },
]
