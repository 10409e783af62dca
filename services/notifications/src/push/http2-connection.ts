import { type ClientHttp2Session, connect, constants } from 'node:http2'
import type { Duplex } from 'node:stream'

export type Http2Request = { path: string; headers: Record<string, string>; body: string }

export type Http2Answer = { status: number; headers: Record<string, unknown>; body: string }

export type Http2ConnectionOptions = {
  /** Timeout for the connection to be established. */
  timeoutMs: number
  /** The connection accepts no more requests; may be called twice. */
  onClose: () => void
}

type Waiting = { go: (mayGo: boolean) => void; fail: (error: Error) => void }

const MOST_ANSWER_CHARACTERS = 64 * 1024
/** The limit of streams for a peer that names none. */
const STREAMS_AT_MOST = 1_000
const PING_TIMEOUT_MS = 2_000

/**
 * One HTTP/2 connection that many requests share. Requests wait in order until the peer has sent
 * its settings, and never exceed the number of streams that it allows.
 */
export class Http2Connection {
  readonly #options: Http2ConnectionOptions
  readonly #session: ClientHttp2Session
  readonly #waiting = new Set<Waiting>()
  #socket: Duplex | undefined
  #streams = 0
  #ready = false
  #leaving = false
  #probing = false

  constructor(url: string, options: Http2ConnectionOptions) {
    this.#options = options
    const session = connect(url)
    this.#session = session
    const timer = setTimeout(() => {
      session.destroy(new Error('no connection in time'))
    }, options.timeoutMs)
    session.on('connect', (_, socket) => (this.#socket = socket))
    session.on('remoteSettings', () => {
      clearTimeout(timer)
      this.#ready = true
      this.#admit()
    })
    session.on('goaway', () => this.#leave())
    let fault = new Error('the connection was closed')
    session.on('error', (error: Error) => (fault = error))
    session.once('close', () => {
      clearTimeout(timer)
      this.#leaving = true
      options.onClose()
      for (const { fail } of this.#waiting) fail(fault)
    })
  }

  /** Whether the connection accepts new requests. */
  get usable(): boolean {
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed
  }

  /** Posts a request. Returns undefined if the peer sent GOAWAY before anything was sent. */
  async post(request: Http2Request, signal: AbortSignal): Promise<Http2Answer | undefined> {
    if (!(await this.#turn(signal))) return undefined
    try {
      return await this.#exchange(request, signal)
    } finally {
      this.#streams -= 1
      this.#admit()
      if (this.#leaving && this.#streams === 0) this.close()
    }
  }

  /** Aborts all requests in flight. */
  close(): void {
    this.#leaving = true
    this.#options.onClose()
    this.#session.destroy()
    // The session waits for the peer to close its side, which may never happen.
    this.#socket?.destroy()
  }

  /** Waits for a stream; false when the connection is going away. */
  async #turn(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const waiting: Waiting = { go: resolve, fail: reject }
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(waiting)
    this.#admit()
    try {
      return await promise
    } finally {
      this.#waiting.delete(waiting)
      signal.removeEventListener('abort', onAbort)
    }
  }

  #admit(): void {
    if (!this.#ready) return
    const { maxConcurrentStreams = STREAMS_AT_MOST } = this.#session.remoteSettings
    for (const waiting of this.#waiting) {
      if (this.usable && this.#streams >= Math.min(maxConcurrentStreams, STREAMS_AT_MOST)) return
      this.#waiting.delete(waiting)
      if (this.usable) this.#streams += 1
      waiting.go(this.usable)
    }
  }

  #leave(): void {
    this.#leaving = true
    this.#ready = true
    this.#admit()
    if (this.#streams === 0) this.close()
  }

  #exchange({ path, headers, body }: Http2Request, signal: AbortSignal): Promise<Http2Answer> {
    return new Promise((resolve, reject) => {
      const method = { [constants.HTTP2_HEADER_METHOD]: 'POST' }
      const stream = this.#session.request(
        { ...method, [constants.HTTP2_HEADER_PATH]: path, ...headers },
        { signal },
      )
      let got: Record<string, unknown> = {}
      let text = ''
      stream.setEncoding('utf8')
      stream.on('response', (answered) => (got = answered))
      stream.on('data', (chunk: string) => {
        if (text.length < MOST_ANSWER_CHARACTERS) text += chunk
      })
      stream.on('error', (error) => {
        if (signal.aborted) this.#probe()
        reject(signal.aborted ? (signal.reason as Error) : error)
      })
      stream.on('close', () => {
        const status = Number(got[':status'])
        if (status > 0) resolve({ status, headers: got, body: text })
        else reject(new Error('the stream ended without an answer'))
      })
      stream.end(body)
    })
  }

  /**
   * Pings the peer after a missing answer. A peer that vanished without closing the connection, as
   * behind a broken cable, would swallow every request until TCP detects it.
   */
  #probe(): void {
    const session = this.#session
    if (this.#probing || session.destroyed) return
    this.#probing = true
    const timer = setTimeout(
      () => {
        session.destroy(new Error('the connection is dead'))
      },
      Math.min(PING_TIMEOUT_MS, this.#options.timeoutMs),
    )
    const alive = (): void => {
      clearTimeout(timer)
      this.#probing = false
    }
    session.once('close', alive)
    session.ping((error) => {
      if (error) return
      session.off('close', alive)
      alive()
    })
  }
}
