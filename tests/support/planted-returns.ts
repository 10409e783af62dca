import type { PlantedViolation, UsedSystem } from './planted-violations.ts'

/** No violation: a case about a payment that accounts for nothing else that is planted. */
export function caseAboutMoney({ back: { id } }: UsedSystem): PlantedViolation {
  return {
    database: 'payments',
    table: 'cases',
    what: 'a case of another reason',
    check: 'none',
    says: id,
    sql: `INSERT INTO cases SELECT (jsonb_populate_record(c, jsonb_build_object(
            'case_id', gen_random_uuid(), 'subject_type', 'payment', 'subject_id', c.payment_id,
            'reason', 'success_after_failure'))).*
          FROM cases c WHERE payment_id = $1`,
    values: [id],
  }
}

/** Violations in what came back of a payment: at the bank, in payments, processor and ledger. */
export function cameBack({ back: { id, refundId }, failedId }: UsedSystem): PlantedViolation[] {
  const refund = `refund ${refundId} of payment ${id}`
  return [
    {
      database: 'payments',
      table: 'payments',
      what: 'a sum of refunds that no refund explains',
      check: 'refunds_within_captured',
      says:
        `payment ${id} (USD): refunded 401, pending 0, returned 200; ` +
        'its refunds and returns sum to 400, 0, 200',
      sql: 'UPDATE payments SET refunded_minor = refunded_minor + 1 WHERE payment_id = $1',
      values: [id],
    },
    {
      database: 'payments',
      table: 'refunds',
      what: 'a refund beyond what was captured',
      check: 'refunds_within_captured',
      says: `payment ${id} (USD): of 1000 captured, 900 refunded, 0 pending and 200 returned`,
      sql: 'UPDATE refunds SET amount_minor = 900 WHERE refund_id = $1',
      values: [refundId],
    },
    ...ofStrangers(id, refundId),
    ...lateCaptures(id, failedId),
    ...atTheBank(id, refund),
    ...inTheLedger(id, refund),
    ...plantedCallbacks(id, 'main'),
  ]
}

function ofStrangers(id: string, refundId: string): PlantedViolation[] {
  const check = 'refunds_within_captured'
  return [
    {
      database: 'payments',
      table: 'refunds',
      what: 'a refund of no payment',
      check,
      says: `refund ${refundId} is of payment`,
      sql: 'UPDATE refunds SET payment_id = gen_random_uuid() WHERE refund_id = $1',
      values: [refundId],
    },
    {
      database: 'payments',
      table: 'returns',
      what: 'a return to another tenant',
      check,
      says: `of payment ${id}: it is in USD of tenant planted, the payment in USD of `,
      sql: `UPDATE returns SET tenant_id = 'planted'
            WHERE payment_id = $1 AND status = 'CREDITED'`,
      values: [id],
    },
    {
      database: 'payments',
      table: 'cases',
      what: 'a case of a suspended return with another reason',
      check: 'returns_credited_once',
      says: 'is SUSPENDED, but has no case',
      sql: `UPDATE cases SET reason = 'receivable'
            WHERE payment_id = $1 AND reason = 'return_exceeds_captured'`,
      values: [id],
    },
  ]
}

function lateCaptures(id: string, failedId: string): PlantedViolation[] {
  const table = { database: 'payments', table: 'payments', check: 'failed_not_charged' }
  const failed = `payment ${failedId} succeeded after its failure`
  return [
    {
      ...table,
      what: 'a late success that the ledger never booked',
      says: `payment ${id} succeeded after its failure (RECOVERED), and was booked 0 times`,
      sql: `UPDATE payments SET late_capture = 'RECOVERED' WHERE payment_id = $1`,
      values: [id],
    },
    {
      ...table,
      what: 'a late success in suspense without a case',
      says: `${failed} (SUSPENDED), but has no case`,
      sql: `UPDATE payments SET late_capture = 'SUSPENDED' WHERE payment_id = $1`,
      values: [failedId],
    },
    {
      ...table,
      what: 'a late success that nobody refunds',
      says: `${failed} (REFUNDING), but has no refund`,
      sql: `UPDATE payments SET late_capture = 'REFUNDING' WHERE payment_id = $1`,
      values: [failedId],
    },
  ]
}

