/** A response of FCM: status and body. */
export interface FcmResponse {
  status: number
  body: Record<string, unknown>
}

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'

/** The message was accepted. */
export function fcmAccepted(project: string, messageId: string): FcmResponse {
  return { status: 200, body: { name: `projects/${project}/messages/${messageId}` } }
}

/** The access token is missing or malformed. */
export function fcmUnauthenticated(): FcmResponse {
  const message =
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie ' +
    'or other valid authentication credential.'
  return { status: 401, body: { error: { code: 401, message, status: 'UNAUTHENTICATED' } } }
}

/** The request is invalid. */
export function fcmInvalidArgument(message: string): FcmResponse {
  return fcmError(400, 'INVALID_ARGUMENT', message, 'INVALID_ARGUMENT')
}

/** The app was removed from the device; its token will never work again. */
export function fcmUnregistered(): FcmResponse {
  return fcmError(404, 'NOT_FOUND', 'Requested entity was not found.', 'UNREGISTERED')
}

/** An internal error; the sender should retry. */
export function fcmInternal(): FcmResponse {
  return fcmError(500, 'INTERNAL', 'Internal error encountered.', 'INTERNAL')
}

/** FCM is temporarily unavailable; the sender should retry. */
export function fcmUnavailable(): FcmResponse {
  return fcmError(503, 'UNAVAILABLE', 'The service is currently unavailable.', 'UNAVAILABLE')
}

function fcmError(code: number, status: string, message: string, errorCode: string): FcmResponse {
  const details = [{ '@type': FCM_ERROR, errorCode }]
  return { status: code, body: { error: { code, message, status, details } } }
}
