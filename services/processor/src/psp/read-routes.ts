import type { EnvironmentReader } from '@caudal/config/environment.ts'
import { CURRENCIES } from '@caudal/money/currencies.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Route } from '../domain/route.ts'
import { type PspSettings, readJson } from './psp-settings.ts'

const VARIABLE = 'CAUDAL_PSP_ROUTES'
const Name = Type.String({ minLength: 1, maxLength: 255 })
const Routes = Type.Array(
  Type.Object(
    {
      tenant: Type.Optional(Name),
      service: Type.Optional(Name),
      currency: Type.Optional(Name),
      psps: Type.Array(Name, { minItems: 1, maxItems: 16, uniqueItems: true }),
    },
    { additionalProperties: false },
  ),
  { maxItems: 1_000 },
)
const routesValidator = Compile(Routes)
const currencies = new Set<string>(CURRENCIES)

/** Reads the routes, JSON like `[{"currency":"EUR","psps":["other","main"]}]`. */
export function readRoutes(reader: EnvironmentReader, psps: readonly PspSettings[]): Route[] {
  const routes = readJson(reader.optional(VARIABLE) ?? '[]')
  if (!routesValidator.Check(routes)) {
    reader.refuse(VARIABLE, 'must be JSON like [{"currency":"EUR","psps":["other","main"]}]')
    return []
  }
  const known = new Set(psps.map(({ name }) => name))
  const unknown = routes.flatMap((route) => route.psps).find((name) => !known.has(name))
  if (unknown !== undefined) reader.refuse(VARIABLE, 'must name only PSPs that are configured')
  const isMoney = routes.every(({ currency }) => currency === undefined || currencies.has(currency))
  if (!isMoney) reader.refuse(VARIABLE, 'must name only currencies of ISO 4217')
  return routes.map((route) => ({ ...route, psps: [...route.psps] }))
}
