import { textArray } from '@caudal/postgres/array-parameter.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { NamedAccount } from '../domain/accounts-of-tenant.ts'

/** Restricts a statement about callbacks to these accounts; null: to none. */
export function ofAccounts(accounts: readonly NamedAccount[] | null): Sql {
  const of = accounts ?? []
  return sql` AND (${accounts === null} OR (psp, psp_account) IN (SELECT * FROM unnest(
    ${textArray(of, (it) => it.psp)}::text[], ${textArray(of, (it) => it.account)}::text[])))`
}
