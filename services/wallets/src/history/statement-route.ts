import type { HttpServer } from '@caudal/http/create-server.ts'
import { cursorReader, encodeCursor } from '@caudal/http/page.ts'
import { type RouteAccess, secured } from '@caudal/http/secured.ts'
import { type Static, Type } from 'typebox'
import {
  accountOf,
  detached,
  type FindAccount,
  mayBeDetached,
  strangeCursor,
} from './history-request.ts'
import { StatementAnswer, StatementQuery } from './history-schemas.ts'
import type {
  AccountDetails,
  Detached,
  Statement,
  StatementPosition,
  StatementRange,
} from './history.ts'
import { type By, isDay, readRange } from './read-moment.ts'
import { showBalances, showLine } from './show-history.ts'

export interface StatementRouteDeps {
  findAccount: FindAccount
  readStatement: (
    account: AccountDetails,
    query: { range: StatementRange; after: StatementPosition | null; limit: number },
  ) => Promise<Statement | Detached>
}

const Minor = Type.String({ pattern: '^-?\\d{1,38}$' })
const place = {
  version: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  line: Type.Integer({ minimum: -1, maximum: 4_095 }),
}
const Cursor = Type.Object({
  /** Of which account and range the position is. */
  of: Type.String(),
  ...place,
  available: Minor,
  held: Minor,
  other: Type.Union([
    Type.Null(),
    Type.Object({ day: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }), ...place }),
  ]),
})
const readCursor = cursorReader(Cursor)

/** The history of an account between two dates, oldest first, page by page (E4). */
export function addStatementRoute(
  app: HttpServer,
  deps: StatementRouteDeps,
  access: RouteAccess,
): void {
  const schema = {
    summary: 'Entries of an account, oldest first, between opening and closing balances.',
    querystring: StatementQuery,
    response: { 200: StatementAnswer },
    problems: ['ACCOUNT_NOT_FOUND', ...mayBeDetached.problems] as const,
    problemMembers: mayBeDetached.problemMembers,
    tags: ['history'],
  }
  app.get('/v1/accounts/:account_id/statement', secured(access, schema), async (request) => {
    const { by, cursor, limit } = request.query
    const range = readRange(by, request.query)
    const account = await accountOf(deps, request)
    const { accountId, currency } = account
    const of = nameOf(accountId, range)
    const after = cursor === undefined ? null : positionIn(cursor, { of, by })
    const found = await deps.readStatement(account, { range, after, limit })
    if (found.type === 'detached') throw detached(found)
    return {
      account_id: accountId,
      currency,
      by,
      opening: showBalances(found.opening, currency),
      data: found.lines.map((line) => showLine(line, currency)),
      closing: showBalances(found.closing, currency),
      has_more: found.next !== null,
      next_cursor: found.next === null ? null : cursorOf(found.next, of),
    }
  })
}

function nameOf(accountId: string, { by, from, to }: StatementRange): string {
  return JSON.stringify([accountId, by, from, to])
}

function cursorOf(position: StatementPosition, of: string): string {
  const { version, line, availableMinor, heldMinor, otherDay } = position
  const cursor: Static<typeof Cursor> = {
    of,
    version,
    line,
    available: `${availableMinor}`,
    held: `${heldMinor}`,
    other:
      otherDay === null
        ? null
        : { day: otherDay.valueDate, version: otherDay.version, line: otherDay.line },
  }
  return encodeCursor(cursor)
}

function positionIn(text: string, { of, by }: { of: string; by: By }): StatementPosition {
  const cursor = readCursor(text)
  const { version, line, available, held, other } = cursor
  const isOther = cursor.of !== of || (other !== null) !== (by === 'value')
  if (isOther) throw strangeCursor('another account or range')
  if (other !== null && !isDay(other.day)) throw strangeCursor('no day')
  return {
    version,
    line,
    availableMinor: BigInt(available),
    heldMinor: BigInt(held),
    otherDay:
      other === null ? null : { valueDate: other.day, version: other.version, line: other.line },
  }
}
