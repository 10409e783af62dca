import type { Deadline } from '@caudal/outbound/deadline.ts'
import type { Dispatcher } from 'undici'
import type { PspRequest } from './adapter.ts'

/** One HTTP request and its result. */
export type Exchanged =
  | {
      kind: 'answered'
      httpStatus: number
      retryAfter: string | null
      body: Buffer
      latencyMs: number
    }
  /** Some bytes may have been written, and there is no complete answer. */
  | { kind: 'lost'; errorClass: string; httpStatus: number | null; latencyMs: number }
  /** Provably no byte was written. */
  | { kind: 'not_sent'; cause: 'unreachable' | 'deadline'; errorClass: string }

const MAX_ANSWER_BYTES = 64 * 1024

/**
 * Sends a request once. `onRequestStart` runs in the event loop turn that writes to the socket. It
 * checks the deadline and refuses a second start (undici may repeat a request). If it did not run,
 * nothing was written, regardless of the error (rule 9).
 */
export function exchange(
  dispatcher: Dispatcher,
  request: PspRequest,
  deadline: Deadline,
): Promise<Exchanged> {
  const { promise, resolve } = Promise.withResolvers<Exchanged>()
  const handler = new ExchangeHandler(deadline, resolve)
  try {
    dispatcher.dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, handler)
  } catch (error) {
    handler.onResponseError(undefined, error as Error)
  }
  return promise
}

const TOO_LARGE = 'answer_too_large'
const TIMEOUT = 'timeout'

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #deadline: Deadline
  readonly #resolve: (exchanged: Exchanged) => void
  readonly #timer: NodeJS.Timeout
  readonly #beganAt = performance.now()
  #controller: Dispatcher.DispatchController | undefined
  #startedAt: number | undefined
  #settled = false
  #httpStatus: number | null = null
  #retryAfter: string | null = null
  #chunks: Buffer[] = []
  #size = 0

  constructor(deadline: Deadline, resolve: (exchanged: Exchanged) => void) {
    this.#deadline = deadline
    this.#resolve = resolve
    this.#timer = setTimeout(() => this.#expire(), deadline.remainingMs())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#startedAt !== undefined || this.#settled || this.#deadline.remainingMs() <= 0) {
      controller.abort(new Error('not to be written'))
      return
    }
    this.#startedAt = performance.now()
    this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // 1xx is an interim answer; the final one follows.
    if (statusCode < 200) return
    this.#httpStatus = statusCode
    const retryAfter = headers['retry-after']
    this.#retryAfter = typeof retryAfter === 'string' ? retryAfter : null
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > MAX_ANSWER_BYTES) {
      this.#fail(TOO_LARGE)
      controller.abort(new Error(TOO_LARGE))
      return
    }
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#httpStatus === null) return
    this.#settle({
      kind: 'answered',
      httpStatus: this.#httpStatus,
      retryAfter: this.#retryAfter,
      body: Buffer.concat(this.#chunks),
      latencyMs: this.#latencyMs(),
    })
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#fail(errorClassOf(error))
  }

  #expire(): void {
    this.#fail(TIMEOUT)
    this.#controller?.abort(new Error(TIMEOUT))
  }

  #fail(errorClass: string): void {
    if (this.#startedAt !== undefined) {
      const { latencyMs, httpStatus } = {
        latencyMs: this.#latencyMs(),
        httpStatus: this.#httpStatus,
      }
      this.#settle({ kind: 'lost', errorClass, httpStatus, latencyMs })
      return
    }
    // A timer may fire a fraction of a millisecond early.
    const late = errorClass === TIMEOUT || this.#deadline.remainingMs() <= 0
    this.#settle({
      kind: 'not_sent',
      cause: late ? 'deadline' : 'unreachable',
      errorClass: late ? 'deadline_passed' : errorClass,
    })
  }

  #settle(exchanged: Exchanged): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    this.#resolve(exchanged)
  }

  #latencyMs(): number {
    return Math.round(performance.now() - (this.#startedAt ?? this.#beganAt))
  }
}

/** A short word for the cause: the code of the error, never its text. */
function errorClassOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{2,64}$/.test(code) ? code.toLowerCase() : 'fault'
}
