/** An idempotency key within its scope (F2): the tenant and the principal that chose the key. */
export interface KeyScope {
  tenantId: string
  principalId: string
  idempotencyKey: string
}

/** The answer that a key is bound to: a replay sends it again byte for byte. */
export interface BoundAnswer {
  /** SHA-256 of the request, in hexadecimal digits. */
  fingerprint: string
  /** HTTP status. */
  status: number
  body: string
  /** UUID of what the command created; null for a refusal, or where the table keeps none. */
  resourceId: string | null
}

export type BoundKey = KeyScope & BoundAnswer
