import { createBoundedCache } from '@caudal/http/bounded-cache.ts'

export interface TokenBuckets {
  /** Takes one token: 0 when there was one, otherwise the seconds until there is. */
  take(key: string): number
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
    take(key) {
      const nowMs = now()
      let bucket = buckets.get(key)
      if (bucket === undefined) {
        bucket = { tokens: burst, filledAtMs: nowMs }
        buckets.set(key, bucket)
      }
      const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs)
      bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs / 1_000) * ratePerSecond)
      bucket.filledAtMs = Math.max(nowMs, bucket.filledAtMs)
      if (bucket.tokens >= 1) {
        bucket.tokens--
        return 0
      }
      return (1 - bucket.tokens) / ratePerSecond
    },
  }
}
