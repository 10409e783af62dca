import type { IssuerSettings } from '@caudal/config/service-settings.ts'
import {
  createTokenVerifier,
  type TokenVerifier,
  type TrustedIssuer,
} from '@caudal/http/token-verifier.ts'

/** The gateway's tokens live a minute; this is for clocks and for the configuration of others. */
const GATEWAY_TOKEN_SECONDS = 5 * 60

/**
 * Accepts users by tokens of the gateway, services by those of identity, and clients by either: the
 * gateway vouches for the clients that call its routes (P1).
 */
export function serviceVerifier(name: string, issuers: IssuerSettings): TokenVerifier {
  const trusted: TrustedIssuer[] = [
    {
      issuer: issuers.identityIssuer,
      jwksUrl: issuers.identityJwksUrl,
      audience: issuers.audience,
      revocationsUrl: issuers.identityRevocationsUrl,
      kinds: ['service'],
    },
  ]
  const { gatewayIssuer, gatewayJwksUrl: jwksUrl } = issuers
  if (gatewayIssuer !== null) {
    trusted.push({
      issuer: gatewayIssuer,
      jwksUrl,
      audience: name,
      kinds: ['user', 'service'],
      maxLifetimeSeconds: GATEWAY_TOKEN_SECONDS,
    })
  }
  return createTokenVerifier({ issuers: trusted })
}
