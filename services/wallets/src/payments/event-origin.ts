import type { LogRecord } from '@caudal/event-log/event-log.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { Origin } from '../ledger/origin.ts'
import { nextEvents } from './next-events.ts'
import type { LedgerEvent } from './read-payment-command.ts'

/**
 * The origin of a command that was made from a payment's event: the payment's next event is owed,
 * and the record is parked when it cannot be applied (rule 11). The slot is the record's partition:
 * the process that owns it has that settlement row to itself (rule 7).
 */
export function eventOrigin(event: LedgerEvent, record: LogRecord): Origin {
  return {
    traceparent: parseTraceparent(record.headers['traceparent']) ?? undefined,
    slot: record.partition,
    events: (outcome, circumstances) => nextEvents(event, outcome, circumstances),
    park: ({ kind, cause }) => ({
      record,
      kind: kind === 'waiting' ? 'waiting' : 'unprocessable',
      cause: `${event.event_type} of payment ${event.payment_id}: ${cause}`,
    }),
  }
}
