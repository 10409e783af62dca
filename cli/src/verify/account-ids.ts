import { accountIdOf, walletIdOf } from '@caudal/contracts/ids.ts'
import { type SystemAccountKind, systemAccount } from '@caudal/wallets/ledger/domain/account.ts'
import type { CheckInput } from './check.ts'
import { collectFindings, type Finding } from './findings.ts'
import { timeOf } from './since.ts'
import { FIRST_ID } from './sorted-reader.ts'

type AccountRow = { account_id: string; tenant_id: string; currency: string } & (
  | { kind: 'wallet'; wallet_id: string; user_id: string }
  | { kind: SystemAccountKind; slot: number; psp: string | null }
)

const PAGE = 10_000

/**
 * Finds accounts whose id does not match their tenant, user, wallet or currency, from which ids are
 * derived (rule 3). Reads page by page, since there may be millions.
 */
export async function findWrongIds({ wallets, since, recentFrom }: CheckInput): Promise<Finding> {
  const collector = collectFindings(recentFrom)
  let last = FIRST_ID
  for (;;) {
    const { rows } = await wallets.query<AccountRow>(
      `SELECT account_id, tenant_id, currency, kind, wallet_id, user_id, stripe AS slot,
         psp
       FROM accounts WHERE account_id > $1 AND opened_at >= ${timeOf(since)}
       ORDER BY account_id LIMIT $2`,
      [last, PAGE],
    )
    if (rows.length === 0) return collector.finding(0)
    for (const message of rows.flatMap(differencesOf)) collector.add(message)
    last = rows.at(-1)!.account_id
  }
}

function differencesOf(row: AccountRow): string[] {
  const { account_id: id, tenant_id: tenantId, currency, kind } = row
  const name = `account ${id} (${currency}) of tenant ${tenantId}`
  if (kind !== 'wallet') {
    const { slot, psp } = row
    const { accountId } = systemAccount({ tenantId, kind, currency, slot, psp })
    const slotName = psp === null ? `${kind}/${slot}` : `${kind}/${psp}/${slot}`
    return accountId === id ? [] : [`${name}: ${slotName} has the id ${accountId}`]
  }
  const { user_id: userId, wallet_id: walletId } = row
  const violations: string[] = []
  const accountId = accountIdOf(tenantId, userId, currency)
  if (accountId !== id) violations.push(`${name}: that of user ${userId} has the id ${accountId}`)
  const wallet = walletIdOf(tenantId, userId)
  if (wallet !== walletId) {
    violations.push(`${name}: its wallet is ${walletId}, the wallet of user ${userId} is ${wallet}`)
  }
  return violations
}
