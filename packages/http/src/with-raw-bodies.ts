import type { HttpServer } from './create-server.ts'

/**
 * Adds routes whose bodies arrive as bytes, whatever their content type, such as those that are
 * signed by their sender. Only these routes: the parsers of all others stay.
 */
export function withRawBodies(app: HttpServer, add: (scope: HttpServer) => void): void {
  void app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body)
    })
    add(scope)
    registered()
  })
}