function atTheBank(id: string, refund: string): PlantedViolation[] {
  const table = { database: 'psp', table: 'movements' }
  const ofKind = (kind: string) => `payment_id = $1 AND kind = '${kind}' AND amount_minor < 900`
  return [
    {
      ...table,
      what: 'a refund that the bank never made',
      check: 'refunds_charged_once',
      says: `${refund} is SUCCEEDED, but the PSP gave nothing back`,
      sql: `DELETE FROM movements WHERE ${ofKind('refund')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a refund that the bank made twice',
      check: 'refunds_charged_once',
      says: `${refund} was made 2 times at the PSP`,
      sql: `INSERT INTO movements (kind, movement_id, generation, payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency)
            SELECT kind, movement_id, generation + 1, payment_id, fingerprint, verdict,
              gen_random_uuid(), amount_minor, currency
            FROM movements WHERE ${ofKind('refund')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a refund of another amount',
      check: 'refunds_charged_once',
      says: `${refund}: expected 4.00 USD at the PSP, found 4.01 USD`,
      sql: `UPDATE movements SET amount_minor = 401 WHERE ${ofKind('refund')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a refund that the bank made for nobody',
      check: 'refunds_charged_once',
      says: `the PSP gave 4.00 USD of payment ${id} back, for which there is no refund`,
      sql: `INSERT INTO movements (kind, movement_id, payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency, decided_at)
            SELECT kind, gen_random_uuid(), payment_id, fingerprint, verdict, gen_random_uuid(),
              amount_minor, currency, decided_at
            FROM movements WHERE ${ofKind('refund')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a refund that the bank took back',
      check: 'refunds_charged_once',
      says: `${refund} is SUCCEEDED, but the PSP took it back`,
      sql: `UPDATE movements SET reversed_at = decided_at WHERE ${ofKind('refund')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a return that the bank made twice',
      check: 'returns_credited_once',
      says: `of payment ${id} came back 2 times at the PSP`,
      sql: `INSERT INTO movements (kind, movement_id, payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency, reason, decided_at)
            SELECT kind, gen_random_uuid(), payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency, reason, decided_at
            FROM movements WHERE ${ofKind('return')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a return of another amount',
      check: 'returns_credited_once',
      says: `of payment ${id}: expected 2.00 USD at the PSP, found 2.01 USD`,
      sql: `UPDATE movements SET amount_minor = 201 WHERE ${ofKind('return')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a payment that the bank took back',
      check: 'returns_credited_once',
      says: `10.00 USD of payment ${id} came back at the PSP, for which there is no return`,
      sql: `INSERT INTO movements (kind, movement_id, payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency, decided_at)
            SELECT 'reversal', gen_random_uuid(), payment_id, fingerprint, verdict,
              gen_random_uuid(), 1000, currency, decided_at
            FROM movements WHERE ${ofKind('return')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a return that the bank never made',
      check: 'returns_credited_once',
      says: 'is CREDITED, but nothing came back at the PSP',
      sql: `DELETE FROM movements WHERE ${ofKind('return')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a return that was never credited',
      check: 'returns_credited_once',
      says: `2.00 USD of payment ${id} came back at the PSP, for which there is no return`,
      sql: `INSERT INTO movements (kind, movement_id, payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency, reason, decided_at)
            SELECT kind, gen_random_uuid(), payment_id, fingerprint, verdict, gen_random_uuid(),
              amount_minor, currency, reason, decided_at
            FROM movements WHERE ${ofKind('return')}`,
      values: [id],
    },
  ]
}

function inTheLedger(id: string, refund: string): PlantedViolation[] {
  const table = { database: 'wallets', table: 'psp_postings' }
  const ofKind = (kind: string) => `payment_id = $1 AND kind = '${kind}' AND amount_minor < 900`
  const copy = `
    INSERT INTO psp_postings SELECT (jsonb_populate_record(p, jsonb_build_object(
      'posting_id', gen_random_uuid()))).*
    FROM psp_postings p WHERE `
  return [
    {
      ...table,
      what: 'a refund without a credit',
      check: 'refunds_charged_once',
      says: `${refund} is SUCCEEDED, but was not credited in the ledger`,
      sql: `DELETE FROM psp_postings WHERE ${ofKind('refund')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a refund that was credited twice',
      check: 'refunds_charged_once',
      says: `${refund} was credited 2 times in the ledger`,
      sql: copy + ofKind('refund'),
      values: [id],
    },
    {
      ...table,
      what: 'a return without a credit',
      check: 'returns_credited_once',
      says: 'is CREDITED, but was not booked in the ledger',
      sql: `DELETE FROM psp_postings WHERE ${ofKind('return')}`,
      values: [id],
    },
    {
      ...table,
      what: 'a return that was credited twice',
      check: 'returns_credited_once',
      says: 'was credited 2 times in the ledger',
      sql: copy + ofKind('return'),
      values: [id],
    },
  ]
}

/** Violations in the facts of callbacks about a payment of which money came back. */
export function plantedCallbacks(id: string, psp: string): PlantedViolation[] {
  const ofReturn = `payment_id = $1 AND state = 'APPLIED' AND fact->>'kind' = 'return'
    AND fact->>'amountMinor' = '200'`
  return [
    {
      database: 'processor',
      table: 'callback_facts',
      what: 'a fact that was applied twice',
      check: 'callbacks_applied_once',
      says: `2 callbacks of ${psp} were applied that return`,
      sql: `INSERT INTO callback_facts SELECT (jsonb_populate_record(f, jsonb_build_object(
              'key', 'planted'))).* FROM callback_facts f WHERE ${ofReturn}`,
      values: [id],
    },
    {
      database: 'processor',
      table: 'callback_facts',
      what: 'a failure that was applied without an effect',
      check: 'callbacks_applied_once',
      says: `a callback of ${psp} was applied that pay ${id} is failed, which is COMPLETED`,
      sql: `INSERT INTO callback_facts SELECT (jsonb_populate_record(f, jsonb_build_object(
              'key', 'planted', 'fact', f.fact || jsonb_build_object('kind', 'pay',
              'ourId', f.payment_id, 'itsId', NULL, 'state', 'failed')))).*
              FROM callback_facts f WHERE ${ofReturn}`,
      values: [id],
    },
    {
      database: 'processor',
      table: 'callbacks',
      what: 'a callback that hides what its facts are',
      check: 'callbacks_applied_once',
      says: 'is PARKED, its facts are APPLIED',
      sql: `UPDATE callbacks SET state = 'PARKED' WHERE callback_id =
              (SELECT callback_id FROM callback_facts WHERE ${ofReturn})`,
      values: [id],
    },
  ]
}
