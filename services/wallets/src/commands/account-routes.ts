import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { secured } from '@caudal/http/secured.ts'
import { Type } from 'typebox'
import { answerCommand, type CommandRouteDeps } from './answer-command.ts'
import { ACCOUNT_PROBLEMS, keyed } from './command-problems.ts'
import { ChangedAnswer, OverdraftBody, StatusBody } from './command-schemas.ts'

const params = Type.Object({ account_id: Type.String({ minLength: 1, maxLength: 255 }) })

/** Freezing and closing accounts, and their overdraft limits: scope ledger:admin (F1). */
export function addAccountRoutes(app: HttpServer, deps: CommandRouteDeps): void {
  const access = { verifier: deps.verifier, scope: SCOPE.ledgerAdmin }
  const config = { integers: 'bigint' } as const
  const response = { 200: ChangedAnswer }
  const answers = { params, ...keyed, response, tags: ['accounts'] }
  for (const kind of ['freeze', 'unfreeze', 'close'] as const) {
    const schema = { ...answers, body: StatusBody, problems: ACCOUNT_PROBLEMS[kind] }
    app.post(`/v1/accounts/:account_id/${kind}`, secured(access, schema), (request, reply) => {
      const { account_id: accountId } = request.params
      const asked = { form: 'status', kind, accountId, body: request.body } as const
      return answerCommand(deps, asked, request, reply)
    })
  }
  const limit = { ...answers, body: OverdraftBody, problems: ACCOUNT_PROBLEMS.overdraft }
  const limiting = { ...secured(access, limit), config }
  app.post('/v1/accounts/:account_id/overdraft', limiting, (request, reply) => {
    const { account_id: accountId } = request.params
    const kind = 'overdraft'
    const asked = { form: kind, kind, accountId, body: request.body } as const
    return answerCommand(deps, asked, request, reply)
  })
}
