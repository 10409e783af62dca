import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { EdgeSettings } from '@caudal/config/edge-settings.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import {
  LogController,
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyTypeProvider,
  type RawServerDefault,
} from 'fastify'
import type { Static, TSchema } from 'typebox'
import { answerBadHttp } from './answer-bad-http.ts'
import { answerError } from './answer-error.ts'
import { budgetBodies } from './budget-bodies.ts'
import { closeObjects, compileValidator } from './compile-validator.ts'
import { addHealthRoutes, type Readiness } from './health-routes.ts'
import { limitBodies } from './limit-bodies.ts'
import { measureRequests } from './measure-requests.ts'
import { parseStrictJson } from './parse-strict-json.ts'
import { sendProblem } from './problem.ts'
import { publishOpenApi } from './publish-open-api.ts'
import { refuseEncodedBody } from './refuse-encoded-body.ts'
import { foreignHostCheck } from './refuse-foreign-host.ts'
import { refuseUnknownQuery } from './refuse-unknown-query.ts'
import { refuseUnrouted } from './refuse-unrouted.ts'
import type { Identity } from './token-verifier.ts'
import { traceRequest } from './trace-request.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace context of this request, a child of the caller's. */
    traceparent: string
    /** The `X-Trace-Id` that the trace was derived from, if it is not a trace id itself. */
    traceName: string | undefined
    /** The verified caller; null until `requireToken` has run. */
    identity: Identity | null
  }
  interface FastifyContextConfig {
    /** How integers of the body are read; see parseStrictJson. */
    integers?: 'number' | 'bigint'
  }
}

/** Gives handlers the types of their typebox schemas. Answers are untyped; many are bytes. */
export interface TypeBoxTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: unknown
}

/** A fastify server whose routes are typed by typebox schemas. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface ServerOptions {
  name: string
  logger: Logger
  metrics: Metrics
  /** The checks of `/readyz`. Without them the service is ready when it listens. */
  readiness?: Readiness
  /** Bytes; larger bodies get 413. The schema of a route or its own `bodyLimit` lowers it. */
  bodyLimit?: number
  version?: string
  /** What the world outside may see; without it any host is accepted, and there is one port. */
  edge?: EdgeSettings | undefined
}

/** Where the schema of a route sets no limit. */
const BODY_LIMIT_BYTES = 256 * 1024
/** What can be parsed and validated without holding the event loop for 50 ms. */
const MAX_VALUES = 36_000
const LARGE_BODIES_BYTES = 64 * 1024 * 1024
const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 10_000
// Longer than the idle timeout of load balancers (60 s), so that they close idle connections first.
const KEEP_ALIVE_TIMEOUT_MS = 65_000

/** The framework logs where it listens at `info`; a service logs it once, when all of it runs. */
function withoutAddresses(logger: Logger): Logger {
  return logger.isLevelEnabled('info') ? logger.child({}, { level: 'warn' }) : logger
}

/**
 * Creates a fastify server with strict JSON bodies that typebox schemas validate, problem documents
 * for every error, trace context in and out, request metrics, `/healthz`, `/readyz`, `/metrics` and
 * `/openapi.json` (P13). The caller adds routes before the server listens.
 */
export function createServer(options: ServerOptions): HttpServer {
  const { name, logger, metrics, readiness = () => Promise.resolve({}) } = options
  const app = fastify({
    loggerInstance: withoutAddresses(logger),
    // A child logger per request costs more than routing the request; handlers log `trace_id`.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Requests that arrived before the stop are served; then their connection closes.
    return503OnClosing: false,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
      // Node would answer a missing host with an empty 400, not with a problem document.
      requireHostHeader: false,
    },
    clientErrorHandler: answerBadHttp,
    frameworkErrors(error, request, reply) {
      traceRequest(logger, request, reply)
      void answerError(logger, error, request, reply)
    },
  }) as unknown as HttpServer
  const untyped = app as unknown as FastifyInstance

  app.server.maxConnections = MAX_CONNECTIONS
  // Node would close the connection without an answer.
  app.server.on('connect', (_request, socket: Socket) => {
    answerBadHttp(new Error('CONNECT is not supported'), socket)
  })
  // Only `100-continue` is supported; Node would answer other expectations with an empty 417.
  app.server.on('checkExpectation', (_request, response) => {
    if (response.socket) answerBadHttp(new Error('an unknown expectation'), response.socket)
  })
  app.decorateRequest('traceparent', '')
  app.decorateRequest('traceName', undefined)
  app.decorateRequest('identity', null)
  const unrouted = refuseUnrouted(untyped)
  const foreignHost = foreignHostCheck(options.edge?.hosts)
  app.addHook('onRequest', (request, reply, done) => {
    traceRequest(logger, request, reply)
    reply.header('x-content-type-options', 'nosniff')
    reply.header('cache-control', 'no-store')
    const foreign = foreignHost(request)
    if (foreign !== undefined) {
      sendProblem(reply, 'MALFORMED_REQUEST', foreign)
      return
    }
    // Before any body is read: an unknown route needs neither a body nor a content type.
    if (!unrouted(request, reply)) done()
  })
  const most = { bytes: options.bodyLimit ?? BODY_LIMIT_BYTES, values: MAX_VALUES }
  limitBodies(untyped, most)
  budgetBodies(untyped, LARGE_BODIES_BYTES)
  measureRequests(untyped, metrics)
  acceptStrictJson(app)
  refuseUnknownQuery(untyped)
  app.setErrorHandler((error, request, reply) => answerError(logger, error, request, reply))
  publishOpenApi(untyped, name, options.version ?? '1.0.0')
  const operations = options.edge?.operations
  const onService = operations === undefined || operations.isPublic
  const deps = { name, logger, metrics, readiness }
  addHealthRoutes(untyped, deps, { onService, operations })
  return app
}

function acceptStrictJson(app: HttpServer): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      refuseEncodedBody(request)
      done(null, parseStrictJson(body as Buffer, request.routeOptions.config))
    } catch (error) {
      done(error as Error)
    }
  })
  app.setValidatorCompiler(compileValidator)
  // Response schemas only document: answers are sent unchanged.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.addHook('onRoute', (route) => {
    if (route.schema?.body === undefined) return
    route.schema = { ...route.schema, body: closeObjects(route.schema.body) }
  })
}
