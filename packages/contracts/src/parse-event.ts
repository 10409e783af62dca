import { Compile } from 'typebox/compile'
import * as events from './events.ts'
import type { CaudalEvent } from './events.ts'

const SUPPORTED_MAJOR = '1'

/** One compiled validator per event type; the union is read off the record's own event_type. */
const VALIDATORS = new Map(
  Object.entries({
    'payment.requested': Compile(events.PaymentRequested),
    'funds.reserved': Compile(events.FundsReserved),
    'funds.insufficient': Compile(events.FundsInsufficient),
    'payment.completed': Compile(events.PaymentCompleted),
    'payment.failed.gateway_error': Compile(events.PaymentFailed),
    'payment.failed.gateway_unreachable': Compile(events.PaymentFailed),
    'payment.failed.circuit_open': Compile(events.PaymentFailed),
    'payment.in_doubt': Compile(events.PaymentInDoubt),
    'funds.released': Compile(events.FundsReleased),
    'payment.finalized': Compile(events.PaymentFinalized),
    'user.created': Compile(events.UserCreated),
    'wallet.credit.committed': Compile(events.WalletTransferCommitted),
    'wallet.debit.committed': Compile(events.WalletTransferCommitted),
    'wallet.hold.committed': Compile(events.WalletTransferCommitted),
    'wallet.commit.committed': Compile(events.WalletTransferCommitted),
    'wallet.rollback.committed': Compile(events.WalletTransferCommitted),
    'wallet.transfer.committed': Compile(events.WalletTransferCommitted),
    'wallet.account.opened.committed': Compile(events.WalletAccountOpened),
    'wallet.account.changed.committed': Compile(events.WalletAccountChanged),
  } satisfies Record<CaudalEvent['event_type'], unknown>),
)

/** Why a record cannot be read as an event, for people. Such a record is parked (rule 11). */
export type UnreadableEvent = { unreadable: string }

/**
 * Reads the JSON value of a log record as one of our events. Members it does not know are accepted
 * (F12: readers accept N and N-1); a missing or malformed one makes it unreadable.
 */
export function parseEvent(value: string): CaudalEvent | UnreadableEvent {
  let event: CaudalEvent
  try {
    event = JSON.parse(value) as CaudalEvent
  } catch {
    return { unreadable: 'the value is not JSON' }
  }
  if (typeof event !== 'object' || event === null) return { unreadable: 'not a JSON object' }
  const type: string = event.event_type
  const validator = VALIDATORS.get(type)
  if (!validator) return { unreadable: `unknown event_type ${type}` }
  if (!validator.Check(event)) {
    const [first] = validator.Errors(event)
    const where = first ? `${first.instancePath} ${first.message}` : 'does not match its schema'
    return { unreadable: `${type}: ${where}` }
  }
  if (!event.schema_version.startsWith(`${SUPPORTED_MAJOR}.`)) {
    return { unreadable: `${type}: schema_version ${event.schema_version}` }
  }
  return event
}
