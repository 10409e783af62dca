import { isUuid } from '@caudal/contracts/ids.ts'

/** No account has it. */
const NIL = '00000000-0000-0000-0000-000000000000'

/** Text that is no UUID names no account: the ledger refuses it like an unknown one. */
export function readAccountId(text: string): string {
  return isUuid(text) ? text.toLowerCase() : NIL
}
