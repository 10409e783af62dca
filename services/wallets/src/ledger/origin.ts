import type { Parked } from '@caudal/event-log/park-error.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { Request } from './domain/command.ts'
import type { Final, Inapplicable, RequestOutcome, CommandAnswer } from './domain/outcome.ts'
import type { Circumstances } from './ledger-events.ts'

/**
 * Where a command comes from, and what is owed there. The slices make origins: commands over HTTP
 * of clients, payments of events, upkeep of the service's own timers. The ledger itself knows none
 * of them.
 */
export interface Origin {
  /** W3C trace of what caused the command. */
  readonly traceparent: string | undefined
  /** The slot of system accounts that suits this command; the batch's own if absent. */
  readonly slot?: number
  /** The answer to be stored and sent, as bytes; absent where no client waits for one. */
  answer?(command: Request, outcome: Final): CommandAnswer
  /** The events that follow, beside those of the ledger itself. */
  events?(outcome: RequestOutcome, circumstances: Circumstances): OutboxEvent[]
  /** The record to be parked when the command cannot be applied; absent where that is a bug. */
  park?(outcome: Inapplicable): Parked
}

/** A unit of work of the ledger. */
export interface Work<R extends Request = Request> {
  command: R
  origin: Origin
}
