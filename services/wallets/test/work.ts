import type { AtomicBatch, Command } from '../src/ledger/domain/command.ts'
import type { CommandWork, Work } from '../src/ledger/process-batch.ts'
import { type LedgerEvent, parseCommand } from '../src/payments/read-event.ts'

/** A client's command, or the end of a hold's time, as a batch takes it. */
export function clientWork(command: Command): CommandWork {
  return { command, traceparent: undefined, event: null, record: null }
}

/** A client's atomic batch as a batch takes it. */
export function atomicWork(command: AtomicBatch): Work {
  return { command, traceparent: undefined, event: null, record: null }
}

/** A payment's event as a batch takes it. */
export function eventWork(event: LedgerEvent, partition = 0): CommandWork {
  const parsed = parseCommand(event, partition)
  if ('cause' in parsed) throw new Error(parsed.cause)
  const record = {
    topic: event.event_type === 'payment.requested' ? 'payments.requested' : 'payments.results',
    partition,
    offset: 0n,
    key: event.account_id,
    value: JSON.stringify(event),
    headers: {},
  }
  return { command: parsed.command, traceparent: undefined, event, record }
}
