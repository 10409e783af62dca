import { startLocalPostgres } from '../src/start-local-postgres.ts'

/** A process that tests can kill: starts the server and sends its URL to the parent. */
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
