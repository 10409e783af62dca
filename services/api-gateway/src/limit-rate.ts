import { identityOf, type TokenHook } from '@caudal/http/authenticate.ts'
import { sendProblem } from '@caudal/http/problem.ts'
import type { FastifyReply } from 'fastify'
import type { TokenBuckets } from './create-token-buckets.ts'
import type { SharedBuckets } from './open-shared-buckets.ts'

export interface RateLimits {
  /** This process's own; they decide alone where the others are not there. */
  buckets: TokenBuckets
  /** Those of all gateways. */
  shared: SharedBuckets | undefined
  countLimited: () => void
}

/**
 * A hook that lets a user's request through while there is a token for it (P1, F7). This process's
 * own bucket is asked first: what is too much for one gateway is too much for all, and when Redis
 * has no answer the one from here stands already.
 */
export function limitRate({ buckets, shared, countLimited }: RateLimits): TokenHook {
  const refuse = (reply: FastifyReply, waitSeconds: number): void => {
    countLimited()
    const headers = { 'retry-after': String(Math.ceil(waitSeconds)) }
    sendProblem(reply, 'RATE_LIMITED', 'too many requests of this user', { headers })
  }
  return (request, reply, done) => {
    const { tenantId, subject } = identityOf(request)
    const key = `${tenantId}\n${subject}`
    const waitSeconds = buckets.take(key)
    if (waitSeconds > 0) {
      refuse(reply, waitSeconds)
      return
    }
    const decide = (sharedWait = 0): void => {
      if (sharedWait > 0) refuse(reply, sharedWait)
      else done()
    }
    const asked = shared?.take(key)
    if (asked === undefined) decide()
    else void asked.then(decide)
  }
}
