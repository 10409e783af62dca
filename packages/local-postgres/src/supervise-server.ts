import { setTimeout as pause } from 'node:timers/promises'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { LocalPostgresError } from './local-postgres-error.ts'
import { type LocalPostgresLogger, signal, stopPostmaster } from './postmaster.ts'
import { hasEnded, type Server } from './run-server.ts'

const BACKOFF = { baseMs: 250, mostMs: 5_000 }
/** A server that ran this long did not fail in a row with the one before. */
const STABLE_MS = 30_000
const MAX_FAILURES_IN_A_ROW = 6

type SuperviseOptions = {
  /** Starts a new server on the same cluster and port. */
  restart: () => Promise<Server>
  /** With a full disk, the server cannot write its shutdown checkpoint and would retry for ever. */
  isFull: () => Promise<boolean>
  /** Unlocks the data directory. */
  release: () => void
  logger: LocalPostgresLogger
}

/** A server that is started again if it ends. */
export type SupervisedServer = {
  /** The server of now, or the last one. */
  current(): Server
  /** Resolves with the reason if the server ended and could not be started again. */
  failed: Promise<LocalPostgresError>
  /** Stops for good; idempotent. */
  stop(): Promise<void>
}

/**
 * Starts the server again, with growing pauses, if it ends although nobody called `stop`. Gives up
 * after several failures in a row.
 */
export function superviseServer(first: Server, options: SuperviseOptions): SupervisedServer {
  const { restart, isFull, release, logger } = options
  const { promise: failed, resolve: giveUp } = Promise.withResolvers<LocalPostgresError>()
  const abort = new AbortController()
  let server = first
  let failures = 0
  let restarting: Promise<void> | undefined
  let stopping: Promise<void> | undefined

  const startAgain = async (): Promise<void> => {
    for (let fault: unknown = null; ;) {
      failures += 1
      if (failures > MAX_FAILURES_IN_A_ROW) return giveUp(cannotRestart(fault))
      const pauseMs = backoffMs(BACKOFF, failures, Math.random())
      await pause(pauseMs, null, { signal: abort.signal }).catch(() => undefined)
      if (abort.signal.aborted) return
      try {
        server = await restart()
        watch()
        return logger.info({ pid: server.pid }, 'the database server was started again')
      } catch (error) {
        fault = error
        logger.error({ err: error }, 'could not start the database server again')
      }
    }
  }
  const watch = (): void => {
    const { child, pid } = server
    const startedAt = performance.now()
    // The last resort if this process exits without calling stop: the server shuts down by itself.
    const stopServer = () => signal(pid, 'SIGINT')
    process.once('exit', stopServer)
    child.unref()
    const onEnd = (): void => {
      process.off('exit', stopServer)
      if (abort.signal.aborted) return
      const { exitCode: code, signalCode: name } = child
      logger.error({ code, signal: name }, 'the database server ended unexpectedly')
      if (performance.now() - startedAt > STABLE_MS) failures = 0
      restarting = startAgain()
    }
    if (hasEnded(child)) onEnd()
    else child.once('exit', onEnd)
  }
  const stop = async (): Promise<void> => {
    abort.abort()
    await restarting
    const { child, pid } = server
    if (!hasEnded(child)) {
      child.ref()
      const ended = new Promise((done) => child.once('exit', done))
      await stopPostmaster(pid, { full: await isFull() })
      await ended
    }
    release()
    logger.info({ pid }, 'the database server has stopped')
  }
  watch()
  return { current: () => server, failed, stop: () => (stopping ??= stop()) }
}

function cannotRestart(fault: unknown): LocalPostgresError {
  const why = fault instanceof Error ? fault.message : 'it ends again soon after each start.'
  return new LocalPostgresError(
    'SERVER_LOST',
    `The database server ended and could not be started again: ${why}`,
    fault,
  )
}
