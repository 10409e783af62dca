import { isUuid } from '@caudal/contracts/ids.ts'
import type { PublicRoute } from './public-routes.ts'

const PARAMETER = /:(\w+)/

/** The parts of a request that decide where it goes. */
export interface Addressed {
  url: string
  params: unknown
}

/**
 * Composes the path at the peer for requests of a route; undefined when a parameter is no UUID: no
 * other text gets into the path of an inner request.
 */
export function innerPathOf(
  route: Pick<PublicRoute, 'innerPath' | 'schema'>,
): (request: Addressed) => string | undefined {
  // Every second part is the name of a parameter.
  const parts = route.innerPath.split(PARAMETER)
  const passesQuery = route.schema.querystring !== undefined
  return ({ url, params }) => {
    let path = parts[0]!
    for (let index = 1; index < parts.length; index += 2) {
      const value = (params as Record<string, string>)[parts[index]!]!
      if (!isUuid(value)) return undefined
      path += value + parts[index + 1]!
    }
    return passesQuery ? path + queryOf(url) : path
  }
}

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start)
}
