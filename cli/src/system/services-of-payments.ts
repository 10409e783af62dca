import { UnreachableError } from '../errors.ts'
import type { System } from './find-system.ts'
import { call } from './http-client.ts'
import { bearer } from './tokens.ts'

const SERVICES = ['payments', 'wallets', 'processor', 'notifications'] as const

/** The answers by service, and why others gave none. */
export type AnswersOfServices<T> = { answers: Record<string, T>; missing: Record<string, string> }

/** Asks every service that handles payments; one that fails does not hide the others. */
export async function askEach<T>(
  system: System,
  token: string,
  path: string,
): Promise<AnswersOfServices<T>> {
  const answers: Record<string, T> = {}
  const missing: Record<string, string> = {}
  const ask = async (service: string): Promise<void> => {
    try {
      const url = `${system.serviceUrl(service)}${path}`
      const { status, body } = await call(url, { headers: bearer(token) })
      if (status === 200) answers[service] = body as T
      else missing[service] = `it answered ${status}`
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      missing[service] = error.message
    }
  }
  await Promise.all(SERVICES.map(ask))
  // In the order of the list, whichever answered first.
  const inOrder = <V>(values: Record<string, V>): Record<string, V> =>
    Object.fromEntries(SERVICES.flatMap((name) => (name in values ? [[name, values[name]!]] : [])))
  return { answers: inOrder(answers), missing: inOrder(missing) }
}
