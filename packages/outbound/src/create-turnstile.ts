import type { CallKey } from './call-key.ts'
import { createShares } from './shares.ts'

export interface TurnstileOptions {
  /** The most calls under way. */
  places: number
  /** The most calls under way or waiting. */
  maxPending: number
}

/** Lets the calls of tenants begin in turns. */
export interface Turnstile {
  /** Resolves when the call may begin; undefined if the tenant's share of the queue is full. */
  enter(tenant: string): Promise<void> | undefined
  /** Ends a call that began. */
  leave(tenant: string): void
}

const keyOf = (tenant: string): CallKey => ({ tenant, destination: '' })

/**
 * Calls that are made for a waiting client: each tenant has its share of the places and of the
 * queue (see `Shares`), and tenants that wait take turns. A tenant with many calls delays those of
 * another by the calls that are under way at most.
 */
export function createTurnstile({ places, maxPending }: TurnstileOptions): Turnstile {
  const underWay = createShares(places)
  const pending = createShares(maxPending)
  /** Of each tenant that waits; the tenant whose turn is next comes first. */
  const queues = new Map<string, Set<() => void>>()

  function admitWaiting(): void {
    // A tenant that is served moves to the end and so is met again.
    for (const [tenant, queue] of queues) {
      if (underWay.free <= 0) return
      if (underWay.roomOf(keyOf(tenant)) === 0) continue
      queues.delete(tenant)
      for (const begin of queue) {
        queue.delete(begin)
        underWay.take(keyOf(tenant))
        begin()
        break
      }
      if (queue.size > 0) queues.set(tenant, queue)
    }
  }

  return {
    enter(tenant) {
      const key = keyOf(tenant)
      if (pending.roomOf(key) === 0) return undefined
      pending.take(key)
      const queue = queues.get(tenant)
      if (queue === undefined && underWay.roomOf(key) > 0) {
        underWay.take(key)
        return Promise.resolve()
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      if (queue) queue.add(resolve)
      else queues.set(tenant, new Set([resolve]))
      return promise
    },
    leave(tenant) {
      pending.release(keyOf(tenant))
      underWay.release(keyOf(tenant))
      admitWaiting()
    },
  }
}
