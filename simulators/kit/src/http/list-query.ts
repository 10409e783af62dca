import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { pageQuery } from '@caudal/http/page.ts'
import { Type } from 'typebox'

/** The query of a list of a bank. `caudal verify` reads all of it, so pages may be large. */
export const listQuery = Type.Object({
  ...pageQuery.properties,
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  payment_id: Type.Optional(Uuid),
})
