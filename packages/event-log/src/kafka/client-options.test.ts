import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { Admin } from '@platformatic/kafka'
import { clientOptions, heedErrors } from './client-options.ts'

test('a connection that is reset after an error, as behind a refused login, does not end the process', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const options = clientOptions({ brokers: [`127.0.0.1:${port}`] }, 'test')
  const admin = heedErrors(new Admin(options))
  t.after(() => admin.close())
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const connection = await admin.connections.get({ host: '127.0.0.1', port })
  const [socket] = await accepted
  const caught: Error[] = []
  connection.socket.on('error', (error: Error) => caught.push(error))
  // The client itself listens to the first error of a connection only.
  connection.emit('error', new Error('the login is refused'))
  socket.resetAndDestroy()
  await eventually(() => !connection.isConnected())
  assert.match(String(caught[0]), /ECONNRESET/)
})
