import type { FastifyInstance, FastifySchema } from 'fastify'
import { type Size, sizeOfSchema } from './size-of-schema.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The most values that a body may have; see parseStrictJson. */
    maxValues?: number
  }
}

/** For bodies of a few members: blanks, and members that are then refused by name. */
const LEAST_BYTES = 4 * 1024
const LEAST_VALUES = 64
/** Room for blanks, and for what is a little too long, so that it gets a precise refusal. */
const ROOM = 2

/**
 * Gives every route with a body the limits that follow from its schema: the bytes that are read and
 * the values that are parsed. `most` are the limits where the schema sets none or larger ones; a
 * `bodyLimit` of the route takes the place of its bytes.
 */
export function limitBodies(app: FastifyInstance, most: Size): void {
  app.addHook('onRoute', (route) => {
    const limits = limitsOf(route.schema, { ...most, bytes: route.bodyLimit ?? most.bytes })
    route.bodyLimit = limits.bytes
    route.config = { ...route.config, maxValues: limits.values }
  })
}

/** The limits of a body of this schema, none above `most`. */
export function limitsOf(schema: FastifySchema | undefined, most: Size): Size {
  const described = schema?.readBody ?? schema?.body
  const size = described === undefined ? undefined : sizeOfSchema(described)
  if (size === undefined) return most
  return {
    bytes: Math.min(most.bytes, Math.max(LEAST_BYTES, size.bytes * ROOM)),
    values: Math.min(most.values, Math.max(LEAST_VALUES, size.values * ROOM)),
  }
}
