// A server that does no work, to measure the cost of the load generator itself.
import net from 'node:net'

const ANSWER = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n' +
    `content-length: 77\r\ndate: ${new Date().toUTCString()}\r\n` +
    'connection: keep-alive\r\n\r\n' +
    '{"status":"committed","entry_id":"00000000-0000-0000-0000-000000000000"}     ',
)

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(ANSWER))
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address() as net.AddressInfo
  process.send!({ url: `http://127.0.0.1:${address.port}` })
})
