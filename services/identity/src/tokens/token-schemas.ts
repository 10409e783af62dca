import { SCOPE } from '@caudal/contracts/scopes.ts'
import { TenantId } from '@caudal/contracts/tenant-schema.ts'
import { CLIENT_PATTERN } from '@caudal/contracts/tenant.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { Type } from 'typebox'
import { MAX_USERS } from '../domain/user.ts'

export const createTokensSchema = {
  summary: 'Tokens of many users at once; only while development login is on',
  body: Type.Object({
    tenant_id: Type.Optional(TenantId),
    users: Type.Array(Type.Object({ user_id: Uuid }), { minItems: 1, maxItems: MAX_USERS }),
  }),
  response: {
    200: Type.Object({
      tokens: Type.Array(
        Type.Object({
          user_id: Uuid,
          token: Type.String(),
          expires_at: Type.String({ format: 'date-time' }),
        }),
      ),
    }),
  },
}

export const createClientTokenSchema = {
  summary: 'The token of any service, without its secret; only while development login is on',
  body: Type.Object({
    tenant_id: Type.Optional(TenantId),
    client_id: Type.String({
      pattern: CLIENT_PATTERN,
      description: 'letters, digits, ., - and _, 64 at most',
    }),
    scope: Type.String({
      pattern: '^[a-z]+:[a-z]+( [a-z]+:[a-z]+){0,31}$',
      description: `scopes such as ${SCOPE.ledgerWrite}, with one space between them`,
    }),
  }),
  response: {
    200: Type.Object({
      token: Type.String(),
      expires_at: Type.String({ format: 'date-time' }),
    }),
  },
}
