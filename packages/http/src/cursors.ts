import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Problem } from './problem.ts'

/** What a cursor belongs to: the caller, the list and its filters. */
export type ListRequest = Pick<FastifyRequest, 'identity' | 'headers' | 'params' | 'query'> & {
  routeOptions: { url?: string | undefined }
}

/** The cursors of one list. */
export interface ListCursors<P> {
  /**
   * The position that the cursor of a request stands for; null without a cursor.
   *
   * @throws {Problem} MALFORMED_REQUEST if it was not written for this caller and query, or changed
   */
  read(request: ListRequest): P | null
  /** The cursor of a position in the list that the request asks for. */
  write(request: ListRequest, position: P): string
}

export interface ListOptions {
  /** Request headers that are filters of the list. */
  headers?: readonly string[]
}

/** Makes the cursors of a list from the schema of its positions. */
export type Cursors = <T extends TSchema>(
  position: T,
  options?: ListOptions,
) => ListCursors<Static<T>>

/** 128 bits: more than can be guessed over a network. */
const MAC_BYTES = 16
/** Not filters: the other pages of the same list have other ones. */
const PAGING = new Set(['cursor', 'limit'])

/**
 * The cursors of a service (ADR 0031). A cursor is a position, never data that is answered, with a
 * MAC over it and over what the request asks for: the route, its parameters, every filter, and the
 * caller's tenant and subject. It is a base64url text; its position can be read but not changed.
 */
export function createCursors(key: Uint8Array): Cursors {
  return (position, { headers = [] } = {}) => {
    const validator = Compile(position)
    const macOf = (request: ListRequest, bytes: Buffer): Buffer =>
      createHmac('sha256', key)
        .update(`${queryOf(request, headers)}\n`)
        .update(bytes)
        .digest()
        .subarray(0, MAC_BYTES)
    return {
      read(request) {
        const { cursor } = request.query as { cursor?: string }
        if (cursor === undefined) return null
        const bytes = Buffer.from(cursor, 'base64url')
        const [mac, text] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)]
        // Node skips characters that are not base64url, and bits beyond the last byte.
        const isWhole = mac.length === MAC_BYTES && bytes.toString('base64url') === cursor
        if (!isWhole || !timingSafeEqual(mac, macOf(request, text))) throw strangeCursor()
        const value: unknown = JSON.parse(text.toString())
        // Another release may have written other positions.
        if (!validator.Check(value)) throw strangeCursor()
        return value
      },
      write(request, value) {
        const text = Buffer.from(JSON.stringify(value))
        return Buffer.concat([macOf(request, text), text]).toString('base64url')
      },
    }
  }
}

/** What a request asks for and who asks, as one line of text. */
function queryOf(request: ListRequest, headers: readonly string[]): string {
  const { identity, params, query, routeOptions } = request
  const filters = Object.entries(query as Record<string, unknown>)
    .filter(([name, value]) => !PAGING.has(name) && value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([
    routeOptions.url,
    params,
    filters,
    headers.map((name) => request.headers[name] ?? null),
    identity && [identity.tenantId, identity.kind, identity.subject],
  ])
}

function strangeCursor(): Problem {
  const detail = 'query: cursor is not of this list and its filters; ask for the first page again'
  return new Problem('MALFORMED_REQUEST', detail, { members: { param: 'cursor' } })
}
