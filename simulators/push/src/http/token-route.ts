import { randomBytes } from 'node:crypto'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { decodeJwt, decodeProtectedHeader } from 'jose'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const LIFETIME_S = 3_599
const TOKEN_BYTES = 48
const BODY_LIMIT_BYTES = 16 * 1024

interface TokenRefusal {
  error: 'unsupported_grant_type' | 'invalid_grant'
  error_description: string
}

/**
 * Adds Google's token endpoint: it issues an access token for a service account's signed assertion
 * (RFC 7523). The simulator does not know the account's key, so it does not check the signature.
 */
export function addTokenRoute(app: HttpServer): void {
  void app.register((scope, _options, done) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES },
      (_request, body, parsed) => parsed(null, new URLSearchParams(String(body))),
    )
    scope.post('/token', { schema: { hide: true } }, (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      const refusal = refuse(form.get('grant_type'), form.get('assertion'))
      if (refusal !== null) return reply.code(400).send(refusal)
      return reply.send({
        access_token: `ya29.${randomBytes(TOKEN_BYTES).toString('base64url')}`,
        expires_in: LIFETIME_S,
        token_type: 'Bearer',
      })
    })
    done()
  })
}

function refuse(grant: string | null, assertion: string | null): TokenRefusal | null {
  if (grant !== GRANT) {
    return { error: 'unsupported_grant_type', error_description: `Invalid grant_type: ${grant}` }
  }
  const invalid = (description: string): TokenRefusal => ({
    error: 'invalid_grant',
    error_description: description,
  })
  try {
    const { alg } = decodeProtectedHeader(assertion ?? '')
    const { iss, aud, exp = 0, scope } = decodeJwt(assertion ?? '')
    if (alg !== 'RS256') return invalid('Invalid JWT Signature.')
    if (!iss || !aud || typeof scope !== 'string') return invalid('Invalid JWT: incomplete.')
    if (exp * 1_000 < Date.now()) return invalid('Invalid JWT: Token must be a short-lived token.')
    return null
  } catch {
    return invalid('Bad Request')
  }
}
