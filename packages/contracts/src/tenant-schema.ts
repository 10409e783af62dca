import { Type } from 'typebox'
import { TENANT_PATTERN } from './tenant.ts'

/** The name of a tenant, in whatever comes from outside. */
export const TenantId = Type.String({
  pattern: TENANT_PATTERN,
  description: 'small letters, digits, - and _, 63 at most',
})
