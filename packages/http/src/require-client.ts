import { identityOf, requireToken, type TokenHook } from './authenticate.ts'
import { Problem } from './problem.ts'
import type { TokenVerifier } from './token-verifier.ts'

/**
 * Hooks that let clients with this scope through, and no users, whatever the scopes of their
 * tokens; `detail` is what a user is answered.
 */
export function requireClient(options: {
  verifier: TokenVerifier
  scope: NonNullable<Parameters<typeof requireToken>[0]['scope']>
  detail: string
}): TokenHook[] {
  const { verifier, scope, detail } = options
  const onlyClients: TokenHook = (request, _reply, done) => {
    const allowed = identityOf(request).kind === 'service'
    done(allowed ? undefined : new Problem('FORBIDDEN', detail))
  }
  return [requireToken({ verifier, scope }), onlyClients]
}
