/** A user or a client whose tokens of before are refused. */
export interface RevokedSubject {
  kind: 'user' | 'service'
  tenantId: string
  subject: string
  revokedAt: Date
}
