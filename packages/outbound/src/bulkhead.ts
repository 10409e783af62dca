import { setTimeout as delay } from 'node:timers/promises'
import type { CallKey } from './call-key.ts'
import { createShares, type Shares } from './shares.ts'

/** The places of one peer. */
export interface PeerPlaces {
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
  /** The places of the peer, as tenants and destinations share them. */
  shares(peer: P): Shares
  /** Below 0 where more were taken than there are; 0 once drained. */
  free(peer: P): number
  isWorthwhile(peer: P): boolean
  take(peer: P, key: CallKey | undefined): void
  release(peer: P, key: CallKey | undefined): void
  /** Waits until no call is in flight, `drainMs` at most; then no place is free. */
  drain(drainMs: number): Promise<void>
}

const DRAIN_POLL_MS = 10

/** Creates the places of all peers, all of them free. */
export function createBulkhead<P extends string>(limits: Record<P, PeerPlaces>): Bulkhead<P> {
  const peers = Object.keys(limits) as P[]
  const all = new Map<P, Shares>(peers.map((peer) => [peer, createShares(limits[peer].most)]))
  let drained = false
  const sharesOf = (peer: P): Shares => all.get(peer)!
  const free = (peer: P): number => (drained ? 0 : sharesOf(peer).free)
  const isIdle = (): boolean => [...all.values()].every((shares) => shares.free === shares.most)
  return {
    peers,
    places: peers.reduce((sum, peer) => sum + limits[peer].most, 0),
    shares: sharesOf,
    free,
    isWorthwhile(peer) {
      const { most, worthwhileShare = 0 } = limits[peer]
      return !drained && free(peer) >= most * worthwhileShare
    },
    take: (peer, key) => sharesOf(peer).take(key),
    release: (peer, key) => sharesOf(peer).release(key),
    async drain(drainMs) {
      const endsAt = performance.now() + drainMs
      while (!isIdle() && performance.now() < endsAt) await delay(DRAIN_POLL_MS)
      drained = true
    },
  }
}
