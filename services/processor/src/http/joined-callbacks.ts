import { problemOf } from '@caudal/http/answer-error.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { type AnswerLine, lineWriter } from '@caudal/http/line-writer.ts'
import { renderProblem } from '@caudal/http/problem.ts'
import { takeOverReply } from '@caudal/http/take-over-reply.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  traceIdOf,
} from '@caudal/telemetry/trace-context.ts'
import { type Static, Type } from 'typebox'
import { ACCEPTED, acceptCallback, type CallbackDoorDeps } from './callback-door.ts'

const PATH = '/internal/callbacks'
const BODY_LIMIT_BYTES = 1024 * 1024
const MAX_CALLBACKS = 64
const HEADERS = { 'content-type': 'application/json; charset=utf-8' }
const BODY = JSON.stringify(ACCEPTED)

/** One callback: its path, its headers and its body, which is UTF-8, so no byte is lost. */
const JoinedCallback = Type.Object({
  path: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  body: Type.String(),
})
type JoinedCallback = Static<typeof JoinedCallback>

const schema = {
  hide: true,
  body: Type.Object({ requests: Type.Array(JoinedCallback, { maxItems: MAX_CALLBACKS }) }),
}

/**
 * Adds the route for callbacks that the gateway sends together, since one HTTP exchange per
 * callback costs more than the rest of the work. Each is handled as at `POST
 * /callbacks/{psp}/{psp_account}` by its own signature, and answered on a line of its own once it
 * is durable.
 */
export function addJoinedCallbacks(
  app: HttpServer,
  deps: CallbackDoorDeps & { logger: Logger },
): void {
  app.post(PATH, { schema, bodyLimit: BODY_LIMIT_BYTES }, (request, reply) => {
    const { requests } = request.body
    const write = lineWriter(takeOverReply(reply), requests.length)
    for (const [index, one] of requests.entries()) {
      void answerOf(deps, one).then((answered) => write({ index, ...answered }))
    }
  })
}

/** Never rejects: every error becomes an answer. */
async function answerOf(
  { logger, receive }: CallbackDoorDeps & { logger: Logger },
  { path, headers, body }: JoinedCallback,
): Promise<Omit<AnswerLine, 'index'>> {
  try {
    const [, , psp = '', account = ''] = path.split('/')
    await acceptCallback({ receive }, { psp, account, headers, rawBody: Buffer.from(body) })
    return { status: 202, headers: HEADERS, body: BODY }
  } catch (error) {
    const parent = parseTraceparent(headers['traceparent'])
    const traceId = traceIdOf(parent === null ? newTraceparent() : childTraceparent(parent))
    const about = { trace_id: traceId, method: 'POST', route: PATH }
    return renderProblem(
      problemOf(logger, error, () => about),
      traceId,
    )
  }
}
