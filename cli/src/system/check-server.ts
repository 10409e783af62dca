import { createPool } from '@caudal/postgres/create-pool.ts'
import { isConnectionFault } from '@caudal/postgres/errors.ts'

/**
 * Connects once to the server that a variable names, so that a wrong URL gives a clear message.
 *
 * @throws {Error} naming the variable, without the password
 */
export async function checkServer(variable: string, url: string): Promise<void> {
  const pool = createPool({ url, applicationName: 'caudal-start', max: 1 })
  try {
    await pool.query('SELECT 1')
  } catch (error) {
    const what = isConnectionFault(error) ? 'is unreachable' : 'refused the connection'
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`the database of ${variable} ${what}: ${why}`, { cause: error })
  } finally {
    await pool.end()
  }
}
