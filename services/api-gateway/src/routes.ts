import { isUuid, newId } from '@caudal/contracts/ids.ts'
import { SCOPE, type Scope } from '@caudal/contracts/scopes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { sendProblem } from '@caudal/http/problem.ts'
import { refuseEncodedBody } from '@caudal/http/refuse-encoded-body.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Peer } from './create-peer.ts'
import { forward, type ForwardDeps } from './forward.ts'
import { limitRate, type RateLimits } from './limit-rate.ts'
import { PUBLIC_API } from './public-api.ts'
import type { SigningKeys } from './signing-keys.ts'

export interface RouteDeps extends ForwardDeps, RateLimits {
  verifier: TokenVerifier
  keys: SigningKeys
  payments: Peer
  wallets: Peer
}

// The schemas describe; the services behind check. What passes here stays as it came.
const validatorCompiler = () => () => true

/** Everything that is reached from outside; what is not listed here is not passed on. */
export function addRoutes(app: HttpServer, deps: RouteDeps): void {
  const { payments, wallets } = deps
  passBodiesAsBytes(app)

  app.post('/api/v1/payments', guarded('createPayment', SCOPE.paymentsWrite), (request, reply) =>
    forward(deps, { peer: payments, path: '/v1/payments', paymentId: newId() }, request, reply),
  )
  app.get('/api/v1/payments', guarded('listPayments', SCOPE.paymentsRead), (request, reply) =>
    forward(deps, { peer: payments, path: `/v1/payments${queryOf(request.url)}` }, request, reply),
  )
  app.get(
    '/api/v1/payments/:payment_id',
    guarded('getPayment', SCOPE.paymentsRead),
    async (request, reply) => {
      const { payment_id: paymentId } = request.params as { payment_id: string }
      // No other text names a payment, and none gets into the path of an inner request.
      if (isUuid(paymentId)) {
        const path = `/v1/payments/${paymentId}`
        await forward(deps, { peer: payments, path }, request, reply)
      } else {
        sendProblem(reply, 'PAYMENT_NOT_FOUND')
      }
    },
  )
  app.get('/api/v1/wallet', guarded('getWallet', SCOPE.walletRead), (request, reply) =>
    forward(deps, { peer: wallets, path: '/v1/wallet' }, request, reply),
  )
  app.get('/api/v1/wallet/entries', guarded('listEntries', SCOPE.walletRead), (request, reply) => {
    const path = `/v1/wallet/entries${queryOf(request.url)}`
    return forward(deps, { peer: wallets, path }, request, reply)
  })
  app.get('/internal/jwks.json', { schema: { hide: true } }, (_request, reply) =>
    reply.send(deps.keys.jwks),
  )

  function guarded(operation: keyof typeof PUBLIC_API, scope: Scope) {
    const { schema, onRequest } = secured({ verifier: deps.verifier, scope }, PUBLIC_API[operation])
    return { schema, validatorCompiler, onRequest: [...onRequest, limitRate(deps)] }
  }
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

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start)
}
