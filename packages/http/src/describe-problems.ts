import { ERROR_CODES, type ErrorCode } from '@caudal/contracts/error-codes.ts'
import { type TProperties, Type } from 'typebox'
import { PROBLEM_CONTENT_TYPE } from './problem.ts'

/** Additional members of problem documents, by code. */
export type ProblemMembers = Partial<Record<ErrorCode, TProperties>>

export interface DescribedRoute {
  hasBody: boolean
  hasToken: boolean
  /** Codes that the handler itself refuses with. */
  problems: readonly ErrorCode[]
  members: ProblemMembers
}

const OF_ALL: ErrorCode[] = ['MALFORMED_REQUEST', 'HEADERS_TOO_LARGE', 'INTERNAL', 'UNAVAILABLE']
const OF_BODIES: ErrorCode[] = ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'OVERLOADED']
const OF_TOKENS: ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN']

const MEMBERS_OF_ALL: ProblemMembers = {
  MALFORMED_REQUEST: {
    param: Type.Optional(Type.String({ description: 'The parameter or member that is wrong.' })),
  },
}

const HEADERS: Record<number, Record<string, object>> = {
  401: { 'www-authenticate': Type.String() },
  403: { 'www-authenticate': Type.String() },
  429: { 'retry-after': Type.Integer({ description: 'Seconds.' }) },
  503: { 'retry-after': Type.Integer({ description: 'Seconds.' }) },
}

/**
 * The problems that a route may answer, by their status, for the OpenAPI document. Codes are listed
 * as examples, not as a closed enum, because codes may be added (ADR 11).
 */
export function describeProblems(
  route: DescribedRoute,
  headers: Record<string, object>,
): Record<string, object> {
  const codes = new Set([
    ...OF_ALL,
    ...(route.hasBody ? OF_BODIES : []),
    ...(route.hasToken ? OF_TOKENS : []),
    ...route.problems,
  ])
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code].status)
  const known = [...byStatus].map(([status, own]): [string, object] => {
    const code = Type.String({ examples: own })
    const members = membersOf(own, { ...MEMBERS_OF_ALL, ...route.members })
    const schema = problemSchema({ status: Type.Literal(status), code, ...members })
    const described = {
      description: own.map((one) => `${one}: ${ERROR_CODES[one].title}.`).join(' '),
      headers: { ...headers, ...HEADERS[status] },
      content: { [PROBLEM_CONTENT_TYPE]: { schema } },
    }
    return [String(status), described]
  })
  const other = problemSchema({ status: Type.Integer(), code: Type.String() })
  return {
    ...Object.fromEntries(known),
    default: {
      description: 'Another problem (RFC 9457). Handle an unknown code by its status.',
      headers,
      content: { [PROBLEM_CONTENT_TYPE]: { schema: other } },
    },
  }
}

function problemSchema(members: TProperties): object {
  return Type.Object({
    type: Type.String({ format: 'uri' }),
    title: Type.String(),
    detail: Type.String(),
    trace_id: Type.String(),
    ...members,
  })
}

/** If several codes share a status, a member of one code is optional for the status. */
function membersOf(codes: readonly ErrorCode[], members: ProblemMembers): TProperties {
  const named = codes.flatMap((code) => Object.entries(members[code] ?? {}))
  return Object.fromEntries(
    named.map(([name, schema]) => [name, codes.length === 1 ? schema : Type.Optional(schema)]),
  )
}
