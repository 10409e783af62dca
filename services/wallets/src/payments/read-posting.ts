import { hash } from 'node:crypto'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { PspPostingCommand } from '../ledger/domain/command.ts'
import { LEDGER_RIGHTS } from '../ledger/domain/rights.ts'
import { transferIdFrom } from '../ledger/domain/transfer.ts'
import { readEventAmount } from './read-event-amount.ts'

/** Reads a posting as a command, or says why it cannot be one: a text for people. */
export function readPosting(
  event: PostingRequested,
): { command: PspPostingCommand } | { cause: string } {
  const { kind, currency, posting_id: postingId } = event
  const amountMinor = readEventAmount(event.amount, currency)
  if (typeof amountMinor === 'string') return { cause: `${event.event_type}: ${amountMinor}` }
  const { charges } = event
  const chargesMinor = charges === undefined ? 0n : readEventAmount(charges, currency)
  if (typeof chargesMinor === 'string') return { cause: `${event.event_type}: ${chargesMinor}` }
  if (chargesMinor >= amountMinor || (chargesMinor > 0n && kind !== 'return')) {
    return { cause: `${event.event_type}: charges of ${charges} on a ${kind} of ${event.amount}` }
  }
  const command: PspPostingCommand = {
    kind,
    tenantId: event.tenant_id,
    actor: event.actor,
    source: { type: event.source.type, id: event.source.id },
    rights: LEDGER_RIGHTS,
    policy: null,
    accountId: event.account_id,
    postingId,
    paymentId: event.payment_id ?? null,
    amountMinor,
    chargesMinor,
    currency,
    psp: event.psp,
    end: event.end,
    otherwise: event.otherwise,
    key: {
      clientId: null,
      value: `${kind}:${postingId}`,
      fingerprint: fingerprintOf(event, amountMinor),
    },
    referenceId: event.source.id,
    reason: event.event_type,
    transferId: transferIdFrom(newId()),
    valueDate: null,
  }
  return { command }
}

/** Of everything that decides what is booked. */
function fingerprintOf(event: PostingRequested, amountMinor: bigint): string {
  const { kind, source, psp, currency, end, otherwise } = event
  const { tenant_id, posting_id, payment_id = null, account_id, charges } = event
  const where = [psp, account_id, end, otherwise]
  const from = [source.type, source.id, payment_id]
  const money = [`${amountMinor}`, currency, ...(charges === undefined ? [] : [charges])]
  const request = [kind, tenant_id, posting_id, ...from, ...where, ...money]
  return hash('sha256', JSON.stringify(request), 'hex')
}
