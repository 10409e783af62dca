import type { IssuerSettings } from '@caudal/http/service-settings.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'

/** Users come through the gateway only; services and clients with identity's own tokens (P1). */
export function serviceVerifier(name: string, issuers: IssuerSettings): TokenVerifier {
  return createTokenVerifier({
    issuers: [
      {
        issuer: issuers.gatewayIssuer,
        jwksUrl: issuers.gatewayJwksUrl,
        audience: name,
        kinds: ['user'],
      },
      {
        issuer: issuers.identityIssuer,
        jwksUrl: issuers.identityJwksUrl,
        audience: 'caudal',
        kinds: ['service'],
      },
    ],
  })
}
