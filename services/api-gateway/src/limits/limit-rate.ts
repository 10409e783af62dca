import { identityOf, type TokenHook } from '@caudal/http/authenticate.ts'
import type { TokenBuckets } from '@caudal/http/create-token-buckets.ts'
import { sendProblem } from '@caudal/http/problem.ts'
import type { FastifyReply } from 'fastify'
import type { SharedBuckets } from './open-shared-buckets.ts'

export interface RateLimits {
  /** This process's own; they decide alone while the shared ones are unavailable. */
  buckets: TokenBuckets
  /** The buckets that all gateways share. */
  shared: SharedBuckets | undefined
  countLimited: () => void
}

/**
 * A hook that admits a user's request if the user's bucket has `cost` tokens for it (P1, F7). This
 * process's own bucket is asked first: a rate that is too high for one gateway is too high for all,
 * and if Redis does not answer, the decision is already made.
 */
export function limitRate(limits: RateLimits, cost: number): TokenHook {
  const { buckets, shared, countLimited } = limits
  const refuse = (reply: FastifyReply, waitSeconds: number): void => {
    countLimited()
    const headers = { 'retry-after': String(Math.ceil(waitSeconds)) }
    sendProblem(reply, 'RATE_LIMITED', 'too many requests of this user', { headers })
  }
  return (request, reply, done) => {
    const { tenantId, subject } = identityOf(request)
    const key = `${tenantId}\n${subject}`
    const waitSeconds = buckets.take(key, cost)
    if (waitSeconds > 0) {
      refuse(reply, waitSeconds)
      return
    }
    const decide = (sharedWait = 0): void => {
      if (sharedWait > 0) refuse(reply, sharedWait)
      else done()
    }
    const asked = shared?.take(key, cost)
    if (asked === undefined) decide()
    else void asked.then(decide)
  }
}
