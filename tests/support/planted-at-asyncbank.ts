import { plantedCallbacks } from './planted-returns.ts'
import type { PlantedViolation, UsedSystem } from './planted-violations.ts'

/** Violations in the books of the second PSP, which names transfers by ids of its own. */
export function cameBackAtBank({ backAtBank: { id, refundId } }: UsedSystem): PlantedViolation[] {
  const table = { database: 'asyncbank', table: 'transfers' }
  const refund = `refund ${refundId} of payment ${id}`
  const isOf = (kind: string): string => `kind = '${kind}' AND amount_minor < 900
    AND original_id = (SELECT transfer_id FROM transfers WHERE ref = $1 AND kind = 'pay')`
  const copy = (of: string, changes: string): string => `
    INSERT INTO transfers OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(t, jsonb_build_object(
      'sequence', (SELECT max(sequence) + 1 FROM transfers), 'transfer_id', 'planted', ${changes}
    ))).* FROM transfers t WHERE ${of}`
  const ANOTHER = `'ref', gen_random_uuid()`
  const plants: Pick<PlantedViolation, 'what' | 'check' | 'says' | 'sql'>[] = [
    {
      what: 'a refund that the second PSP never made',
      check: 'refunds_charged_once',
      says: `${refund} is SUCCEEDED, but the PSP gave nothing back`,
      sql: `DELETE FROM transfers WHERE ${isOf('refund')}`,
    },
    {
      what: 'a refund that the second PSP made twice',
      check: 'refunds_charged_once',
      says: `${refund} was made 2 times at the PSP`,
      sql: copy(isOf('refund'), `'code', 'twice'`),
    },
    {
      what: 'a refund that the second PSP took back',
      check: 'refunds_charged_once',
      says: `${refund} is SUCCEEDED, but the PSP took it back`,
      sql: `UPDATE transfers SET state = 'reversed' WHERE ${isOf('refund')}`,
    },
    {
      what: 'a refund of another amount at the second PSP',
      check: 'refunds_charged_once',
      says: `${refund}: expected 4.00 EUR at the PSP, found 4.01 EUR`,
      sql: `UPDATE transfers SET amount_minor = 401 WHERE ${isOf('refund')}`,
    },
    {
      what: 'a refund that the second PSP made for nobody',
      check: 'refunds_charged_once',
      says: `the PSP gave 4.00 EUR of payment ${id} back, for which there is no refund`,
      sql: copy(isOf('refund'), ANOTHER),
    },
    {
      what: 'a return that the second PSP never made',
      check: 'returns_credited_once',
      says: 'is CREDITED, but nothing came back at the PSP',
      sql: `DELETE FROM transfers WHERE ${isOf('return')}`,
    },
    {
      what: 'a return of another amount at the second PSP',
      check: 'returns_credited_once',
      says: `of payment ${id}: expected 2.00 EUR at the PSP, found 2.01 EUR`,
      sql: `UPDATE transfers SET amount_minor = 201 WHERE ${isOf('return')}`,
    },
    {
      what: 'a return at the second PSP that was never credited',
      check: 'returns_credited_once',
      says: `2.00 EUR of payment ${id} came back at the PSP, for which there is no return`,
      sql: copy(isOf('return'), ANOTHER),
    },
    {
      what: 'a payment that the second PSP took back',
      check: 'returns_credited_once',
      says: `10.00 EUR of payment ${id} came back at the PSP, for which there is no return`,
      sql: `UPDATE transfers SET state = 'reversed' WHERE ref = $1 AND kind = 'pay'`,
    },
    {
      what: 'a charge that the second PSP does not have',
      check: 'completed_charged_once',
      says: `payment ${id} is COMPLETED, but the PSP has no charge for it`,
      sql: `UPDATE transfers SET state = 'rejected', code = 'AC04' WHERE ref = $1 AND kind = 'pay'`,
    },
    {
      what: 'a charge with another amount at the second PSP',
      check: 'completed_charged_once',
      says: `payment ${id}: expected a charge of 10.00 EUR, found 10.01 EUR`,
      sql: `UPDATE transfers SET amount_minor = 1001 WHERE ref = $1 AND kind = 'pay'`,
    },
  ]
  return [
    ...plants.map((plant) => ({ ...table, ...plant, values: [id] })),
    ...plantedCallbacks(id, 'asyncbank'),
    {
      database: 'payments',
      table: 'payments',
      what: 'a charge at another PSP',
      check: 'completed_charged_once',
      says: `payment ${id} was paid at main, but charged at another PSP`,
      sql: `UPDATE payments SET psp = 'main' WHERE payment_id = $1`,
      values: [id],
    },
  ]
}
