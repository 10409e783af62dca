import { v5 } from 'uuid'
import { NAMESPACE } from '../domain/id-namespace.ts'

/** The id of a notification by its key, the same for every try and every instance. */
export function notificationIdOf(key: string): string {
  return v5(`notification/${key}`, NAMESPACE)
}
