import { hash, timingSafeEqual } from 'node:crypto'
import { createTokenBuckets } from '@caudal/http/create-token-buckets.ts'
import type { FastifyRequest } from 'fastify'
import type { Client } from '../domain/client.ts'

/** A request that may carry a wrong secret. */
export interface Guess {
  /** More than 0: refuse it, for so long. */
  waitSeconds: number
  /** The secret was not wrong: the guess does not count. */
  returnTokens(): void
}

export interface GuessLimit {
  take(request: Pick<FastifyRequest, 'headers' | 'ip'>): Guess
}

/** Enough for a wrong configuration to show itself, too few for a search for the secret. */
const GUESSES_AT_ONCE = 10
const GUESSES_PER_SECOND = 1 / 6
const MAX_KEYS = 10_000
const BASIC = /^basic +([\w+/=-]+) *$/i
const NONE: Guess = { waitSeconds: 0, returnTokens() {} }

/**
 * Limits wrong client secrets by address and client: ten at once, ten a minute. Beyond that a
 * request is refused whatever its secret is, before anything is compared or read. A secret in the
 * body counts until it turns out to be right.
 */
export function limitGuesses(options: {
  clients: readonly Client[]
  /** The address is the last one of `x-forwarded-for`, which the proxy writes. */
  behindProxy: boolean
  now?: () => number
}): GuessLimit {
  const { clients, behindProxy, now } = options
  const buckets = createTokenBuckets({
    ratePerSecond: GUESSES_PER_SECOND,
    burst: GUESSES_AT_ONCE,
    maxBuckets: MAX_KEYS,
    ...(now && { now }),
  })
  const secrets = new Map(clients.map((one) => [one.clientId, digestOf(one.clientSecret)]))
  return {
    take({ headers, ip }) {
      const [name, secret] = credentialsOf(headers.authorization)
      const expected = secrets.get(name)
      const address = behindProxy ? lastAddress(headers['x-forwarded-for'], ip) : ip
      // Names that do not exist share a bucket, so that callers cannot create any number of them.
      const key = `${address} ${expected === undefined ? '' : name}`
      const waitSeconds = buckets.take(key)
      if (waitSeconds > 0) return { ...NONE, waitSeconds }
      const returnTokens = (): void => buckets.returnTokens(key)
      if (expected === undefined || !timingSafeEqual(expected, digestOf(secret))) {
        return { waitSeconds, returnTokens }
      }
      returnTokens()
      return NONE
    },
  }
}

/** Name and secret of HTTP Basic, each form-encoded (RFC 6749, 2.3.1); empty if there are none. */
function credentialsOf(authorization: string | undefined): [string, string] {
  const encoded = BASIC.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return ['', '']
  const [name = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':')
  try {
    return [decodeURIComponent(name), decodeURIComponent(secret)]
  } catch {
    return ['', '']
  }
}

function lastAddress(forwarded: string | string[] | undefined, ip: string): string {
  return [forwarded].flat().at(-1)?.split(',').at(-1)?.trim() ?? ip
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
