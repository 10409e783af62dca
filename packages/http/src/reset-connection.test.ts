import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const MODULE = new URL('reset-connection.ts', import.meta.url).href

/** A server that resets its one connection, after it began to end it if `ended`. */
const script = (ended: boolean): string => `
  import { connect, createServer } from 'node:net'
  import { resetConnection } from ${JSON.stringify(MODULE)}
  const server = createServer((socket) => {
    server.close()
    if (${ended}) socket.end()
    resetConnection(socket)
  })
  server.listen(0, '127.0.0.1', () => {
    const client = connect(server.address().port, '127.0.0.1').resume()
    client.on('error', ({ code }) => console.log(code))
    client.on('close', () => console.log('closed'))
  })`

async function output(ended: boolean): Promise<string> {
  const args = ['--input-type=module', '--eval', script(ended)]
  const run = promisify(execFile)(process.execPath, args, {
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  return (await run).stdout
}

test('a reset connection is broken for the caller', async () => {
  assert.equal(await output(false), 'ECONNRESET\nclosed\n')
})

test('a process exits after it reset a connection that was ending', async () => {
  assert.equal(await output(true), 'closed\n')
})
