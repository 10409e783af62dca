/** An answer of FCM: status and body. */
export interface FcmAnswer {
  status: number
  body: Record<string, unknown>
}

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'

/** The message was accepted under this name. */
export function fcmAccepted(project: string, messageId: string): FcmAnswer {
  return { status: 200, body: { name: `projects/${project}/messages/${messageId}` } }
}

/** No (well-formed) access token. */
export function fcmUnauthenticated(): FcmAnswer {
  const message =
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie ' +
    'or other valid authentication credential.'
  return { status: 401, body: { error: { code: 401, message, status: 'UNAUTHENTICATED' } } }
}

/** The request makes no sense to FCM. */
export function fcmInvalidArgument(message: string): FcmAnswer {
  return fcmError(400, 'INVALID_ARGUMENT', message, 'INVALID_ARGUMENT')
}

/** The app is gone from the device: its token will never work again. */
export function fcmUnregistered(): FcmAnswer {
  return fcmError(404, 'NOT_FOUND', 'Requested entity was not found.', 'UNREGISTERED')
}

/** Something broke inside; the sender should try again. */
export function fcmInternal(): FcmAnswer {
  return fcmError(500, 'INTERNAL', 'Internal error encountered.', 'INTERNAL')
}

/** FCM cannot take messages now; the sender should try again. */
export function fcmUnavailable(): FcmAnswer {
  return fcmError(503, 'UNAVAILABLE', 'The service is currently unavailable.', 'UNAVAILABLE')
}

function fcmError(code: number, status: string, message: string, errorCode: string): FcmAnswer {
  const details = [{ '@type': FCM_ERROR, errorCode }]
  return { status: code, body: { error: { code, message, status, details } } }
}
