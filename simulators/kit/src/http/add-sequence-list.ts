import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf } from '@caudal/http/page.ts'
import { type TObject, Type } from 'typebox'

/** The part of a list to read: rows after a number, at most `limit`. */
export interface SequencePage {
  after: bigint | null
  limit: number
}

/** Filters of a list, as its query has them. */
export interface ListFilters {
  payment_id?: string
  payout_id?: string
  subject_id?: string
  operation?: string
}

/** Adds a list whose rows have ascending numbers. `query` has `limit`, `cursor` and the filters. */
export function addSequenceList<R>(
  app: HttpServer,
  path: string,
  options: {
    cursors: Cursors
    query: TObject
    item: TObject
    list: (filters: ListFilters, page: SequencePage) => Promise<R[]>
    positionOf: (row: R) => bigint
    show: (row: R) => unknown
  },
): void {
  const { query, item, list, positionOf, show } = options
  const positions = options.cursors(Type.String())
  const page = pageOf(item)
  app.get(
    path,
    { schema: { querystring: query, response: { 200: page } } },
    async (request, reply) => {
      const asked: unknown = request.query
      const { limit, ...filters } = asked as ListFilters & { limit: number }
      const position = positions.read(request)
      const after = position === null ? null : BigInt(position)
      const rows = await list(filters, { after, limit: limit + 1 })
      const cursorAfter = (row: R) => positions.write(request, String(positionOf(row)))
      return reply.send(cutPage(rows, { limit, cursorAfter, show }))
    },
  )
}
