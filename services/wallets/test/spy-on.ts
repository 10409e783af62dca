import type { Db } from '@caudal/postgres/types.ts'
import type { PoolClient } from 'pg'

/** A statement by its name; those that have none are no reads of the history. */
export interface Asked {
  name: string
  text: string
  values: unknown[]
}

/** A database on which something happens before each named statement is sent. */
export function spyOn(db: Db, before: (asked: Asked) => void | Promise<void>): Db {
  const watch = <T extends Pick<Db, 'query'>>(target: T): T =>
    new Proxy(target, {
      get(it, property) {
        const value: unknown = Reflect.get(it, property)
        if (typeof value !== 'function') return value
        if (property !== 'query') return value.bind(it) as unknown
        return async (asked: Asked | string, ...rest: unknown[]) => {
          if (typeof asked === 'object') await before(asked)
          return (value as (...all: unknown[]) => unknown).call(it, asked, ...rest)
        }
      },
    })
  const connect = async (): Promise<PoolClient> => watch(await db.connect())
  return new Proxy(watch(db), {
    get: (it, property) => (property === 'connect' ? connect : Reflect.get(it, property)),
  })
}
