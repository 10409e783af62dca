import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ServiceName } from './services.ts'

/**
 * Who caused a change: a user (by `sub`), a client (by client id), an operator (by subject) or the
 * system itself (by service name). Pseudonymous: never a name or an address (rule 16).
 */
export const ActorSchema = Type.Object({
  type: Type.Enum(['user', 'client', 'operator', 'system']),
  id: Type.String({ minLength: 1, maxLength: 255 }),
})

export type Actor = Static<typeof ActorSchema>

const Actors = Compile(ActorSchema)

/** Whether a value has the form of an actor. */
export function isActor(value: unknown): value is Actor {
  return Actors.Check(value)
}

/** The actor of what a service does on its own: by a timer, or by an answer of the PSP. */
export function systemActor(service: ServiceName): Actor {
  return { type: 'system', id: service }
}
