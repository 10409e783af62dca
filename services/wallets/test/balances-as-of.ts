import assert from 'node:assert/strict'
import type { Db } from '@caudal/postgres/types.ts'
import type { AccountDetails, AsOf, Balances } from '../src/history/history.ts'
import { readBalances } from '../src/history/read-history.ts'

/** What an account had at a moment that is in the books. */
export async function balancesAsOf(db: Db, account: AccountDetails, asOf: AsOf): Promise<Balances> {
  const found = await readBalances(db, account, asOf)
  assert(found.type === 'balances')
  const { availableMinor, heldMinor } = found
  return { availableMinor, heldMinor }
}
