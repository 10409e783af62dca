import { identityOf, type TokenHook } from '@caudal/http/authenticate.ts'
import { Problem } from '@caudal/http/problem.ts'

/** Behind `requireToken`: people are refused, whatever scopes their tokens carry. */
export const onlyServices: TokenHook = (request, _reply, done) => {
  done(identityOf(request).kind === 'service' ? undefined : new Problem('FORBIDDEN'))
}
