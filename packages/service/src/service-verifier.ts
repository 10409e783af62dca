import type { IssuerSettings } from '@caudal/config/service-settings.ts'
import {
  createTokenVerifier,
  type TokenVerifier,
  type TrustedIssuer,
} from '@caudal/http/token-verifier.ts'

/** Accepts users by tokens of the gateway, and services and clients by those of identity (P1). */
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
