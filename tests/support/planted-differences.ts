import type { BackPayment, PlantedViolation } from './planted-violations.ts'

type Plant = Pick<PlantedViolation, 'what' | 'says' | 'sql'>

/** Violations in the books of ours, of a payment at one of the PSPs of which money came back. */
export function differencesOf(
  { id, refundId }: BackPayment,
  { psp, currency }: { psp: string; currency: string },
): PlantedViolation[] {
  const named = `refund ${refundId} of payment ${id}`
  const at = (plants: Plant[], about: Omit<PlantedViolation, 'values' | keyof Plant>) =>
    plants.map(({ what, ...plant }) => ({
      ...about,
      ...plant,
      what: `${what}, of a payment at ${psp}`,
      values: [id],
    }))
  const refunds = { check: 'refunds_charged_once' }
  const returns = { check: 'returns_credited_once' }
  const ledger = { database: 'wallets', table: 'psp_postings' }
  return [
    ...at(ofStatuses(named), { ...refunds, database: 'payments', table: 'refunds' }),
    ...at(inSuspense(id), { ...refunds, database: 'payments', table: 'found_refunds' }),
    ...at(ofVoids(named), { ...refunds, database: 'processor', table: 'operations' }),
    ...at(ofRefundsInLedger(named, currency), { ...refunds, ...ledger }),
    ...at(ofReturnsInLedger(id, currency), { ...returns, ...ledger }),
  ]
}

/** What a refund claims of itself against the books of the PSP and of the ledger. */
function ofStatuses(named: string): Plant[] {
  const failed = `UPDATE refunds SET status = 'FAILED', failure_reason = 'gateway_declined',
    credited_at = NULL, credited_to = NULL WHERE payment_id = $1`
  const reversed = `UPDATE refunds SET status = 'REVERSED', reversed_at = updated_at,
    recaptured_at = updated_at, recaptured_from = 'wallet' WHERE payment_id = $1`
  return [
    {
      what: 'a refund that FAILED and was paid',
      says: `${named} is FAILED, but the PSP gave the money back`,
      sql: failed,
    },
    {
      what: 'a refund that FAILED and was credited',
      says: `${named} is FAILED, but was credited in the ledger`,
      sql: failed,
    },
    {
      what: 'a refund that is REVERSED and that the PSP did not take back',
      says: `${named} is REVERSED, but the PSP did not take it back`,
      sql: reversed,
    },
    {
      what: 'a refund that is REVERSED without a recapture',
      says: `${named} is REVERSED, but was taken back 0 times in the ledger`,
      sql: reversed,
    },
  ]
}

function inSuspense(id: string): Plant[] {
  const sql = `
    INSERT INTO found_refunds (refund_id, tenant_id, account_id, payment_id, user_id, psp,
      amount_minor, currency, status, suspended_for, received_at, updated_at)
    SELECT gen_random_uuid(), tenant_id, account_id, payment_id, user_id, coalesce(psp, 'main'),
      100, currency, 'SUSPENDED', 'refund_exceeds_captured', updated_at, updated_at
    FROM payments WHERE payment_id = $1`
  const named = `of payment ${id} is in suspense`
  return [
    {
      what: 'a found refund in suspense that was never booked',
      says: `${named}, but was booked 0 times`,
      sql,
    },
    {
      what: 'a found refund in suspense without a case',
      says: `${named}, but has no case refund_exceeds_captured`,
      sql,
    },
  ]
}

function ofVoids(named: string): Plant[] {
  const sql = (kind: string): string => `
    INSERT INTO operations SELECT (jsonb_populate_record(o, jsonb_build_object(
      'operation_id', gen_random_uuid(), 'sequence', 2, 'kind', '${kind}'))).*
    FROM operations o WHERE payment_id = $1`
  return ['void', 'refund'].map((kind) => ({
    what: `a ${kind} that is COMPLETED without money`,
    says: `of ${named} is COMPLETED at the processor, but the PSP moved nothing`,
    sql: sql(kind),
  }))
}

const copyOf = (kind: string, changes: string): string => `
  INSERT INTO psp_postings SELECT (jsonb_populate_record(p, jsonb_build_object(
    'posting_id', gen_random_uuid(), ${changes}))).*
  FROM psp_postings p WHERE ${ofKind(kind)}`

// The suspended return of the payment is of 9.00.
const ofKind = (kind: string): string =>
  `payment_id = $1 AND kind = '${kind}' AND amount_minor < 900`

const STRANGER = `'source_id', gen_random_uuid()`

function ofRefundsInLedger(named: string, currency: string): Plant[] {
  const change = (set: string): string => `UPDATE psp_postings SET ${set} WHERE ${ofKind('refund')}`
  return [
    {
      what: 'a credit of another amount than that of its refund',
      says: `${named}: expected 4.00 ${currency} in the ledger, found 4.01 ${currency}`,
      sql: change('amount_minor = 401'),
    },
    {
      what: 'a credit in another currency than that of its refund',
      says: `${named}: expected 4.00 ${currency} in the ledger, found 4.00 GBP`,
      sql: change(`currency = 'GBP'`),
    },
    {
      what: 'a credit to suspense of a refund that reached the wallet',
      says: `${named} is credited to wallet, in the ledger to suspense`,
      sql: change(`other_end = 'suspense'`),
    },
    {
      what: 'a recapture of a refund that the PSP did not take back',
      says: `${named} is SUCCEEDED, but was taken back 1 times in the ledger`,
      sql: copyOf('refund', `'kind', 'recapture'`),
    },
    ...['refund', 'recapture'].map((kind) => ({
      what: `a ${kind} in the ledger of a refund that does not exist`,
      says: `the ledger has a ${kind} for refund `,
      sql: copyOf('refund', `'kind', '${kind}', ${STRANGER}`),
    })),
  ]
}

function ofReturnsInLedger(id: string, currency: string): Plant[] {
  return [
    {
      what: 'a credit of another amount than that of its return',
      says: `of payment ${id}: expected 2.00 ${currency} in the ledger, found 2.01 ${currency}`,
      sql: `UPDATE psp_postings SET amount_minor = 201 WHERE ${ofKind('return')}`,
    },
    {
      what: 'a credit to suspense of a return that is CREDITED',
      says: `of payment ${id} is CREDITED, but the ledger booked it to suspense`,
      sql: `UPDATE psp_postings SET other_end = 'suspense' WHERE ${ofKind('return')}`,
    },
    {
      what: 'a credit of a return that does not exist',
      says: `of payment ${id}, which does not exist`,
      sql: copyOf('return', STRANGER),
    },
  ]
}
