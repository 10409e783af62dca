/** The URLs (database `postgres`) of the server that all tests of a run share. */
export interface TestServer {
  adminUrl: string
  ownerUrl: string
  appUrl: string
}

/**
 * Reads the test server's URLs from the environment, which `npm test` sets.
 *
 * @throws Error if they are not set
 */
export function testServer(env: NodeJS.ProcessEnv = process.env): TestServer {
  const adminUrl = env['CAUDAL_TEST_ADMIN_URL']
  const ownerUrl = env['CAUDAL_TEST_OWNER_URL']
  const appUrl = env['CAUDAL_TEST_APP_URL']
  if (adminUrl === undefined || ownerUrl === undefined || appUrl === undefined) {
    throw new Error('This test needs PostgreSQL. Run it with `npm test -- <path>`.')
  }
  return { adminUrl, ownerUrl, appUrl }
}
