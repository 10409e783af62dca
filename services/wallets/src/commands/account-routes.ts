import { accountIdOf, walletIdOf } from '@caudal/contracts/ids.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Type } from 'typebox'
import type { AccountStatus } from '../ledger/domain/account.ts'
import type { WalletAccount } from '../ledger/domain/reading.ts'
import { answerCommand, clientsWith, type LedgerRouteDeps } from './answer-command.ts'
import { COMMAND_PROBLEMS, keyed } from './command-problems.ts'
import {
  ChangedAnswer,
  OpenBody,
  OpenedAnswer,
  OverdraftBody,
  StatusBody,
} from './command-schemas.ts'
import { refuseUnknownCurrency } from './read-amount.ts'

export interface AccountRouteDeps extends LedgerRouteDeps {
  /** Opens the account unless it is there; says how it stands. */
  open: (
    account: WalletAccount,
    traceparent: string,
  ) => Promise<{ status: AccountStatus; isNew: boolean }>
}

const SCOPE = 'ledger:admin'
const params = Type.Object({ account_id: Type.String({ minLength: 1, maxLength: 255 }) })

/** Opening, freezing and closing accounts, and their overdraft limits: scope ledger:admin (F1). */
export function addAccountRoutes(app: HttpServer, deps: AccountRouteDeps): void {
  const onRequest = clientsWith(deps.verifier, SCOPE)
  const tags = ['accounts']
  const security = [{ bearer: [SCOPE] }]
  const config = { integers: 'bigint' } as const
  const answers = { params, ...keyed, response: { 200: ChangedAnswer }, tags, security }
  for (const kind of ['freeze', 'unfreeze', 'close'] as const) {
    const schema = { ...answers, body: StatusBody, problems: COMMAND_PROBLEMS[kind] }
    app.post(`/v1/accounts/:account_id/${kind}`, { schema, onRequest }, (request, reply) => {
      const { account_id: accountId } = request.params
      return answerCommand(deps, { kind, accountId, body: request.body }, request, reply)
    })
  }
  const limit = { ...answers, body: OverdraftBody, problems: COMMAND_PROBLEMS.overdraft }
  const limiting = { schema: limit, onRequest, config }
  app.post('/v1/accounts/:account_id/overdraft', limiting, (request, reply) => {
    const { account_id: accountId } = request.params
    return answerCommand(deps, { kind: 'overdraft', accountId, body: request.body }, request, reply)
  })
  const response = { 200: OpenedAnswer, 201: OpenedAnswer }
  const opening = { schema: { body: OpenBody, response, tags, security }, onRequest }
  app.post('/v1/accounts', opening, async (request, reply) => {
    const { currency } = request.body
    refuseUnknownCurrency('currency', currency)
    const { tenantId } = identityOf(request)
    const userId = request.body.user_id.toLowerCase()
    const walletId = walletIdOf(tenantId, userId)
    const accountId = accountIdOf(tenantId, userId, currency)
    const account = { accountId, tenantId, walletId, userId, currency }
    const { status, isNew } = await deps.open(account, request.traceparent)
    const about = { account_id: accountId, wallet_id: walletId, user_id: userId }
    return reply.code(isNew ? 201 : 200).send({ ...about, currency, status })
  })
}
