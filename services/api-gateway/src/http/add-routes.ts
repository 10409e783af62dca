import assert from 'node:assert/strict'
import { newId } from '@caudal/contracts/ids.ts'
import type { ScopeHolder } from '@caudal/contracts/scopes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { sendProblem } from '@caudal/http/problem.ts'
import { refuseEncodedBody } from '@caudal/http/refuse-encoded-body.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { limitRate, type RateLimits } from '../limits/limit-rate.ts'
import type { Peer } from '../peers/create-peer.ts'
import { ofUsers } from '../tokens/of-users.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import { forward, type ForwardDeps } from './forward.ts'
import { innerPathOf } from './inner-path.ts'
import type { PeerName, PublicRoute } from './public-routes.ts'

export interface RouteDeps extends ForwardDeps, RateLimits {
  verifier: TokenVerifier
  keys: SigningKeys
  peers: ReadonlyMap<PeerName, Peer>
}

const USERS: readonly ScopeHolder[] = ['user']

// The schemas describe; the services behind validate. What passes here stays as it came.
const validatorCompiler = () => () => true

/** Adds the public routes of the table and the gateway's keys; the gateway has no other routes. */
export function addRoutes(app: HttpServer, routes: readonly PublicRoute[], deps: RouteDeps): void {
  passBodiesAsBytes(app)
  for (const route of routes) addPublicRoute(app, route, deps)
  app.get('/internal/jwks.json', { schema: { hide: true } }, (_request, reply) =>
    reply.send(deps.keys.jwks),
  )
}

function addPublicRoute(app: HttpServer, route: PublicRoute, deps: RouteDeps): void {
  const { method, path: url, scope, cost, bodyLimitBytes, unknown = 'ROUTE_NOT_FOUND' } = route
  const peer = deps.peers.get(route.peer)
  assert(peer !== undefined, `no peer ${route.peer} for ${method} ${url}`)
  const audience = route.audience ?? route.peer
  const innerPath = innerPathOf(route)
  const { holders = USERS } = route
  const verifier = holders.includes('client') ? deps.verifier : ofUsers(deps.verifier)
  const { schema, onRequest } = secured({ verifier, scope, holders }, route.schema)
  app.route({
    method,
    url,
    schema,
    validatorCompiler,
    onRequest: [...onRequest, limitRate(deps, cost)],
    ...(bodyLimitBytes !== undefined && { bodyLimit: bodyLimitBytes }),
    async handler(request, reply) {
      const path = innerPath(request)
      if (path === undefined) {
        sendProblem(reply, unknown)
        return
      }
      const to = { peer, audience, path, ...(route.mintsPaymentId && { paymentId: newId() }) }
      await forward(deps, to, request, reply)
    },
  })
}

function passBodiesAsBytes(app: HttpServer): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      refuseEncodedBody(request)
      done(null, body)
    } catch (error) {
      done(error as Error)
    }
  })
}
