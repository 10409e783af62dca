import { createPool } from '@caudal/postgres/create-pool.ts'
import { isConnectionFault } from '@caudal/postgres/errors.ts'

/**
 * Connects once to the server that a variable names, so that a wrong one is told in a sentence.
 *
 * @throws {Error} without the password
 */
export async function reachDatabase(variable: string, url: string): Promise<void> {
  const pool = createPool({ url, applicationName: 'caudal-start', max: 1 })
  try {
    await pool.query('SELECT 1')
  } catch (error) {
    const what = isConnectionFault(error) ? 'cannot be reached' : 'lets nobody in'
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`the database of ${variable} ${what}: ${why}`, { cause: error })
  } finally {
    await pool.end()
  }
}
