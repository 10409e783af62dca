import type { LogRecord } from '@caudal/event-log/event-log.ts'
import { clientOrigin } from '../src/commands/client-origin.ts'
import type { AtomicBatch, Command } from '../src/ledger/domain/command.ts'
import type { Work } from '../src/ledger/origin.ts'
import { eventOrigin } from '../src/payments/event-origin.ts'
import { type LedgerEvent, readPaymentCommand } from '../src/payments/read-payment-command.ts'

/** A unit of work with the record that it was made of, if it was made of one. */
export interface TestWork<R extends AtomicBatch | Command = AtomicBatch | Command> extends Work<R> {
  record: LogRecord | null
}

export type CommandWork = TestWork<Command>

/** A client's command, or the end of a hold's time, as a batch takes it. */
export function clientWork<C extends Command>(command: C, slot = 0): TestWork<C> {
  const origin =
    command.key.clientId === null ? { traceparent: undefined } : clientOrigin(undefined)
  return { command, origin: { ...origin, slot }, record: null }
}

/** A client's atomic batch as a batch takes it. */
export function atomicWork(command: AtomicBatch, slot = 0): TestWork<AtomicBatch> {
  return { command, origin: { ...clientOrigin(undefined), slot }, record: null }
}

/** A payment's event as a batch takes it. */
export function eventWork(event: LedgerEvent, partition = 0): CommandWork {
  const read = readPaymentCommand(event)
  if ('cause' in read) throw new Error(read.cause)
  const record = {
    topic: event.event_type === 'payment.requested' ? 'payments.requested' : 'payments.results',
    partition,
    offset: 0n,
    key: event.account_id,
    value: JSON.stringify(event),
    headers: {},
  }
  return { command: read.command, origin: eventOrigin(event, record), record }
}
