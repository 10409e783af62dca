import type { UserCreated } from '@caudal/contracts/events/users.ts'
import type { ProcessWork } from '@caudal/event-log/apply-batch.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import type { Handlers } from '@caudal/event-log/router.ts'
import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import { parseUser } from '../accounts/read-user-created.ts'
import type { WalletAccount } from '../ledger/domain/reading.ts'
import { openedEvent } from '../ledger/ledger-events.ts'
import { processBatch, type Work } from '../ledger/process-batch.ts'
import { openWalletAccounts } from '../ledger/store/open-wallet-accounts.ts'
import type { Observer } from '../observe.ts'
import { type LedgerEvent, parseCommand } from './read-event.ts'

/** What wallets consumes. */
export type ConsumedEvent = IncomingEvent<UserCreated | LedgerEvent>

const asItIs = (incoming: ConsumedEvent) => incoming

/** New users get accounts; payments get holds, commits and rollbacks (P4). */
export const handlers: Handlers<ConsumedEvent> = {
  'user.created': asItIs,
  'payment.requested': asItIs,
  'payment.completed': asItIs,
  'payment.failed.gateway_error': asItIs,
  'payment.failed.gateway_unreachable': asItIs,
  'payment.failed.circuit_open': asItIs,
}

export interface ApplyEventsDeps {
  region: string
  observer: Observer
}

/**
 * What the consumer does with a batch of events: new users get their accounts, payments their
 * holds, commits and rollbacks (P4), all in the transaction that moves the offsets (F4).
 */
export function applyEvents({ region, observer }: ApplyEventsDeps): ProcessWork<ConsumedEvent> {
  return async (tx, incoming) => {
    const { accounts, work } = readEvents(incoming)
    // Within a batch users come first: a payment of theirs may be right behind them.
    const opened = await openWalletAccounts(tx, accounts)
    const traceparent = undefined
    await addToOutbox(
      tx,
      opened.map((it) => openedEvent(it, { region, traceparent })),
    )
    if (work.length === 0) return { outcomes: [] }
    try {
      const { outcomes } = await processBatch(tx, work, { region })
      return { outcomes, afterCommit: () => observer.eventsApplied(work, outcomes) }
    } catch (error) {
      if (error instanceof ParkError) observer.eventsParked(error.parked)
      throw error
    }
  }
}

function readEvents(incoming: readonly ConsumedEvent[]): {
  accounts: WalletAccount[]
  work: Work[]
} {
  const accounts: WalletAccount[] = []
  const work: Work[] = []
  const parked: Parked[] = []
  const refuse = (record: Parked['record'], cause: string): void => {
    parked.push({ record, kind: 'unprocessable', cause })
  }
  for (const { event, record } of incoming) {
    if (event.event_type === 'user.created') {
      const user = parseUser(event)
      if ('cause' in user) refuse(record, user.cause)
      else accounts.push(...user.accounts)
    } else {
      // The stripe is the partition: whoever owns it has its settlement row to himself (rule 7).
      const parsed = parseCommand(event, record.partition)
      const traceparent = parseTraceparent(record.headers['traceparent']) ?? undefined
      if ('cause' in parsed) refuse(record, parsed.cause)
      else work.push({ command: parsed.command, event, record, traceparent })
    }
  }
  if (parked.length > 0) throw new ParkError(parked)
  return { accounts, work }
}
