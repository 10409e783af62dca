import { newId } from '@caudal/contracts/ids.ts'
import type { Damage } from './row-damages.ts'
import { SAMPLE } from './sample-ledger.ts'

const { payer, payee, heir, credit, sale, correction, misplaced, reclassification, hold } = SAMPLE
const other = newId()

const CHECK = 'corrections_bounded'

function setOf(transferId: string, set: string): string {
  return `UPDATE transfers SET ${set} WHERE transfer_id = '${transferId}'`
}

/** Damages of corrections and of who made a hold. */
export const CORRECTION_DAMAGES: readonly Damage[] = [
  {
    what: 'a correction of more than the original',
    sql: `UPDATE entries SET amount_minor = amount_minor * 3
          WHERE transfer_id = '${correction.transferId}'`,
    check: CHECK,
    says: new RegExp(
      `^account ${payer.accountId} \\(USD\\): corrections until transfer ` +
        `${correction.transferId} change it by 30, but transfer ${sale.transferId} changed it ` +
        'by -10$',
    ),
  },
  {
    what: 'a correction in the direction of the original',
    sql: `UPDATE entries SET amount_minor = -amount_minor
          WHERE transfer_id = '${correction.transferId}'`,
    check: CHECK,
    says: /change it by -10, but transfer \S+ changed it by -10$/,
  },
  {
    what: 'a correction on an account that its original does not have',
    sql: setOf(correction.transferId, `corrects_id = '${credit.transferId}'`),
    check: CHECK,
    says: new RegExp(
      `^account ${payee.accountId} \\(USD\\): .* change it by -10, but transfer ` +
        `${credit.transferId} changed it by 0$`,
    ),
  },
  {
    what: 'a reclassification that is marked as an ordinary correction',
    sql: setOf(reclassification.transferId, `correction = 'bounded'`),
    check: CHECK,
    says: new RegExp(
      `^account ${heir.accountId} \\(USD\\): .* change it by 6, but transfer ` +
        `${misplaced.transferId} changed it by 0$`,
    ),
  },
  {
    what: 'a reclassification by which another account takes more than was given',
    sql: `UPDATE entries SET amount_minor = 7 WHERE transfer_id = '${reclassification.transferId}'
          AND account_id = '${heir.accountId}'`,
    check: CHECK,
    says: new RegExp(
      `^transfer ${reclassification.transferId} \\(USD\\): accounts that transfer ` +
        `${misplaced.transferId} does not have take 7 until then, its own give 6$`,
    ),
  },
  {
    what: 'a correction without its original',
    sql: setOf(correction.transferId, `corrects_id = '${other}'`),
    check: CHECK,
    says: new RegExp(
      `^transfer ${correction.transferId} of account ${payee.accountId} \\(USD\\): corrects ` +
        `transfer ${other}, which does not exist$`,
    ),
  },
  {
    what: 'a correction whose bound was forgotten',
    sql: setOf(correction.transferId, 'correction = NULL'),
    check: 'events_match_ledger',
    says: /: transfer \S+ has the bound of its correction none, its event has bounded$/,
  },
  {
    what: 'a hold, of another client',
    sql: `UPDATE holds SET client_id = 'x' WHERE hold_id = '${hold.transferId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^hold ${hold.transferId} of .*: client is x, expected tester$`),
  },
]
