import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { LogRecord } from './event-log.ts'

/** An event with the record that brought it. */
export type IncomingEvent<E extends CaudalEvent = CaudalEvent> = {
  event: E
  record: LogRecord
}
