import { startLocalPostgres } from '../src/start-local-postgres.ts'

/** A process of its own for the tests to kill: starts the server and says where it is. */
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const [dataDir = '', port = '0'] = process.argv.slice(2)
const server = await startLocalPostgres({
  dataDir,
  port: Number(port),
  throwaway: true,
  logger: quiet,
})
process.send?.({ adminUrl: server.adminUrl, port: server.port })
process.on('message', (message) => {
  if (message === 'stop') void server.stop().then(() => process.disconnect())
})
