import type { PlantedViolation, UsedSystem } from './planted-violations.ts'

/** Violations about a lost dispute: at the bank, in payments and in the ledger. */
export function disputesLost({ disputed: { id, disputeId } }: UsedSystem): PlantedViolation[] {
  const [bounded, credited] = ['refunds_within_captured', 'returns_credited_once']
  const returned = `return ${disputeId} of payment ${id}`
  const plants: Omit<PlantedViolation, 'values'>[] = [
    {
      database: 'psp',
      table: 'movements',
      what: 'a lost dispute whose money never came back',
      check: credited,
      says: `${returned} is CREDITED, but nothing came back at the PSP`,
      sql: `DELETE FROM movements WHERE payment_id = $1`,
    },
    {
      database: 'psp',
      table: 'movements',
      what: 'a lost dispute that was never credited',
      check: credited,
      says: `3.00 USD of payment ${id} came back at the PSP, for which there is no return`,
      sql: `INSERT INTO movements (kind, movement_id, payment_id, fingerprint, verdict,
              gateway_movement_id, amount_minor, currency, decided_at)
            SELECT kind, gen_random_uuid(), payment_id, fingerprint, verdict, gen_random_uuid(),
              amount_minor, currency, decided_at FROM movements WHERE payment_id = $1`,
    },
    {
      database: 'wallets',
      table: 'psp_postings',
      what: 'a lost dispute that was credited twice',
      check: credited,
      says: `${returned} was credited 2 times in the ledger`,
      sql: `INSERT INTO psp_postings SELECT (jsonb_populate_record(p, jsonb_build_object(
              'posting_id', gen_random_uuid()))).* FROM psp_postings p WHERE payment_id = $1`,
    },
    {
      database: 'payments',
      table: 'returns',
      what: 'a lost dispute beyond what was captured',
      check: bounded,
      says: `payment ${id} (USD): of 1000 captured, 0 refunded, 0 pending and 1100 returned`,
      sql: `UPDATE returns SET amount_minor = 1100 WHERE payment_id = $1`,
    },
    {
      database: 'payments',
      table: 'disputes',
      what: 'a lost dispute that is no return',
      check: bounded,
      says: `of payment ${id} is lost, but there is no return of 300 USD`,
      sql: `INSERT INTO disputes SELECT (jsonb_populate_record(d, jsonb_build_object(
              'dispute_id', gen_random_uuid()))).* FROM disputes d WHERE payment_id = $1`,
    },
    {
      database: 'payments',
      table: 'disputes',
      what: 'the money of a dispute that was won',
      check: bounded,
      says: `${returned} is of a dispute that is not lost`,
      sql: `UPDATE disputes SET outcome = 'won' WHERE payment_id = $1`,
    },
  ]
  return plants.map((plant) => ({ ...plant, values: [id] }))
}
