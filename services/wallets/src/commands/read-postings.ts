import { MAX_MINOR } from '@caudal/money/parse-amount.ts'
import { SLOTS, systemAccount } from '../ledger/domain/account.ts'
import type { RequestedPosting } from '../ledger/domain/command.ts'
import type { TransferBody } from './command-schemas.ts'
import { readAccountId } from './read-account-id.ts'
import { malformed, readSignedAmount } from './read-amount.ts'

/**
 * Reads the postings of a transfer. Several on one account become one, of their sum: a transfer
 * touches an account once. A sum of zero is left out.
 */
export function readPostings(
  postings: TransferBody['postings'],
  tenantId: string,
): RequestedPosting[] {
  const read = postings.map((posting, index) => readPosting(posting, `postings.${index}`))
  const folded = new Map<string, RequestedPosting>()
  const slots = slotsNamedIn(read, tenantId)
  for (const one of read) {
    const { accountId, system, currency } = one
    const name = slots.get(accountId ?? '') ?? `${accountId ?? system} ${currency}`
    const before = folded.get(name)
    const amountMinor = one.amountMinor + (before?.amountMinor ?? 0n)
    // A slot that is named by its id is meant, and not another one of the same account.
    const named = before?.system === null ? before : one
    folded.set(name, { ...named, amountMinor })
  }
  const changing = [...folded.values()].filter(({ amountMinor }) => amountMinor !== 0n)
  if (changing.length < 2) throw malformed('postings', 'must change at least two accounts')
  for (const { amountMinor } of changing) {
    if (amountMinor > MAX_MINOR || amountMinor < -MAX_MINOR) {
      throw malformed('postings', 'sum up to more than 2^63-1 minor units on one account')
    }
  }
  return changing
}

/** The account of the first posting; of a system account, whose slot is not chosen yet, slot 0. */
export function accountOfFirst(postings: readonly RequestedPosting[], tenantId: string): string {
  const { accountId, system: kind, currency } = postings[0]!
  if (kind === null) return accountId
  return systemAccount({ tenantId, kind, currency, slot: 0 }).accountId
}

/**
 * The slots of the system accounts that a request names by kind, by their ids: one that it names by
 * its id too must not be posted to twice.
 */
function slotsNamedIn(
  postings: readonly RequestedPosting[],
  tenantId: string,
): ReadonlyMap<string, string> {
  const slots = new Map<string, string>()
  if (postings.every(({ accountId }) => accountId === null)) return slots
  for (const { system: kind, currency } of postings) {
    if (kind === null) continue
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const { accountId } = systemAccount({ tenantId, kind, currency, slot })
      slots.set(accountId, `${kind} ${currency}`)
    }
  }
  return slots
}

function readPosting(posting: TransferBody['postings'][number], param: string): RequestedPosting {
  const { account_id: accountId, system_account: system } = posting
  const money = readSignedAmount(`${param}.amount`, posting.amount)
  if (accountId !== undefined && system === undefined) {
    return { ...money, accountId: readAccountId(accountId), system: null }
  }
  if (system === undefined || accountId !== undefined) {
    throw malformed(param, 'must have either account_id or system_account')
  }
  return { ...money, accountId: null, system }
}
