import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { type RouteAccess, secured } from '@caudal/http/secured.ts'
import { type Static, Type } from 'typebox'
import { accountOf, detached, type FindAccount, mayBeDetached } from './history-request.ts'
import { StatementAnswer, StatementQuery } from './history-schemas.ts'
import type {
  AccountDetails,
  Detached,
  Statement,
  StatementPosition,
  StatementRange,
} from './history.ts'
import { readRange } from './read-moment.ts'
import { showBalances, showLine } from './show-history.ts'

export interface StatementRouteDeps {
  cursors: Cursors
  findAccount: FindAccount
  readStatement: (
    account: AccountDetails,
    query: { range: StatementRange; after: StatementPosition | null; limit: number },
  ) => Promise<Statement | Detached>
}

const place = { version: Type.Integer(), line: Type.Integer() }
const Position = Type.Object({
  ...place,
  last: Type.Integer(),
  other: Type.Union([Type.Null(), Type.Object({ day: Type.String(), ...place })]),
})

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
  const cursors = deps.cursors(Position)
  app.get('/v1/accounts/:account_id/statement', secured(access, schema), async (request) => {
    const { by, limit } = request.query
    const range = readRange(by, request.query)
    const account = await accountOf(deps, request)
    const { accountId, currency } = account
    const shown = cursors.read(request)
    const after = shown === null ? null : readPosition(shown)
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
      next_cursor: found.next && cursors.write(request, shownPosition(found.next)),
    }
  })
}

function shownPosition(position: StatementPosition): Static<typeof Position> {
  const { version, line, lastVersion: last, otherDay } = position
  const other = otherDay && {
    day: otherDay.valueDate,
    version: otherDay.version,
    line: otherDay.line,
  }
  return { version, line, last, other }
}

function readPosition(shown: Static<typeof Position>): StatementPosition {
  const { version, line, last: lastVersion, other } = shown
  const otherDay = other && { valueDate: other.day, version: other.version, line: other.line }
  return { version, line, lastVersion, otherDay }
}
