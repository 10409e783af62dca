import { Type } from 'typebox'
import * as Format from 'typebox/format'
import { isUuid } from './ids.ts'

// The library's own check knows no versions; ours is that of RFC 9562, nil and max included.
Format.Set('uuid', isUuid)

/** An RFC 9562 UUID of any version, in either case, in whatever comes from outside. */
export const Uuid = Type.String({ format: 'uuid' })

/** The form of an id in lower case, of any bits: ids of this form sort like their texts. */
export const UUID_FORM = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

/** A bound of ids, in lower case: any bits, which need not be a valid UUID. */
export const UuidBound = Type.String({ pattern: UUID_FORM })
