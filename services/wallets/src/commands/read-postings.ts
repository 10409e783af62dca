import { MAX_MINOR } from '@caudal/money/parse-amount.ts'
import { systemAccount } from '../ledger/domain/account.ts'
import type { RequestedPosting } from '../ledger/domain/command.ts'
import type { TransferBody } from './command-schemas.ts'
import { readAccountId } from './read-account-id.ts'
import { malformed, readSignedAmount } from './read-amount.ts'

/**
 * Reads the postings of a transfer. Several on one account are one, of their sum: an account is
 * touched once by a transfer. What sums to nothing is left out.
 */
export function readPostings(
  postings: TransferBody['postings'],
  to: { tenantId: string; stripe: number },
): RequestedPosting[] {
  const folded = new Map<string, RequestedPosting>()
  for (const [index, posting] of postings.entries()) {
    const one = readPosting(posting, `postings.${index}`, to)
    const name = `${one.accountId} ${one.currency}`
    const before = folded.get(name)
    const amountMinor = one.amountMinor + (before?.amountMinor ?? 0n)
    folded.set(name, { ...one, amountMinor, system: before?.system ?? one.system })
  }
  const read = [...folded.values()].filter(({ amountMinor }) => amountMinor !== 0n)
  if (read.length < 2) throw malformed('postings', 'must change at least two accounts')
  for (const { amountMinor } of read) {
    if (amountMinor > MAX_MINOR || amountMinor < -MAX_MINOR) {
      throw malformed('postings', 'sum up to more than 2^63-1 minor units on one account')
    }
  }
  return read
}

function readPosting(
  posting: TransferBody['postings'][number],
  param: string,
  to: { tenantId: string; stripe: number },
): RequestedPosting {
  const { account_id: accountId, system_account: kind } = posting
  const money = readSignedAmount(`${param}.amount`, posting.amount)
  if (accountId !== undefined && kind === undefined) {
    return { ...money, accountId: readAccountId(accountId), system: null }
  }
  if (kind === undefined || accountId !== undefined) {
    throw malformed(param, 'must have either account_id or system_account')
  }
  const system = systemAccount({ ...to, kind, currency: money.currency })
  return { ...money, accountId: system.accountId, system }
}
