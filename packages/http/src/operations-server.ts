import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { OperationsSettings } from '@caudal/config/edge-settings.ts'
import { newTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import { PROBLEM_CONTENT_TYPE, problemBody } from './problem.ts'

/** What a path answers. */
export interface OperationsAnswer {
  status: number
  contentType: string
  body: string
}

export type OperationsRoutes = Readonly<Record<string, () => Promise<OperationsAnswer>>>

/** Serves GET and HEAD of the routes on a port of its own, for operators and not for callers. */
export async function startOperationsServer(
  { host, port }: OperationsSettings,
  routes: OperationsRoutes,
  onFault: (error: unknown) => void,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(routes, request, response).catch((error: unknown) => {
      onFault(error)
      refuse(response, 'INTERNAL')
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}

async function answer(
  routes: OperationsRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0]!
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) return refuse(response, 'ROUTE_NOT_FOUND')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return refuse(response, 'METHOD_NOT_ALLOWED')
  }
  const { status, contentType, body } = await route()
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? '' : body)
}

function refuse(
  response: ServerResponse,
  code: 'ROUTE_NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'INTERNAL',
): void {
  const body = problemBody(code, traceIdOf(newTraceparent()))
  const { status } = JSON.parse(body) as { status: number }
  response.writeHead(status, { 'content-type': PROBLEM_CONTENT_TYPE }).end(body)
}
