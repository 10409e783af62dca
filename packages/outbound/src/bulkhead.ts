import { setTimeout as delay } from 'node:timers/promises'

/** The places of one peer. */
export interface Places {
  /** Most calls in flight. A call occupies its place until its result is stored. */
  most: number
  /** Due rows are claimed again once this share of the places is free; by default any place. */
  worthwhileShare?: number
}

/** Counts calls in flight by peer, so that a hanging peer takes no places of another. */
export interface Bulkhead<P extends string> {
  readonly peers: readonly P[]
  /** Of all peers together. */
  readonly places: number
  /** Below 0 where more were taken than there are; 0 once drained. */
  free(peer: P): number
  isWorthwhile(peer: P): boolean
  take(peer: P): void
  release(peer: P): void
  /** Waits until no call is in flight, `drainMs` at most; then no place is free. */
  drain(drainMs: number): Promise<void>
}

const DRAIN_POLL_MS = 10

/** Creates the places of all peers, all of them free. */
export function createBulkhead<P extends string>(limits: Record<P, Places>): Bulkhead<P> {
  const peers = Object.keys(limits) as P[]
  const underWay = new Map<P, number>(peers.map((peer) => [peer, 0]))
  let drained = false
  const free = (peer: P): number => (drained ? 0 : limits[peer].most - underWay.get(peer)!)
  const isIdle = (): boolean => [...underWay.values()].every((count) => count === 0)
  const add = (peer: P, count: number): void => void underWay.set(peer, underWay.get(peer)! + count)
  return {
    peers,
    places: peers.reduce((sum, peer) => sum + limits[peer].most, 0),
    free,
    isWorthwhile(peer) {
      const { most, worthwhileShare = 0 } = limits[peer]
      return !drained && free(peer) >= most * worthwhileShare
    },
    take: (peer) => add(peer, 1),
    release: (peer) => add(peer, -1),
    async drain(drainMs) {
      const endsAt = performance.now() + drainMs
      while (!isIdle() && performance.now() < endsAt) await delay(DRAIN_POLL_MS)
      drained = true
    },
  }
}
