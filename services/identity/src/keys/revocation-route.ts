import type { HttpServer } from '@caudal/http/create-server.ts'
import { revokedName } from '@caudal/http/revocations.ts'
import type { RevokedSubject } from '../domain/revoked-subject.ts'
import type { SigningKey } from '../domain/signing-key.ts'

const MS_PER_SECOND = 1_000

/**
 * `GET /revocations`: whose tokens of before are refused, and which keys are published. It is as
 * public as the key set, so it names subjects by digests.
 */
export function addRevocationRoute(
  app: HttpServer,
  deps: {
    listRevoked: () => Promise<RevokedSubject[]>
    keys: () => readonly SigningKey[]
  },
): void {
  app.get('/revocations', { schema: { hide: true } }, async () => {
    const revoked = await deps.listRevoked()
    return {
      revoked: revoked.map(({ kind, tenantId, subject, revokedAt }) => ({
        subject: revokedName(kind, tenantId, subject),
        revoked_at: Math.floor(revokedAt.getTime() / MS_PER_SECOND),
      })),
      keys: deps.keys().map(({ kid }) => kid),
    }
  })
}
