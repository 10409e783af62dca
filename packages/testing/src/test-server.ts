/** Server URLs (database `postgres`) of the PostgreSQL that a test run shares. */
export interface TestServer {
  adminUrl: string
  ownerUrl: string
  appUrl: string
}

/** @throws Error if the tests run without it: start them with `npm test -- <path>`. */
export function testServer(env: NodeJS.ProcessEnv = process.env): TestServer {
  const adminUrl = env['CAUDAL_TEST_ADMIN_URL']
  const ownerUrl = env['CAUDAL_TEST_OWNER_URL']
  const appUrl = env['CAUDAL_TEST_APP_URL']
  if (adminUrl === undefined || ownerUrl === undefined || appUrl === undefined) {
    throw new Error('This test needs PostgreSQL: run it with `npm test -- <path>`')
  }
  return { adminUrl, ownerUrl, appUrl }
}
