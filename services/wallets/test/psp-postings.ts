import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { PspPostingCommand } from '../src/ledger/domain/command.ts'
import { postingWork } from '../src/payments/posting-handlers.ts'
import type { TestWallet } from './test-wallet.ts'
import type { TestWork } from './work.ts'

type Members = Partial<Omit<PostingRequested, 'event_type' | 'amount' | 'currency'>>

const SOURCES = { refund: 'refund', return: 'return', recapture: 'payment' } as const

/** Money that came back to a PSP for the wallet, or left it again. */
export function newPosting(
  kind: PostingRequested['kind'],
  { tenantId, accountId, userId, currency }: TestWallet,
  amountMinor: bigint,
  members: Members = {},
): PostingRequested {
  return {
    event_id: newId(),
    event_type: 'posting.requested',
    timestamp: '2025-08-24T19:35:00.000Z',
    schema_version: schemaVersionOf('posting.requested'),
    actor: { type: 'client', id: 'shop' },
    region: 'test',
    tenant_id: tenantId,
    account_id: accountId,
    posting_id: newId(),
    kind,
    source: { type: SOURCES[kind], id: newId() },
    payment_id: newId(),
    user_id: userId,
    psp: 'main',
    amount: formatAmount(amountMinor, currency),
    currency,
    end: 'wallet',
    otherwise: kind === 'recapture' ? 'receivable' : 'suspense',
    ...members,
  }
}

/** A posting as a batch takes it. */
export function pspPostingWork(
  event: PostingRequested,
  partition = 0,
): TestWork<PspPostingCommand> {
  const record = {
    topic: 'postings.requested',
    partition,
    offset: 0n,
    key: event.account_id,
    value: JSON.stringify(event),
    headers: {},
  }
  const work = postingWork({ event, record })
  if (!('command' in work)) throw new Error(work.cause)
  return { ...work, command: work.command as PspPostingCommand, record }
}

/** The PSPs beside the default one that `somePostings` name, and one that none of them does. */
export const OTHER_PSPS = ['other', 'third']

/**
 * Postings of every kind, with two PSPs, of each of the wallets in turn, wanted at either end. The
 * ids follow from their names.
 */
export function somePostings(
  wallets: readonly TestWallet[],
  count: number,
  idOf: (of: string, index: number) => string,
): PostingRequested[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = (['refund', 'recapture', 'return'] as const)[index % 3]!
    return newPosting(kind, wallets[index % wallets.length]!, BigInt(10 + index * 3), {
      posting_id: idOf('x', index),
      payment_id: idOf('p', index),
      source: { type: 'refund', id: idOf('s', index) },
      psp: index % 2 === 0 ? 'main' : OTHER_PSPS[0]!,
      ...(index % 7 === 6 && { end: 'suspense' }),
    })
  })
}
