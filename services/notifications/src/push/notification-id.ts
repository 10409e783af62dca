import { v5 } from 'uuid'

const NAMESPACE = '0a0b8c9e-6d55-5d3e-8e5d-2a4c1f0e7b11'

/** The id of a notification by its key, the same for every try and every instance. */
export function notificationIdOf(key: string): string {
  return v5(`notification/${key}`, NAMESPACE)
}
