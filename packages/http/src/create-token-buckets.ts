import { createBoundedCache } from '@caudal/batching/bounded-cache.ts'

export interface TokenBuckets {
  /**
   * Takes `cost` tokens (default: 1), at most a full bucket. Returns 0 if they were there,
   * otherwise the seconds until they are.
   */
  take(key: string, cost?: number): number
  /** Returns tokens that were taken for something that turned out not to count. */
  returnTokens(key: string, cost?: number): void
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

const MAX_BUCKETS = 100_000

/**
 * A token bucket for each key (P1, F7): `ratePerSecond` refills it, `burst` is what it holds. Keys
 * beyond `maxBuckets` push out the one unused longest, which is as good as full by then. A clock
 * that is set back refills nothing.
 */
export function createTokenBuckets(options: {
  ratePerSecond: number
  burst: number
  maxBuckets?: number
  now?: () => number
}): TokenBuckets {
  const { ratePerSecond, burst, maxBuckets = MAX_BUCKETS, now = () => performance.now() } = options
  const buckets = createBoundedCache<Bucket>(maxBuckets)
  return {
    take(key, cost = 1) {
      const wanted = Math.min(cost, burst)
      const nowMs = now()
      let bucket = buckets.get(key)
      if (bucket === undefined) {
        bucket = { tokens: burst, filledAtMs: nowMs }
        buckets.set(key, bucket)
      }
      const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs)
      bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs / 1_000) * ratePerSecond)
      bucket.filledAtMs = Math.max(nowMs, bucket.filledAtMs)
      if (bucket.tokens >= wanted) {
        bucket.tokens -= wanted
        return 0
      }
      return (wanted - bucket.tokens) / ratePerSecond
    },
    returnTokens(key, cost = 1) {
      const bucket = buckets.get(key)
      if (bucket !== undefined) bucket.tokens = Math.min(burst, bucket.tokens + cost)
    },
  }
}
