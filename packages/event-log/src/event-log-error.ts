/** Faults of the event log that have a name; each has a metric and degrades readiness. */
export type EventLogErrorCode =
  /** Not acknowledged within the deadline; some of it may be in the log. Append it again. */
  | 'EVENT_LOG_UNAVAILABLE'
  /** The log refuses the records themselves, as too large or for a topic that is not there. */
  | 'EVENT_LOG_REFUSED'
  /** A position names records that the log no longer has or never had: records are lost. */
  | 'OFFSET_OUT_OF_RANGE'
  /** Durable positions point into another log than the one that was opened. */
  | 'OTHER_LOG'
  /** A topic differs from what the configuration asks for. */
  | 'TOPIC_MISCONFIGURED'

/** A fault of the event log. */
export class EventLogError extends Error {
  override readonly name = 'EventLogError'
  readonly code: EventLogErrorCode
  readonly retryable: boolean

  constructor(code: EventLogErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.retryable = code === 'EVENT_LOG_UNAVAILABLE'
  }
}
