import assert from 'node:assert/strict'
import type { Actor } from '@caudal/contracts/actor.ts'
import { type EventType, schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import { transferEventType } from '@caudal/contracts/events/ledger.ts'
import type {
  WalletAccountChanged,
  WalletAccountOpened,
  WalletTransferCommitted,
} from '@caudal/contracts/events/ledger.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { childTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { AccountChange } from './domain/account-change.ts'
import type { Hold } from './domain/hold.ts'
import type { OpenedAccount } from './domain/opening.ts'
import type { Posted, RequestOutcome } from './domain/outcome.ts'
import type { PspPosting } from './domain/psp-posting.ts'

/** What an event carries beside the outcome: where, when, who caused it, and its trace. */
export interface Circumstances {
  region: string
  /** RFC 3339, the booking time of the batch. */
  timestamp: string
  actor: Actor
  traceparent: string | undefined
}

/** The ledger's own events of an outcome: each transfer, change and opening is one (F3). */
export function outcomeEvents(
  outcome: RequestOutcome,
  circumstances: Circumstances,
): OutboxEvent[] {
  switch (outcome.type) {
    case 'posted':
      return [postedEvent(outcome, circumstances)]
    case 'changed':
      return [changedEvent(outcome.change, circumstances)]
    case 'applied':
      return outcome.outcomes.flatMap((one) => outcomeEvents(one, circumstances))
    case 'opened':
      return outcome.accounts.map((account) => openedEvent(account, circumstances))
    case 'refused':
    case 'not_applied':
    case 'repeated':
    case 'unchanged':
    case 'inapplicable':
      return []
    default:
      return outcome satisfies never
  }
}

/**
 * The transfer with the balances of its account after it, and with all entries and the hold, so
 * that the ledger can be rebuilt (F3). Amounts of entries are texts, which keep every digit in any
 * reader; `amount_minor` is an integer.
 */
function postedEvent({ transfer, hold }: Posted, circumstances: Circumstances): OutboxEvent {
  const { availableMinor, heldMinor, version } = transfer.accountAfter
  const type = transferEventType(transfer.kind)
  const event: WalletTransferCommitted = {
    event_id: newId(),
    event_type: type,
    occurred_at: circumstances.timestamp,
    schema_version: schemaVersionOf(type),
    actor: circumstances.actor,
    region: circumstances.region,
    tenant_id: transfer.tenantId,
    account_id: transfer.accountId,
    transfer_id: transfer.transferId,
    amount_minor: transfer.amountMinor,
    currency: transfer.currency,
    reference_id: transfer.referenceId,
    idempotency_key: transfer.idempotencyKey,
    reason: transfer.reason,
    value_date: transfer.valueDate,
    account_version: version,
    available_minor: availableMinor,
    held_minor: heldMinor,
    entries: transfer.entries.map((entry) => ({
      account_id: entry.accountId,
      balance: entry.balance,
      amount_minor: `${entry.amountMinor}`,
      balance_after_minor: `${entry.balanceAfterMinor}`,
      account_version: entry.accountVersion,
    })),
  }
  if (hold !== null) event.hold = heldAfter(hold)
  if (transfer.clientId !== null) event.client_id = transfer.clientId
  if (transfer.paymentId !== null) event.payment_id = transfer.paymentId
  if (transfer.correctsId !== null) event.corrects = transfer.correctsId
  if (transfer.correction !== null) event.correction = transfer.correction
  if (transfer.policyVersion !== null) event.policy_version = transfer.policyVersion
  if (transfer.pspPosting !== null) event.posting = postedFor(transfer.pspPosting)
  return { event, traceparent: traceOf(circumstances) }
}

/** An account exists. Its time is the one of its opening. */
export function openedEvent(
  account: OpenedAccount,
  { region, actor, traceparent }: Omit<Circumstances, 'timestamp'>,
): OutboxEvent {
  const { owner, slot, psp } = account
  const timestamp = account.openedAt.toISOString()
  const event: WalletAccountOpened = {
    ...ofAccount(account, { region, timestamp }),
    ...ofType('wallet.account.opened.committed'),
    actor,
    kind: account.kind,
    status: 'open',
    overdraft_limit_minor: owner === null ? null : '0',
    revision: 0,
    ...(slot !== null && { stripe: slot }),
    ...(psp !== null && { psp }),
    ...(owner !== null && { wallet_id: owner.walletId, user_id: owner.userId }),
  }
  return { event, traceparent }
}

/** An account was frozen, unfrozen, closed, or got another overdraft limit. */
function changedEvent(change: AccountChange, circumstances: Circumstances): OutboxEvent {
  const event: WalletAccountChanged = {
    ...ofAccount(change, circumstances),
    ...ofType('wallet.account.changed.committed'),
    actor: change.actor,
    change: change.kind,
    change_id: change.changeId,
    status: change.status,
    overdraft_limit_minor: `${change.overdraftLimitMinor}`,
    revision: change.revision,
    client_id: change.key.clientId,
    reference_id: change.referenceId,
    idempotency_key: change.key.value,
    reason: change.reason,
  }
  return { event, traceparent: traceOf(circumstances) }
}

/** The trace of an event: a child of the one that caused it. */
export function traceOf({ traceparent }: Pick<Circumstances, 'traceparent'>): string | undefined {
  return traceparent === undefined ? undefined : childTraceparent(traceparent)
}

function heldAfter(hold: Hold): NonNullable<WalletTransferCommitted['hold']> {
  const { status, expiresAtMs } = hold
  assert(status !== 'refused', 'a hold that a transfer made or took from was not refused')
  return {
    hold_id: hold.holdId,
    status,
    amount_minor: `${hold.amountMinor}`,
    remaining_minor: `${hold.remainingMinor}`,
    ...(expiresAtMs !== null && { expires_at: new Date(expiresAtMs).toISOString() }),
  }
}

function postedFor(posting: PspPosting): NonNullable<WalletTransferCommitted['posting']> {
  const { postingId, source, psp, end, chargesMinor } = posting
  return {
    posting_id: postingId,
    source: { type: source.type, id: source.id },
    psp,
    end,
    ...(chargesMinor > 0n && { charges_minor: `${chargesMinor}` }),
  }
}

function ofType<T extends EventType>(type: T) {
  return { event_type: type, schema_version: schemaVersionOf(type) }
}

function ofAccount(
  account: { tenantId: string; accountId: string; currency: string },
  { region, timestamp }: Pick<Circumstances, 'region' | 'timestamp'>,
) {
  return {
    event_id: newId(),
    occurred_at: timestamp,
    region,
    tenant_id: account.tenantId,
    account_id: account.accountId,
    currency: account.currency,
  }
}
