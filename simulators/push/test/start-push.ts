import assert from 'node:assert/strict'
import { type ClientSessionOptions, connect, type SecureClientSessionOptions } from 'node:http2'
import type { Db } from '@caudal/postgres/types.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { generateKeyPair, SignJWT } from 'jose'
import { readConfig } from '../src/config.ts'
import { type RunningPush, start } from '../src/main.ts'
import { pushMigrations } from '../src/migrations.ts'

type Json = Record<string, unknown>

/** A response as it was received. */
export interface HttpResult {
  status: number
  headers: Record<string, unknown>
  json: Json
}

/** A running simulator and its client. */
export interface PushServices {
  db: Db
  url(): string
  apnsUrl(): string
  call(method: string, path: string, body?: unknown, headers?: Json): Promise<HttpResult>
  fcm(message: unknown, headers?: Json): Promise<HttpResult>
  apns(deviceToken: string, payload: unknown, headers?: Json): Promise<HttpResult>
  behave(settings: Json): Promise<void>
  messages(query: string): Promise<Json[]>
  restart(): Promise<void>
}

const { privateKey } = await generateKeyPair('ES256')

/** A provider token as an APNs client creates it. */
export function providerToken(): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'KEY1' })
    .setIssuer('TEAM1')
    .setIssuedAt()
    .sign(privateKey)
}

/** Starts the simulator on a new database. Both are removed when the scope ends. */
export async function startPush(
  scope: TestScope,
  env: NodeJS.ProcessEnv = {},
): Promise<PushServices> {
  const database = await testDatabase(scope, { sets: pushMigrations, name: 'push' })
  const config = readConfig({
    CAUDAL_PUSH_DATABASE_URL: database.url,
    CAUDAL_PUSH_PORT: '0',
    CAUDAL_PUSH_APNS_PORT: '0',
    CAUDAL_LOG_LEVEL: 'silent',
    ...env,
  })
  let service: RunningPush = await start(config)
  scope.after(() => service.stop())
  const call: PushServices['call'] = async (method, path, body, headers = {}) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const type: Json = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: { ...type, ...headers } as Record<string, string>,
      ...sent,
    })
    const json = (await response.json()) as Json
    return { status: response.status, headers: Object.fromEntries(response.headers), json }
  }
  return {
    db: database.pool,
    url: () => service.url,
    apnsUrl: () => service.apnsUrl,
    call,
    fcm: (message, headers = { authorization: 'Bearer ya29.token' }) =>
      call('POST', '/v1/projects/caudal-dev/messages:send', { message }, headers),
    async apns(deviceToken, payload, headers = {}) {
      const authorization = `bearer ${await providerToken()}`
      const sent = { authorization, 'apns-topic': 'dev.caudal.app', ...headers }
      return postH2(service.apnsUrl, `/3/device/${deviceToken}`, sent, JSON.stringify(payload))
    },
    async behave(settings) {
      const got = await call('PUT', '/admin/behaviour', settings)
      assert.equal(got.status, 200, JSON.stringify(got.json))
    },
    async messages(query) {
      const got = await call('GET', `/admin/messages?${query}`)
      assert.equal(got.status, 200, JSON.stringify(got.json))
      return got.json['data'] as Json[]
    },
    async restart() {
      await service.stop()
      service = await start(config)
    },
  }
}

/** Sends one request over a new HTTP/2 connection. */
export async function postH2(
  url: string,
  path: string,
  headers: Json,
  body: string,
  options: ClientSessionOptions | SecureClientSessionOptions = {},
): Promise<HttpResult> {
  const session = connect(url, options)
  try {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResult>()
    session.on('error', reject)
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers })
    let responseHeaders: Record<string, unknown> = {}
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (got) => (responseHeaders = got))
    stream.on('data', (chunk: string) => (text += chunk))
    stream.on('error', reject)
    stream.on('end', () => {
      const json = text === '' ? {} : (JSON.parse(text) as Json)
      resolve({ status: Number(responseHeaders[':status']), headers: responseHeaders, json })
    })
    stream.end(body)
    return await promise
  } finally {
    session.close()
  }
}
