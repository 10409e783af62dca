import type { fetchV17 } from '@platformatic/kafka'
import { EventLogError } from '../event-log-error.ts'

type Described = {
  response?: unknown
  code?: unknown
  apiId?: unknown
  canRetry?: unknown
  errors?: unknown
  cause?: unknown
}

/** Every error that the client has wrapped into this one, itself first. */
function* unwrapped(error: unknown): Generator<Described> {
  if (typeof error !== 'object' || error === null) return
  yield error
  const { errors, cause } = error as Described
  if (Array.isArray(errors)) for (const inner of errors) yield* unwrapped(inner)
  yield* unwrapped(cause)
}

/** Whether Kafka answered with this error, such as `OFFSET_OUT_OF_RANGE`. */
export function isAnswer(error: unknown, apiId: string): boolean {
  return unwrapped(error).some((it) => it.apiId === apiId)
}

const UNREACHABLE = new Set(['PLT_KFK_NETWORK', 'PLT_KFK_TIMEOUT'])

/** Whether no answer came at all. */
export function isUnreachable(error: unknown): boolean {
  return unwrapped(error).some((it) => UNREACHABLE.has(it.code as string))
}

const OFFSET_OUT_OF_RANGE = 1

/** The partitions of a fetch whose position Kafka does not have. */
export function outOfRange(error: unknown): { topicId: string; partition: number }[] {
  if (!isAnswer(error, 'OFFSET_OUT_OF_RANGE')) return []
  const lost = new Map<string, { topicId: string; partition: number }>()
  for (const { response } of unwrapped(error)) {
    for (const { topicId, partitions } of (response as fetchV17.FetchResponse | undefined)
      ?.responses ?? []) {
      for (const { partitionIndex: partition, errorCode } of partitions) {
        if (errorCode !== OFFSET_OUT_OF_RANGE) continue
        lost.set(`${topicId} ${partition}`, { topicId, partition })
      }
    }
  }
  return [...lost.values()]
}

/** Answers that a repeat would get again: what is asked is wrong, not the moment. */
const LASTING = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
])

const LASTING_CODES = new Set(['PLT_KFK_USER', 'PLT_KFK_AUTHENTICATION'])

/** Whether a repeat is of no use: no such topic, a record too large, a wrong password. */
export function isLasting(error: unknown): boolean {
  return unwrapped(error).some(
    (it) => LASTING.has(it.apiId as string) || LASTING_CODES.has(it.code as string),
  )
}

const REASONS_AT_MOST = 3

/** The root cause in one line: the client's own messages only contain "failed 4 times". */
export function reasonOf(error: unknown): string {
  const bottom = [...unwrapped(error)].filter(
    ({ errors, cause }) => cause === undefined && !(Array.isArray(errors) && errors.length > 0),
  )
  const messages = new Set(bottom.map((it) => (it as Error).message))
  return [...messages].slice(-REASONS_AT_MOST).join('; ')
}

/** The fault of a failed append or read, as its caller gets it. */
export function asEventLogError(error: unknown, doing: string): EventLogError {
  if (error instanceof EventLogError) return error
  const code = isLasting(error) ? 'EVENT_LOG_REFUSED' : 'EVENT_LOG_UNAVAILABLE'
  return new EventLogError(code, `Kafka: ${doing}: ${reasonOf(error)}`, error)
}
