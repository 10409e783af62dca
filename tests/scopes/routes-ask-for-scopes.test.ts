import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { expandScopes, SCOPE, type Scope, SCOPES, scopesOf } from '@caudal/contracts/scopes.ts'
import { SERVICES } from '@caudal/contracts/services.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem, type System } from 'caudal/system/find-system.ts'
import { anyClientToken, clientToken, userToken } from 'caudal/system/tokens.ts'
import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose'
import {
  type OpenApiSecurity,
  scopedRoutesOf,
  type ScopedRoute,
  scopesPage,
} from '../../tools/reference/scopes-page.ts'
import { assertProblem } from '../support/assert-problem.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import { sendRequest } from '../support/send-request.ts'
import { seed, type SeededUser } from '../support/user-client.ts'

const PAGE = join(ROOT, 'docs/reference/scopes.md')
const GATEWAY_ISSUER = 'https://gateway.caudal.local'

describe('each route asks for the scope that the reference names', () => {
  const scope = suiteScope()
  const gatewayKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  let services: System
  let user: SeededUser
  let routes: ScopedRoute[] = []

  before(async () => {
    const dataDir = await dataDirectory(scope)
    // With a known key, the test can sign tokens of the gateway.
    const key = JSON.stringify(gatewayKey.export({ format: 'jwk' }))
    await launchSystem(scope, {
      dataDir,
      env: { CAUDAL_GATEWAY_SIGNING_KEY: key, CAUDAL_OPERATIONS_PUBLIC: 'true' },
    })
    services = await findSystem({ dataDir, url: undefined })
    ;[user] = (await seed(dataDir)) as [SeededUser]
    const read = SERVICES.map(async (service) => {
      const answer = await fetch(`${urlOf(service)}/openapi.json`)
      return scopedRoutesOf(service, (await answer.json()) as OpenApiSecurity)
    })
    routes = (await Promise.all(read)).flat()
  })

  test('the page is that of the running services', () => {
    const page = scopesPage(routes)
    if (process.env['CAUDAL_UPDATE_REFERENCE'] === '1') writeFileSync(PAGE, page)
    assert.equal(readFileSync(PAGE, 'utf8'), page)
    assert.ok(routes.length > 30, 'every service names its routes')
  })

  test('a token without the scope of a route gets 403, one with it alone does not', async () => {
    const all = Object.keys(SCOPES) as Scope[]
    for (const route of routes) {
      const others = all.filter((one) => {
        const includes = expandScopes([one])
        return route.scopes.every((asked) => !includes.has(asked))
      })
      const about = `${route.service} ${route.method} ${route.path}`
      const refused = await ask(route, others)
      assertProblem(refused, 'FORBIDDEN', `${about} without ${route.scopes.join()}`)
      for (const one of route.scopes) {
        const { status } = await ask(route, [one])
        assert.ok(status !== 401 && status !== 403, `${about} with ${one}: ${status}`)
        assert.ok(status < 500, `${about} with ${one}: ${status}`)
      }
    }
  })

  test('a token with a scope that includes the one of the route is accepted', async () => {
    const narrow = new Set<string>(SCOPES['ledger:write'].means)
    const including = routes.filter(({ scopes }) => scopes.some((one) => narrow.has(one)))
    assert.equal(including.length, 7)
    for (const route of including) {
      const { status } = await ask(route, [SCOPE.ledgerWrite])
      assert.ok(status !== 403, `${route.path}: ${status}`)
    }
  })

  function urlOf(service: string): string {
    return service === 'api-gateway' ? services.gatewayUrl : services.serviceUrl(service)
  }

  async function ask({ service, method, path, scopes: asked }: ScopedRoute, scopes: Scope[]) {
    const mayBeUser = asked.every((one) => scopesOf('user').includes(one))
    const isOfUsers = mayBeUser && (service === 'api-gateway' || asked.includes(SCOPE.walletRead))
    const holder = isOfUsers ? 'user' : 'client'
    const mayHave = scopesOf(holder)
    const granted = scopes.filter((one) => mayHave.includes(one))
    const token = await tokenOf(service, holder, granted)
    return sendRequest(urlOf(service), {
      method,
      path: path.replaceAll(/\{\w+\}/g, randomUUID()),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(method !== 'GET' && { body: '{}' }),
    })
  }

  async function tokenOf(service: string, holder: string, scopes: Scope[]): Promise<string> {
    const scope = scopes.join(' ')
    if (holder === 'user') {
      if (service !== 'api-gateway') return internalToken(service, scope)
      return (await userToken(services, user.user_id, 'caudal', scope)).token
    }
    // Only the command line's own client may have the scope that is never lent.
    if (scopes.includes(SCOPE.usersImpersonate)) return (await clientToken(services, scope)).token
    return (await anyClientToken(services, 'probe', { scope })).token
  }

  async function internalToken(audience: string, scope: string): Promise<string> {
    const kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(gatewayKey)))
    return new SignJWT({ tenant_id: 'caudal', scope })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
      .setIssuer(GATEWAY_ISSUER)
      .setAudience(audience)
      .setSubject(user.user_id)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(gatewayKey)
  }
})
