import type { IssuerSettings } from '@caudal/config/service-settings.ts'
import {
  createTokenVerifier,
  type TokenVerifier,
  type TrustedIssuer,
} from '@caudal/http/token-verifier.ts'

/** Users come through the gateway only; services and clients with identity's own tokens (P1). */
export function serviceVerifier(name: string, issuers: IssuerSettings): TokenVerifier {
  const trusted: TrustedIssuer[] = [
    {
      issuer: issuers.identityIssuer,
      jwksUrl: issuers.identityJwksUrl,
      audience: 'caudal',
      kinds: ['service'],
    },
  ]
  const { gatewayIssuer, gatewayJwksUrl: jwksUrl } = issuers
  if (gatewayIssuer !== null) {
    trusted.push({ issuer: gatewayIssuer, jwksUrl, audience: name, kinds: ['user'] })
  }
  return createTokenVerifier({ issuers: trusted })
}
