import type { Db } from '@caudal/postgres/types.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { createAlarmClock } from '../create-alarm-clock.ts'
import { CALLBACK_SETTINGS, openSettings } from '../settings-table.ts'
import {
  awaitsFirstAttempt,
  type DueCallback,
  msUntilDue,
  readDueCallbacks,
  recordAttempts,
} from './callback-table.ts'
import { createCallbackPoster } from './post-callback.ts'

/** Posts one request: its signed headers and its body. Returns whether the answer was 2xx. */
export type PostCallback = (message: {
  headers: Record<string, string>
  body: string
}) => Promise<boolean>

/** Sends what is due, in order. Returns for each whether the receiver answered with 2xx. */
export type SendCallbacks<S> = (
  due: readonly DueCallback[],
  settings: S,
  post: PostCallback,
) => Promise<boolean[]>

/** The sender of a bank's callbacks. */
export interface Callbacks {
  /** Whether callbacks are to be stored with what they report. */
  readonly enabled: boolean
  /** Call it after callbacks were stored, and after the settings changed. */
  wake(): void
  /** Resolves after the first attempt of a callback about the operation; at once if disabled. */
  firstAttempt(subjectId: string): Promise<void>
  stop(): Promise<void>
}

/** The sender with the settings of its bank. */
export interface ConfiguredCallbacks<S> extends Callbacks {
  readonly settings: S
  /** Stores the settings, then applies them to all callbacks that wait. */
  configure(settings: S): Promise<void>
}

const MOST_PER_ROUND = 200
const BACKOFF = { baseMs: 100, mostMs: 10_000 }
const RETRY_AFTER_FAULT_MS = 1_000
/** How far two rounds are apart, so that callbacks of this time share their statements. */
const APART_MS = 100

/**
 * Sends stored callbacks when they are due, and again with growing pauses until the receiver
 * answers with 2xx. An attempt is recorded after it ended, so a crash between the two repeats it.
 * The settings are the stored ones, or `fallback` before the first change.
 */
export async function startCallbacks<S extends { url: string | null }>(deps: {
  db: Db
  fallback: S
  send: SendCallbacks<S>
  logger: Logger
}): Promise<ConfiguredCallbacks<S>> {
  const { db, fallback, send, logger } = deps
  const settings = await openSettings(db, CALLBACK_SETTINGS, {
    fallback,
    onChange: () => clock.wake(),
  })
  const isEnabled = (): boolean => settings.current.url !== null
  const poster = createCallbackPoster()
  let isStopped = false
  let sentAt = Number.NEGATIVE_INFINITY
  const waiters = createWaiters()

  async function sendDue(): Promise<number | null> {
    while (!isStopped) {
      const { url } = settings.current
      if (url === null) break
      const restMs = sentAt + APART_MS - performance.now()
      if (restMs > 0) return restMs
      const due = await readDueCallbacks(db, MOST_PER_ROUND)
      if (due.length === 0) return msUntilDue(db)
      if (due.length < MOST_PER_ROUND) sentAt = performance.now()
      const post: PostCallback = (message) => poster.post(url, message)
      const delivered = await send(due, settings.current, post)
      await recordAttempts(
        db,
        due.map(({ callbackId, attempts }, index) => ({
          callbackId,
          delivered: delivered[index] === true,
          pauseMs: Math.round(backoffMs(BACKOFF, attempts + 1, Math.random())),
        })),
      )
      for (const { subjectId } of due) waiters.resolve(subjectId)
    }
    waiters.resolveAll()
    return null
  }

  const clock = createAlarmClock(sendDue, (error) => {
    logger.warn({ err: error }, 'could not send callbacks')
    return RETRY_AFTER_FAULT_MS
  })
  clock.wake()
  return {
    get enabled() {
      return isEnabled()
    },
    get settings() {
      return settings.current
    },
    configure: (next) => settings.replace(next),
    wake: clock.wake,
    async firstAttempt(subjectId) {
      if (!isEnabled() || isStopped) return
      const attempted = waiters.add(subjectId)
      if (!(await awaitsFirstAttempt(db, subjectId))) waiters.resolve(subjectId)
      await attempted
    },
    async stop() {
      isStopped = true
      await poster.close()
      await clock.stop()
      waiters.resolveAll()
    },
  }
}

/** Those who wait for the first attempt of a callback about an operation. */
function createWaiters() {
  const waiting = new Map<string, (() => void)[]>()
  function resolve(subjectId: string): void {
    for (const end of waiting.get(subjectId) ?? []) end()
    waiting.delete(subjectId)
  }
  return {
    add(subjectId: string): Promise<void> {
      const { promise, resolve: end } = Promise.withResolvers<void>()
      waiting.set(subjectId, [...(waiting.get(subjectId) ?? []), end])
      return promise
    },
    resolve,
    resolveAll: () => [...waiting.keys()].forEach(resolve),
  }
}
