import assert from 'node:assert/strict'
import type { Scope, ScopeHolder } from '@caudal/contracts/scopes.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'
import type { Identity, TokenVerifier } from './token-verifier.ts'

/** Fits `onRequest` (before the body is read; better) and `preHandler`. */
export type TokenHook = (
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => void

const BEARER = /^bearer +([\w~+/.=-]+) *$/i

/** Who may call a route. A valid token is always required. */
export interface Access {
  verifier: TokenVerifier
  /** What the token must allow; of several scopes one is enough. */
  scope?: Scope | readonly Scope[]
  /** Who may call; default: users and clients. */
  holders?: readonly ScopeHolder[]
  /** A holder that needs no scope here: the handler serves it within its own. */
  unscoped?: ScopeHolder
}

/**
 * A hook that lets only verified callers through and puts them on `request.identity`. Without a
 * valid bearer token 401 UNAUTHENTICATED, without the scope or for another holder 403 FORBIDDEN,
 * when the issuer's keys cannot be fetched 503 UNAVAILABLE. Routes take it from `secured`.
 */
export function requireToken(access: Access): TokenHook {
  const { verifier, scope } = access
  const scopes = scope === undefined ? null : [scope].flat()
  return (request, _reply, done) => {
    const token = bearerToken(request.headers.authorization)
    if (token === undefined || isRepeated(request.raw.rawHeaders, 'authorization')) {
      done(new Problem('UNAUTHENTICATED', 'send authorization: Bearer <token>, once'))
      return
    }
    const admit = (identity: Identity): void => {
      request.identity = identity
      done(refusalOf(identity, access, scopes))
    }
    // A token seen before needs no promise: this is the path of nearly every request.
    const known = verifier.cached(token)
    if (known === undefined) verifier.verify(token).then(admit, done)
    else admit(known)
  }
}

function refusalOf(
  identity: Identity,
  { holders, unscoped }: Access,
  scopes: readonly Scope[] | null,
): Problem | undefined {
  const holder = identity.kind === 'user' ? 'user' : 'client'
  if (scopes !== null && holder !== unscoped && !scopes.some((one) => identity.scopes.has(one))) {
    return lacksScope(scopes)
  }
  if (holders === undefined || holders.includes(holder)) return undefined
  return new Problem('FORBIDDEN', `the token of a ${holder} is not accepted here`)
}

/** Node uses the first of several headers; a proxy that uses another one sees another caller. */
export function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const one = rawHeaders[index]!
    if (one.length === name.length && one.toLowerCase() === name) count += 1
  }
  return count > 1
}

/** The caller that `requireToken` verified; asking on a route without it is a bug. */
export function identityOf(request: Pick<FastifyRequest, 'identity'>): Identity {
  assert(request.identity !== null, 'the route does not require a token')
  return request.identity
}

/** The token of an authorization header; undefined when it has none of ours. */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  return BEARER.exec(header)?.[1]
}

/** The refusal of a token that has none of the scopes. */
export function lacksScope(scopes: readonly Scope[]): Problem {
  const wanted = scopes.join(' ')
  const challenge = `Bearer realm="caudal", error="insufficient_scope", scope="${wanted}"`
  return new Problem('FORBIDDEN', `the token lacks the scope ${scopes.join(' or ')}`, {
    headers: { 'www-authenticate': challenge },
  })
}
