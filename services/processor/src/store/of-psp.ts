import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { OperationTable } from './operation-tables.ts'
import { storedStep } from './stored-steps.ts'

/**
 * Whose operations are taken: of one of several PSPs, or all of them where the only one is that of
 * release 0.1.0. The default PSP takes those that name none, too.
 */
export type ClaimedPsp = { name: string; isDefault: boolean } | null

const NO_CONDITION = sql``

/** Restricts a statement to the operations of the PSP. */
export function ofPsp(psp: ClaimedPsp): Sql {
  if (psp === null) return NO_CONDITION
  return psp.isDefault ? sql` AND (psp = ${psp.name} OR psp IS NULL)` : sql` AND psp = ${psp.name}`
}

/** The same for queued operations, which `adoptUnnamed` has given a PSP: an index serves them. */
export function queued(psp: ClaimedPsp): Sql {
  return psp === null ? NO_CONDITION : sql` AND psp = ${psp.name}`
}

/** What the name of a prepared statement ends with: one text has one name. */
export function suffixOf(psp: ClaimedPsp): string {
  if (psp === null) return ''
  if (psp.isDefault) return '-of-default-psp'
  return psp.name === DEFAULT_PSP ? '-of-first-psp' : '-of-psp'
}

const MOST_ADOPTED = 1_000

/**
 * Gives queued operations that name no PSP to the default one: release 0.1.0 records them so. Of a
 * payment that was sent, it named none, and the only PSP then was `main`.
 */
export async function adoptUnnamed(
  db: Db,
  table: OperationTable,
  defaultPsp: string,
): Promise<void> {
  const { rows, id } = table
  const unsent = storedStep(table, { step: 'send', psp: defaultPsp })
  const statement = sql`
    UPDATE ${rows} SET
      psp = CASE WHEN attempt_number = 0 THEN ${defaultPsp} ELSE ${DEFAULT_PSP} END,
      step = CASE WHEN attempt_number = 0 THEN ${unsent} ELSE step END
    WHERE ${id} IN (
      SELECT ${id} FROM ${rows} WHERE psp IS NULL AND step IN ('send', 'query')
      LIMIT ${MOST_ADOPTED} FOR UPDATE SKIP LOCKED)`
  await db.query(statement)
}
