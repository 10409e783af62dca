import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'

/** The circuit and the share of the places that the calls of a payment use (ADR 0028). */
export function callKeyOf({ tenantId, destinationBank }: OperationFacts): CallKey {
  return { tenant: tenantId, destination: destinationBank }
}
