import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'

// An instance in its own process, to be killed; reports when it is ready.
const { url } = await start(readConfig({ ...process.env, CAUDAL_LOG_LEVEL: 'silent' }))
process.stdout.write(`${url}\n`)
