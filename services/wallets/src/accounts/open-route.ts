import { Currency } from '@caudal/contracts/currency-schema.ts'
import { accountIdOf, walletIdOf } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { AccountStatus } from '../ledger/domain/account.ts'
import type { WalletAccount } from '../ledger/domain/opening.ts'
import type { Opener } from './open-account.ts'

export interface OpenRouteDeps {
  verifier: TokenVerifier
  /** Opens the account unless it exists; returns its status. */
  open: (
    account: WalletAccount,
    opener: Opener,
  ) => Promise<{ status: AccountStatus; isNew: boolean }>
}

/** The account of a user's wallet in one currency. */
const OpenBody = Type.Object({ user_id: Uuid, currency: Currency })

const OpenedAnswer = Type.Object({
  account_id: Type.String(),
  wallet_id: Type.String(),
  user_id: Type.String(),
  currency: Type.String(),
  status: Type.Enum(['open', 'frozen', 'closed']),
})

/** Opening an account of a wallet: scope ledger:admin (F1). */
export function addOpenRoute(app: HttpServer, deps: OpenRouteDeps): void {
  const { verifier } = deps
  const response = { 200: OpenedAnswer, 201: OpenedAnswer }
  const schema = { body: OpenBody, response, tags: ['accounts'] }
  const options = secured({ verifier, scope: SCOPE.ledgerAdmin }, schema)
  app.post('/v1/accounts', options, async (request, reply) => {
    const { currency } = request.body
    const identity = identityOf(request)
    const { tenantId } = identity
    const userId = request.body.user_id.toLowerCase()
    const walletId = walletIdOf(tenantId, userId)
    const accountId = accountIdOf(tenantId, userId, currency)
    const account = { accountId, tenantId, walletId, userId, currency }
    const actor = actorOf(identity)
    const { traceparent } = request
    const { status, isNew } = await deps.open(account, { actor, traceparent })
    const about = { account_id: accountId, wallet_id: walletId, user_id: userId }
    return reply.code(isNew ? 201 : 200).send({ ...about, currency, status })
  })
}
