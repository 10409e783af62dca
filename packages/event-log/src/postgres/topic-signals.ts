import { clientConfig } from '@caudal/postgres/client-config.ts'
import pg from 'pg'
import { CHANNEL } from './append-records.ts'

const RECONNECT_AFTER_MS = 500

/** Knows when topics have grown, from LISTEN; only a hint that shortens the wait of a poll. */
export type TopicSignals = {
  /** Grows with each signal for one of the topics. */
  countOf(topics: ReadonlySet<string>): number
  /** Resolves at the next signal for one of the topics, at the time-out, or when aborted. */
  wait(topics: ReadonlySet<string>, waitMs: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

type Waiter = { topics: ReadonlySet<string>; wake: () => void }

/** Listens on a connection of its own; while that is broken, readers fall back to their polls. */
export async function openTopicSignals(url: string): Promise<TopicSignals> {
  const counts = new Map<string, number>()
  const waiters = new Set<Waiter>()
  let client: pg.Client | undefined
  let reconnect: NodeJS.Timeout | undefined
  let closed = false

  const signal = (topics: readonly string[]): void => {
    for (const topic of topics) counts.set(topic, (counts.get(topic) ?? 0) + 1)
    for (const waiter of waiters) {
      if (topics.some((topic) => waiter.topics.has(topic))) waiter.wake()
    }
  }

  const connect = async (): Promise<void> => {
    const next = new pg.Client(clientConfig(url, { applicationName: 'caudal-log-listen' }))
    const retry = (): void => {
      if (closed || client !== next) return
      client = undefined
      reconnect = setTimeout(() => void connect(), RECONNECT_AFTER_MS)
    }
    client = next
    next.on('notification', (message) => signal((message.payload ?? '').split(',')))
    next.on('error', retry)
    next.on('end', retry)
    try {
      await next.connect()
      await next.query(`LISTEN ${CHANNEL}`)
    } catch {
      retry()
    }
  }

  await connect()
  return {
    countOf: (topics) => {
      let sum = 0
      for (const topic of topics) sum += counts.get(topic) ?? 0
      return sum
    },
    wait: (topics, waitMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          waiters.delete(waiter)
          resolve()
        }
        const timer = setTimeout(wake, waitMs)
        const waiter = { topics, wake }
        waiters.add(waiter)
        signal.addEventListener('abort', wake, { once: true })
      }),
    close: async () => {
      closed = true
      clearTimeout(reconnect)
      await client?.end().catch(() => {})
    },
  }
}
