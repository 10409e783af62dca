/** The SQLSTATE or system code of an error; '' when it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** The connection was open and broke: what was sent may have arrived. */
const BROKEN = ['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'UND_ERR_SOCKET']

/** The connection was not opened: nothing was sent. */
const UNREACHABLE = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]

/** The other side is silent, or this side closed its pool meanwhile. */
const UNANSWERED = [
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]

/** PostgreSQL ends the session or takes no new one. Class 08 is here too. */
const SESSION_ENDED = [
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '53300', // too_many_connections
  '25P03', // idle_in_transaction_session_timeout
  '25006', // read_only_sql_transaction: a replica after a failover
]

const broken = new Set(BROKEN)
const all = new Set([...BROKEN, ...UNREACHABLE, ...UNANSWERED, ...SESSION_ENDED])
/** The PostgreSQL client has no codes of its own. */
const CLIENT_MESSAGE = /connection (terminated|error|ended)|timeout exceeded|not queryable/i

/**
 * Whether an error means that a connection to a database or a peer is refused, lost or silent. This
 * is the only list of such faults. A missing file (ENOENT) is one only where a connection to its
 * socket was attempted.
 */
export function isConnectionFault(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isConnectionFault)
  const code = codeOf(error)
  if (all.has(code) || code.startsWith('08')) return true
  if (code === 'ENOENT') return (error as { syscall?: unknown }).syscall === 'connect'
  return error instanceof Error && code === '' && CLIENT_MESSAGE.test(error.message)
}

/** Whether an open connection broke under a request, so that it may or may not have arrived. */
export function isBrokenConnection(error: unknown): boolean {
  return broken.has(codeOf(error))
}

const CONFLICT_STATES = new Set(['40P01', '40001', '55P03'])

/** Deadlock, serialization failure, lock timeout: the transaction may succeed when repeated. */
export function isRetryableConflict(error: unknown): boolean {
  return CONFLICT_STATES.has(codeOf(error))
}
